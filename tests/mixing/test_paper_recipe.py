"""The paper's recipe draws what section 3 of the paper says, counted over thousands of drawn mixtures.

Bradl, Huber and Pernkopf (2023): a corpus, each with the same probability; a musical mixture with `p_musical`; one
source with `p_single_source`; musical sources of one song and one time position, without pitch shift and time stretch;
non-musical ones of different songs; each effect with its own probability, in random order; labels by union.
The numbers that the paper leaves open are those of the recipe: 0.6, 0.15, 2 to 6 sources, gain 0.5, the others 0.3.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from scipy import stats

from mixing_corpus import RATE, TestStem, write_corpus
from organology.corpora.resplit import resplit
from organology.corpora.table import read_table
from organology.mixing import Mixer, StemPool
from organology.mixing.recipe import load_recipe

RECIPE = Path(__file__).parents[2] / "src/organology/recipes/paper.yaml"
COUNT = 4000
EFFECTS = {"gain": 0.5, "low_shelf": 0.3, "high_shelf": 0.3, "peaking": 0.3, "pitch_shift": 0.3, "time_stretch": 0.3}
LABELS = {
    "singer": {"singer", "voice"},
    "drums": {"drums", "percussion"},
    "violin": {"violin", "bowed_string"},
    "electric_guitar": {"electric_guitar", "plucked_string"},
    "piano": {"piano", "key"},
    "brass": {"brass"},
    "synth": {"synth"},
}
CORPORA = ("medleydb", "mixing_secrets", "slakh")
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.fixture(scope="module")
def mixer(tmp_path_factory) -> Mixer:
    """Three corpora of 8, 16 and 24 songs, each of seven stems of 0.2 s, under the settings of the recipe."""
    root = tmp_path_factory.mktemp("corpora")
    folders = []
    for number, corpus in enumerate(CORPORA, 1):
        stems = [
            TestStem(f"song{i}", name, (name,), seconds=0.2, active=((0, 0.2),)) for i in range(8 * number)
            for name in LABELS
        ]  # fmt: skip
        folders.append(write_corpus(root / corpus, corpus, stems))
    config = replace(load_recipe(RECIPE).mixing, split=None)  # the songs here are all of one split
    return Mixer(StemPool.load(folders, "train", config), config, seed=0)


@pytest.fixture(scope="module")
def plans(mixer):
    return [mixer.plan(index) for index in range(COUNT)]


def assert_share(count, total, share):
    """Within 4.5 standard deviations of the binomial distribution; the seeds are fixed, so it holds always or never."""
    assert abs(count - total * share) <= 4.5 * np.sqrt(total * share * (1 - share)), (count / total, share)


def stems_of(mixer, plan):
    return [mixer.pool.stems[source.stem] for source in plan.sources]


def test_paper_recipe_corpora_of_any_size_are_drawn_evenly(mixer, plans):
    counts = Counter(stems_of(mixer, plan)[0].corpus for plan in plans)
    assert set(counts) == set(CORPORA)
    for corpus in CORPORA:
        assert_share(counts[corpus], COUNT, 1 / 3)
    assert all(len({stem.corpus for stem in stems_of(mixer, plan)}) == 1 for plan in plans)


def test_paper_recipe_strategy_is_musical_with_p_musical(plans):
    assert_share(sum(plan.strategy == "musical" for plan in plans), COUNT, 0.6)
    assert {plan.strategy for plan in plans} == {"musical", "non-musical"}


@pytest.mark.parametrize("strategy", ["musical", "non-musical"])
def test_paper_recipe_number_of_sources_is_1_or_2_to_6(plans, strategy):
    sizes = Counter(len(plan.sources) for plan in plans if plan.strategy == strategy)
    total = sum(sizes.values())
    assert set(sizes) == {1, 2, 3, 4, 5, 6}
    assert_share(sizes[1], total, 0.15)
    for size in range(2, 7):
        assert_share(sizes[size], total, 0.85 / 5)


def test_paper_recipe_musical_sources_are_of_one_song_and_position(mixer, plans):
    for plan in plans:
        if plan.strategy == "musical":
            stems = stems_of(mixer, plan)
            assert len({(stem.corpus, stem.song) for stem in stems}) == 1
            assert len({stem.stem for stem in stems}) == len(stems)
            assert len({source.start for source in plan.sources}) == 1
            assert {source.frames for source in plan.sources} == {4 * RATE}


def test_paper_recipe_non_musical_sources_are_of_different_songs(mixer, plans):
    non_musical = [plan for plan in plans if plan.strategy == "non-musical"]
    for plan in non_musical:
        stems = stems_of(mixer, plan)
        assert len({stem.song for stem in stems}) == len(stems)
    starts = [{source.start for source in plan.sources} for plan in non_musical if len(plan.sources) > 1]
    assert np.mean([len(each) > 1 for each in starts]) > 0.99


def test_paper_recipe_songs_and_sources_are_drawn_evenly(mixer, plans):
    stems = [stem for plan in plans for stem in stems_of(mixer, plan)]
    for number, corpus in enumerate(CORPORA, 1):
        first = [stems_of(mixer, plan)[0] for plan in plans]
        songs = Counter(stem.song for stem in first if stem.corpus == corpus)
        assert len(songs) == 8 * number
        assert stats.chisquare(list(songs.values())).pvalue > 1e-4
    assert stats.chisquare(list(Counter(stem.stem for stem in stems).values())).pvalue > 1e-4


@pytest.mark.parametrize("name", EFFECTS)
def test_paper_recipe_effect_has_its_probability(plans, name):
    sources = [source for plan in plans if plan.strategy == "non-musical" for source in plan.sources]
    assert_share(sum(name in [e.name for e in source.effects] for source in sources), len(sources), EFFECTS[name])
    musical = [source for plan in plans if plan.strategy == "musical" for source in plan.sources]
    share = 0 if name in ("pitch_shift", "time_stretch") else EFFECTS[name]
    assert_share(sum(name in [e.name for e in source.effects] for source in musical), len(musical), share)


def test_paper_recipe_effects_are_drawn_independently(plans):
    sources = [source for plan in plans if plan.strategy == "non-musical" for source in plan.sources]
    drawn = [{effect.name for effect in source.effects} for source in sources]
    for one, other in combinations(EFFECTS, 2):
        assert_share(sum({one, other} <= each for each in drawn), len(drawn), EFFECTS[one] * EFFECTS[other])


def test_paper_recipe_order_of_effects_is_random(plans):
    drawn = [
        [effect.name for effect in source.effects]
        for plan in plans if plan.strategy == "non-musical"
        for source in plan.sources
    ]  # fmt: skip
    for one, other in combinations(EFFECTS, 2):
        both = [names for names in drawn if one in names and other in names]
        assert len(both) > 200
        assert_share(sum(names.index(one) < names.index(other) for names in both), len(both), 1 / 2)
    three = ("gain", "low_shelf", "peaking")
    orders = Counter(tuple(n for n in names if n in three) for names in drawn if set(three) <= set(names))
    assert len(orders) == 6
    assert stats.chisquare(list(orders.values())).pvalue > 1e-4


def test_paper_recipe_parameters_are_drawn_evenly_from_their_ranges(plans):
    effects = [effect for plan in plans for source in plan.sources for effect in source.effects]

    def values(name, parameter):
        return np.array([effect.parameters[parameter] for effect in effects if effect.name == name])

    gains = 20 * np.log10(values("gain", "amplitude_ratio"))
    assert stats.kstest((gains + 12) / 24, "uniform").pvalue > 1e-4
    assert stats.kstest((values("pitch_shift", "num_semitones") + 4) / 8, "uniform").pvalue > 1e-4
    assert stats.kstest((values("time_stretch", "rate") - 0.8) / 0.45, "uniform").pvalue > 1e-4


def test_paper_recipe_labels_are_the_plain_union_of_the_sources(mixer, plans):
    label_set = mixer.pool.label_set
    silent = dataclasses.replace(mixer.config, chunk_seconds=0.3, effects=type(mixer.config.effects).none())
    short = Mixer(mixer.pool, silent, seed=0)
    for index in range(60):
        mixture = short.mix(index)
        union = set().union(*(LABELS[source.word] for source in mixture.sources))
        assert mixture.labels.tolist() == [int(label in union) for label in label_set.labels]
        assert {source.audibility for source in mixture.sources} == {None}


def test_paper_recipe_inaudible_source_adds_its_labels(tmp_path, mixer):
    stems = [TestStem("s", "piano", amplitude=0.5), TestStem("s", "violin", ("violin",), amplitude=1e-4)]
    config = dataclasses.replace(
        mixer.config, p_musical=1, p_single_source=0, effects=type(mixer.config.effects).none()
    )
    pool = StemPool.load([write_corpus(tmp_path, "c", stems)], "train", config)
    assert Mixer(pool, config).mix(0).labels[pool.label_set.index("violin")] == 1
    with_rule = dataclasses.replace(config, audibility=type(config.measure)())
    assert Mixer(pool, with_rule).mix(0).labels[pool.label_set.index("violin")] == 0


def test_paper_recipe_loud_mixtures_are_not_scaled_down(tmp_path, mixer):
    stems = [TestStem("s", name, amplitude=0.9) for name in ("a", "b")]
    config = dataclasses.replace(
        mixer.config, p_musical=1, p_single_source=0, effects=type(mixer.config.effects).none()
    )
    pool = StemPool.load([write_corpus(tmp_path, "c", stems)], "train", config)
    mixture = Mixer(pool, config).mix(0)
    assert np.abs(mixture.audio).max() > 1.5 and mixture.gain_db == 0


def test_musical_mixture_is_the_plain_sum_of_its_stems_from_one_position(tmp_path, mixer):
    names = ("piano", "violin", "drums")
    stems = [TestStem("s", name, (name,), hertz=200.0 * (i + 1)) for i, name in enumerate(names)]
    effects = type(mixer.config.effects).none()
    config = dataclasses.replace(mixer.config, p_musical=1, p_single_source=0, effects=effects)
    folder = write_corpus(tmp_path, "c", stems)
    own = Mixer(StemPool.load([folder], "train", config), config)
    for index in range(8):
        mixture = own.mix(index)
        start = mixture.sources[0].start
        audio = [soundfile.read(folder / f"audio/s/{source.stem}.flac")[0] for source in mixture.sources]
        np.testing.assert_allclose(mixture.audio, sum(each[start : start + 4 * RATE] for each in audio), atol=1e-6)


@pytest.fixture(scope="module")
def many_songs(mixer):
    """A table of 200 songs, four by each artist, all prepared for training."""
    folder = mixer.pool.stems[0].path.parents[2]
    one = read_table(folder).filter(pl.col("song") == "song0")
    return pl.concat(
        one.with_columns(pl.lit(f"song{i}").alias("song"), pl.lit(f"artist{i // 4}").alias("artist"))
        for i in range(200)
    )


def test_songs_are_divided_at_random_by_song_in_the_papers_shares(many_songs):
    drawn = resplit(many_songs, load_recipe(RECIPE).mixing.split)
    of_song = {}
    for song, split in zip(drawn["song"], drawn["split"], strict=True):
        of_song.setdefault(song, set()).add(split)
    assert len(of_song) == 200 and all(len(each) == 1 for each in of_song.values())
    counts = Counter(split for (split,) in of_song.values())
    assert counts == {"train": 130, "validation": 35, "test": 35}
    artists = Counter(len({*of_song[f"song{4 * i}"], *of_song[f"song{4 * i + 1}"]}) for i in range(50))
    assert_share(artists[1], 50, 0.65**2 + 2 * 0.175**2)  # whoever plays them


def test_as_many_songs_as_the_paper_has_can_be_taken_by_a_rule(many_songs):
    split = load_recipe(RECIPE).mixing.split
    taken = [
        set(resplit(many_songs, replace(split, at_most={"medleydb": n, "mixing_secrets": 1}))["song"])
        for n in (130, 60, 500)
    ]
    assert [len(each) for each in taken] == [130, 60, 200]
    assert taken[1] < taken[0]
    counts = Counter(resplit(many_songs, replace(split, at_most={"medleydb": 130})).unique("song")["split"])
    assert [counts[name] for name in ("train", "validation", "test")] == [84, 23, 23]


def test_validation_and_test_are_musical_only(mixer):
    config = mixer.config.for_evaluation()
    assert config.p_musical == 1.0
    evaluation = Mixer(mixer.pool, config, seed=1)
    assert {evaluation.plan(index).strategy for index in range(200)} == {"musical"}
