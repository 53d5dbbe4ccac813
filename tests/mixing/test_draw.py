"""What is drawn: strategies, corpora, songs, numbers of sources, positions."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mixing_corpus import RATE, TestStem, write_corpus
from organology.errors import ConfigError, CorpusError
from organology.mixing import EffectsConfig, Mixer, MixingConfig, StemPool
from organology.mixing.draw import draw

PLAYERS = ("piano", "violin", "drums", "singer", "electric_bass", "brass")
DRAWS = 600


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> list[Path]:
    """A corpus of 3 songs of 6 stems; one ten times as large; one of single notes that belong to no time line."""
    root = tmp_path_factory.mktemp("corpora")
    small = [TestStem(f"song{i}", name, (name,), seconds=0.5, active=((0, 0.5),)) for i in range(3) for name in PLAYERS]
    large = [
        TestStem(f"song{i}", name, (name,), seconds=0.1, active=((0, 0.1),)) for i in range(30) for name in PLAYERS
    ]
    notes = [
        TestStem(f"note{i}", "note", ("violin",), seconds=0.1, active=((0, 0.1),), kind="notes", aligned=False)
        for i in range(8)
    ]
    parts = {"small": small, "large": large, "notes": notes}
    return [write_corpus(root / name, name, stems) for name, stems in parts.items()]


def plans(corpora, config, count=DRAWS):
    pool = StemPool.load(corpora, "train", config)
    return pool, [draw(pool, config, 0, i) for i in range(count)]


def near(count, total, share):
    """Within 4.5 standard deviations of the binomial distribution."""
    return abs(count - total * share) <= 4.5 * np.sqrt(total * share * (1 - share)) + 1e-9


def corpus_counts(pool, drawn):
    return Counter(pool.stems[plan.sources[0].stem].corpus for plan in drawn)


def test_draw_strategy_and_number_of_sources_have_their_probabilities(corpora):
    _, drawn = plans(corpora[:2], MixingConfig())
    assert near(sum(plan.strategy == "musical" for plan in drawn), DRAWS, 0.6)
    musical = [plan for plan in drawn if plan.strategy == "musical"]
    counts = Counter(len(plan.sources) for plan in musical)
    assert set(counts) == {1, 2, 3, 4, 5, 6}
    assert near(counts[1], len(musical), 0.15)
    assert all(near(counts[n], len(musical), 0.85 / 5) for n in range(2, 7))


def test_draw_corpora_of_any_size_are_as_likely(corpora):
    pool, drawn = plans(corpora[:2], MixingConfig())
    assert near(corpus_counts(pool, drawn)["small"], DRAWS, 1 / 2)
    pool, drawn = plans(corpora, MixingConfig(p_musical=0))
    assert all(near(count, DRAWS, 1 / 3) for count in corpus_counts(pool, drawn).values())


def test_draw_corpus_weights_are_kept(corpora):
    config = MixingConfig(corpus_weights={"small": 3, "notes": 0})
    pool, drawn = plans(corpora, config)
    counts = corpus_counts(pool, drawn)
    assert near(counts["small"], DRAWS, 3 / 4)
    assert "notes" not in counts


def test_draw_p_musical_holds_beside_a_corpus_without_aligned_songs(corpora):
    pool, drawn = plans(corpora, MixingConfig())
    assert near(sum(plan.strategy == "musical" for plan in drawn), DRAWS, 0.6)
    several = [plan for plan in drawn if plan.strategy == "musical" and len(plan.sources) > 1]
    assert {pool.stems[s.stem].corpus for plan in several for s in plan.sources} == {"small", "large"}


def test_draw_musical_is_one_song_one_position_different_stems(corpora):
    pool, drawn = plans(corpora, MixingConfig(p_musical=1))
    for plan in drawn:
        songs = {(pool.stems[s.stem].corpus, pool.stems[s.stem].song) for s in plan.sources}
        assert len(songs) == 1
        assert len({s.start for s in plan.sources}) == 1
        assert len({s.stem for s in plan.sources}) == len(plan.sources)
        assert all(s.frames == MixingConfig().chunk_frames for s in plan.sources)
        assert not {e.name for s in plan.sources for e in s.effects} & {"pitch_shift", "time_stretch"}


def test_draw_non_musical_is_different_songs_of_one_corpus(corpora):
    pool, drawn = plans(corpora, MixingConfig(p_musical=0, p_single_source=0))
    for plan in drawn:
        stems = [pool.stems[s.stem] for s in plan.sources]
        assert len({(s.corpus, s.song) for s in stems}) == len(stems)
        assert len({s.corpus for s in stems}) == 1
        if stems[0].corpus == "small":  # takes what is there: it has three songs
            assert len(stems) <= 3
    assert {e.name for plan in drawn for s in plan.sources for e in s.effects} == {
        "gain", "low_shelf", "high_shelf", "peaking", "pitch_shift", "time_stretch",
    }  # fmt: skip


def test_draw_corpus_per_source_mixes_corpora(corpora):
    pool, drawn = plans(corpora, MixingConfig(p_musical=0, p_single_source=0, corpus_per="source"), 400)
    sizes = [len(plan.sources) for plan in drawn]
    assert max(sizes) == 6 and near(sizes.count(6), 400, 1 / 5)
    counts = Counter(pool.stems[s.stem].corpus for plan in drawn for s in plan.sources[:2])
    assert all(near(count, 800, 1 / 3) for count in counts.values())
    for plan in drawn:
        assert len({(pool.stems[s.stem].corpus, pool.stems[s.stem].song) for s in plan.sources}) == len(plan.sources)


def test_draw_songs_evenly_and_then_their_stems(tmp_path):
    stems = [TestStem("solo", "a", seconds=0.1)] + [TestStem("band", name, seconds=0.1) for name in "abcdefgh"]
    folder = write_corpus(tmp_path, "c", [dataclasses.replace(s, active=((0, 0.1),)) for s in stems])
    pool, drawn = plans([folder], MixingConfig(p_musical=0, p_single_source=1))
    assert near(sum(pool.stems[plan.sources[0].stem].song == "solo" for plan in drawn), DRAWS, 1 / 2)


def test_draw_balanced_by_label_evens_labels_out(tmp_path):
    """One song with brass among nine of piano: the songs give it a tenth, the labels (brass, key, piano) a third."""
    stems = [TestStem(f"s{i}", "a", ("brass",) if i == 0 else ("piano",), seconds=0.1, active=((0, 0.1),))
             for i in range(10)]  # fmt: skip
    folder = write_corpus(tmp_path, "c", stems)
    for balance, share in (("songs", 0.1), ("labels", 1 / 3)):
        pool, drawn = plans([folder], MixingConfig(p_musical=0, p_single_source=1, balance=balance))
        assert near(sum(pool.stems[plan.sources[0].stem].word == "brass" for plan in drawn), DRAWS, share)
    pool, drawn = plans([folder], MixingConfig(p_musical=0, p_single_source=0, balance="labels"), 200)
    assert all(len({pool.stems[s.stem].song for s in plan.sources}) == len(plan.sources) for plan in drawn)


def test_draw_kind_weights_act_on_songs_and_on_stems(tmp_path):
    def stem(song, name, kind):
        return TestStem(song, name, seconds=0.1, active=((0, 0.1),), kind=kind)

    songs = [stem("plays", "a", "performance"), stem("one", "a", "notes"), stem("both", "a", "performance"),
             stem("both", "b", "notes")]  # fmt: skip
    folder = write_corpus(tmp_path, "c", songs)
    pool, drawn = plans([folder], MixingConfig(p_musical=0, p_single_source=1, kind_weights={"notes": 0.5}), 1500)
    counts = Counter(f"{pool.stems[p.sources[0].stem].song}-{pool.stems[p.sources[0].stem].stem}" for p in drawn)
    total = 1 + 0.5 + 0.75  # the songs weigh the mean of their stems
    shares = {"plays-a": 1, "one-a": 0.5, "both-a": 0.75 * 2 / 3, "both-b": 0.75 / 3}
    assert all(near(counts[name], 1500, share / total) for name, share in shares.items())
    pool, drawn = plans([folder], MixingConfig(kind_weights={"notes": 0}), 100)
    assert {pool.stems[s.stem].kind for plan in drawn for s in plan.sources} == {"performance"}


def test_draw_without_aligned_songs_falls_back_with_a_notice(corpora, caplog):
    config = MixingConfig(p_musical=1)
    pool = StemPool.load([corpora[2]], "train", config)
    mixer = Mixer(pool, config)
    assert "all mixtures are non-musical" in caplog.text
    assert mixer.plan(0).strategy == "non-musical"


def test_draw_stem_that_never_sounds_is_left_out(tmp_path):
    stems = [TestStem("s", "plays", seconds=1, active=((0, 1),)), TestStem("s", "rests", seconds=1, active=())]
    pool, drawn = plans([write_corpus(tmp_path, "c", stems)], MixingConfig(), 100)
    assert {pool.stems[s.stem].stem for plan in drawn for s in plan.sources} == {"plays"}
    assert len(pool) == 2 and len(pool.active(1)) == 0


def test_draw_short_stem_lies_anywhere_in_its_chunk(tmp_path):
    folder = write_corpus(tmp_path, "c", [TestStem("s", "hit", seconds=0.5, active=((0, 0.5),))])
    _, drawn = plans([folder], MixingConfig(effects=EffectsConfig.none()), 300)
    starts = np.array([plan.sources[0].start for plan in drawn]) / RATE
    assert starts.min() >= -3.5 and starts.max() <= 0
    assert near((starts < -1.75).sum(), 300, 1 / 2)


def test_pool_that_cannot_be_used_is_refused(corpora, tmp_path):
    config = MixingConfig()
    with pytest.raises(CorpusError, match="no stem of split 'test'"):
        StemPool.load(corpora, "test", config)
    with pytest.raises(ConfigError, match="no prepared corpora"):
        StemPool.load([], "train", config)
    with pytest.raises(ConfigError, match="no corpus 'medleydb'; there are large, notes, small"):
        StemPool.load(corpora, "train", MixingConfig(corpus_weights={"medleydb": 1}))
    with pytest.raises(CorpusError, match="none sounds, or every weight is 0"):
        StemPool.load([corpora[2]], "train", MixingConfig(kind_weights={"notes": 0}))
    twice = write_corpus(tmp_path / "twice", "small", [TestStem("song0", "piano", seconds=0.1, active=())])
    with pytest.raises(CorpusError, match=r"song 'song0' of corpus 'small' is in .*small too"):
        StemPool.load([corpora[0], twice], "train", config)
    (twice / "audio" / "song0" / "piano.flac").unlink()
    with pytest.raises(CorpusError, match=r"piano\.flac"):
        StemPool.load([twice], "train", config)


def test_pool_corpus_without_the_split_is_noticed_and_left_out(corpora, tmp_path, caplog):
    other = write_corpus(tmp_path, "other", [TestStem("s", "a", seconds=0.1, active=((0, 0.1),), split="test")])
    pool = StemPool.load([corpora[0], other], "train", MixingConfig())
    assert "no stem of split train" in caplog.text
    assert set(pool.corpus_weights) == {"small"}
