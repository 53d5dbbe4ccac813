"""Transforms in mixtures: labels, draws of everything else, workers, recipe, provenance."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing

import numpy as np
import pytest

from mixing_corpus import TestStem, write_corpus
from organology import config
from organology.errors import ConfigError
from organology.mixing import TRANSFORMS, ChannelConfig, Mixer, MixingConfig, StemPool
from organology.mixing.channel.amplifier import Amplifier
from organology.mixing.channel.chain import ChannelPlan
from organology.mixing.channel.codec import Codec
from organology.mixing.channel.noise import Noise
from organology.mixing.export import write_mixtures

EVERYTHING = ChannelConfig(
    amp=Amplifier(1, 1),
    **{name: kind(0.3 if name == "codec" else 0.5) for name, kind in TRANSFORMS.items() if name not in ("amp", "band")},
)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    players = {"piano": 261.6, "electric_guitar": 329.6, "electric_bass": 82.4, "drums": 180.0}
    stems = [
        TestStem(f"song{i}", name, (name,), hertz=hertz * (1 + i / 10))
        for i in range(4)
        for name, hertz in players.items()
    ]
    return [write_corpus(tmp_path_factory.mktemp("corpora") / "c", "c", stems)]


def make(corpora, channel, **settings):
    settings = MixingConfig(channel=channel, **settings)
    return Mixer(StemPool.load(corpora, "train", settings), settings, 0)


def test_channel_changes_nothing_else_of_a_mixture(corpora):
    plain, treated = make(corpora, ChannelConfig()), make(corpora, EVERYTHING.replace(amp=Amplifier()))
    changed = 0
    for index in range(10):
        a, b = plain.mix(index), treated.mix(index)
        assert plain.plan(index) == dataclasses.replace(treated.plan(index), channel=ChannelPlan())
        assert np.array_equal(a.labels, b.labels) and a.sources == b.sources and a.songs == b.songs
        assert b.audio.shape == a.audio.shape and b.audio.dtype == np.float32
        assert np.isfinite(b.audio).all() and np.abs(b.audio).max() <= 1
        assert np.array_equal(a.audio, b.audio) == (not b.channel)
        changed += bool(b.channel)
    assert changed > 5


def test_channel_amplifiers_go_to_guitars_and_basses(corpora):
    mixer = make(corpora, ChannelConfig(amp=Amplifier(1, 1)))
    seen = {source.word: bool(source.transforms) for index in range(12) for source in mixer.mix(index).sources}
    assert seen == {"piano": False, "drums": False, "electric_guitar": True, "electric_bass": True}
    never = make(corpora, ChannelConfig(amp=Amplifier(1, 0)))
    assert not any(s.transforms for i in range(12) for s in never.mix(i).sources if s.word == "electric_bass")


def _mix(arguments):
    mixer, index = arguments
    return mixer.mix(index).audio.tobytes()


def test_channel_with_any_number_of_workers_gives_the_same_bits(corpora):
    mixer = make(corpora, EVERYTHING)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        there = pool.map(_mix, [(mixer, i) for i in range(5)], chunksize=1)
    assert there == [_mix((mixer, i)) for i in range(5)]


def test_evaluation_mixer_leaves_the_channel_out():
    assert MixingConfig(channel=EVERYTHING).for_evaluation().channel == ChannelConfig()


@pytest.mark.parametrize("key", ["channel", "world"])
def test_channel_in_a_recipe_is_read_and_wrong_keys_are_refused(tmp_path, key):
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"{key}: {{codec: {{probability: 0.2, formats: [mp3]}}, noise: {{kinds: [hum], snr_db: [10, 20]}}}}"
    )
    loaded = config.load(path, MixingConfig).channel
    assert loaded.codec == Codec(0.2, ("mp3",)) and loaded.noise == Noise(0.0, (10, 20), ("hum",))
    for text in ("{reverb: {}}", "{codec: {formats: [wma]}}", "{room: {probability: 2}}"):
        path.write_text(f"{key}: {text}")
        with pytest.raises(ConfigError, match=r"recipe\.yaml"):
            config.load(path, MixingConfig)


def test_mix_verb_sources_json_names_the_channel(corpora, tmp_path):
    list(write_mixtures(make(corpora, EVERYTHING), 6, tmp_path))
    told = json.loads((tmp_path / "sources.json").read_text())
    names = {one["name"] for mixture in told for one in mixture["channel"]}
    assert {"room", "loudness"} <= names
    rooms = [(m, t) for m in told for t in m["channel"] if t["name"] == "room"]
    assert all(len(t["parameters"]["direct_to_reverb_db"]) == len(m["sources"]) for m, t in rooms)
    amps = [amp for mixture in told for source in mixture["sources"] for amp in source["transforms"]]
    assert amps and all(amp["parameters"]["drive_db"] < 40 for amp in amps)
