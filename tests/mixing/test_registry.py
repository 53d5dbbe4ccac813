"""A new effect or transform: one class and one registration, and nothing else changes."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from mixing_corpus import TestStem, write_corpus
from organology import config as recipes
from organology.config import FORBID
from organology.errors import ConfigError
from organology.mixing import EFFECTS, TRANSFORMS, Applied, ChannelConfig, EffectsConfig, Mixer, MixingConfig, StemPool
from organology.mixing.channel.base import MixtureTransform, Player, SourceTransform
from organology.mixing.effects.base import Effect
from organology.mixing.effects.gain import Gain

COUNT = 12
RECIPE = {
    "p_musical": 0.4,
    "channel": {"room": {"probability": 0.5}, "noise": {"probability": 0.5}, "amp": {"guitar_probability": 0.5}},
}


@dataclass(frozen=True)
class Flip(Effect):
    """Turns the sign of a source."""

    __pydantic_config__ = FORBID
    name = "flip"
    largest: float = 1.0

    def draw(self, rng):
        return {"factor": -float(rng.uniform(0.5, self.largest))}

    @classmethod
    def apply(cls, samples, sample_rate, **parameters):
        return samples * np.float32(parameters["factor"])


@dataclass(frozen=True)
class Halve(MixtureTransform):
    """Halves a mixture."""

    __pydantic_config__ = FORBID
    name = "halve"

    def draw(self, rng, n_sources):
        return {"sources": n_sources}

    @staticmethod
    def apply(samples, sample_rate, **parameters):
        return samples * np.float32(0.5)


@dataclass(frozen=True)
class Mute(SourceTransform):
    """Silences pianos."""

    __pydantic_config__ = FORBID
    name = "mute"
    on: bool = False

    @property
    def is_on(self):
        return self.on

    def disabled(self):
        return Mute()

    def draw(self, rng, player: Player):
        return {} if "piano" in player.instruments else None

    @staticmethod
    def apply(samples, sample_rate, **parameters):
        return np.zeros_like(samples)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    players = {"piano": 261.6, "electric_guitar": 329.6, "violin": 659.3, "drums": 180.0}
    stems = [
        TestStem(f"song{i}", name, (name,), hertz=hertz * (1 + i / 10), seconds=8, active=((0, 8),))
        for i in range(4)
        for name, hertz in players.items()
    ]
    return [write_corpus(tmp_path_factory.mktemp("corpora") / "c", "c", stems)]


@pytest.fixture
def registered():
    """Registers members for the time of a test."""
    added = []

    def add(registry, member):
        registry.register(member)
        added.append((registry, member.name))

    yield add
    for registry, name in added:
        registry.remove(name)


def mixtures(corpora, changes=None):
    config = recipes.parse({**RECIPE, **(changes or {})}, MixingConfig, "recipe")
    mixer = Mixer(StemPool.load(corpora, "train", config), config, 3)
    return [mixer.mix(index) for index in range(COUNT)]


def bits(made):
    return [(m.audio.tobytes(), m.labels.tobytes(), m.sources, m.channel, m.gain_db) for m in made]


@pytest.mark.parametrize(
    ("registry", "member", "key"),
    [(EFFECTS, Flip, "effects"), (TRANSFORMS, Halve, "channel"), (TRANSFORMS, Mute, "channel")],
)
def test_registering_with_probability_0_changes_no_mixture(corpora, registered, registry, member, key):
    before = bits(mixtures(corpora))
    registered(registry, member)
    assert bits(mixtures(corpora)) == before
    named = {**RECIPE.get(key, {}), member.name: {}}
    assert bits(mixtures(corpora, {key: named})) == before


def test_effect_with_probability_1_leaves_the_draws_of_the_others(corpora, registered):
    before = mixtures(corpora)
    registered(EFFECTS, Flip)
    after = mixtures(corpora, {"effects": {"flip": {"probability": 1}}})
    places = set()
    for a, b in zip(before, after, strict=True):
        assert [(s.stem, s.start, s.frames) for s in a.sources] == [(s.stem, s.start, s.frames) for s in b.sources]
        assert a.channel == b.channel and a.strategy == b.strategy
        assert not np.array_equal(a.audio, b.audio)
        for old, new in zip(a.sources, b.sources, strict=True):
            names = [effect.name for effect in new.effects]
            assert names.count("flip") == 1
            assert tuple(effect for effect in new.effects if effect.name != "flip") == old.effects
            if old.effects:
                places.add("first" if names[0] == "flip" else "last" if names[-1] == "flip" else "between")
    assert {"first", "last"} <= places


def test_transform_with_probability_1_is_applied_last(corpora, registered):
    before = mixtures(corpora)
    registered(TRANSFORMS, Halve)
    after = mixtures(corpora, {"channel": {**RECIPE["channel"], "halve": {"probability": 1}}})
    for a, b in zip(before, after, strict=True):
        assert b.channel == (*a.channel, Applied("halve", {"sources": len(b.sources)}))
        assert a.sources == b.sources and np.array_equal(a.labels, b.labels)
        if not a.channel and a.gain_db == 0:
            assert np.array_equal(b.audio, a.audio * np.float32(0.5))


def test_source_transform_acts_before_labels_are_set(corpora, registered):
    registered(TRANSFORMS, Mute)
    pianos = [
        source
        for mixture in mixtures(corpora, {"channel": {"mute": {"on": True}}})
        for source in mixture.sources
        if source.word == "piano"
    ]
    assert pianos and {source.audibility for source in pianos} == {"inaudible"}
    assert all(source.transforms == (Applied("mute", {}),) for source in pianos)


def test_registered_effect_is_a_key_of_recipes(registered):
    values = {"effects": {"flip": {"probability": 0.2, "largest": 2}}}
    with pytest.raises(ConfigError, match=r"effects\.flip.*unknown key"):
        recipes.parse(values, MixingConfig, "recipe")
    registered(EFFECTS, Flip)
    config = recipes.parse(values, MixingConfig, "recipe")
    assert config.effects.flip == Flip(0.2, 2)
    plain = recipes.to_plain(config)
    assert plain["effects"]["flip"] == {"probability": 0.2, "largest": 2}
    assert recipes.parse(json.loads(json.dumps(plain)), MixingConfig, "again") == config
    with pytest.raises(ConfigError, match=r"effects\.flip\.size.*unknown key"):
        recipes.parse({"effects": {"flip": {"size": 1}}}, MixingConfig, "recipe")
    with pytest.raises(ValueError, match="effect 'flip' is registered already"):
        EFFECTS.register(Flip)


def test_settings_compare_hash_pickle_and_change():
    settings = EffectsConfig(gain=Gain(0.1))
    assert settings == EffectsConfig(gain=Gain(0.1)) != EffectsConfig()
    assert hash(settings) == hash(EffectsConfig(gain=Gain(0.1)))
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert settings.replace(gain=Gain()) == EffectsConfig()
    assert list(settings) == list(EFFECTS) and settings.gain is settings["gain"]
    assert not EffectsConfig.none().is_on and EffectsConfig().is_on and not ChannelConfig().is_on
    with pytest.raises(AttributeError, match="reverb"):
        settings.reverb  # noqa: B018
