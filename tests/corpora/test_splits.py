"""Splits by artist and by song."""

import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bradl15_labels import LABELS, encode
from organology.corpora.splits import SPLITS, SplitSong, assign, check_fractions
from organology.errors import ConfigError
from organology.labels import PRESENT


def song(i, artists=(), labels=("piano",), n_stems=3):
    return SplitSong(f"song {i}", frozenset(artists), encode(labels), n_stems)


LABEL_SETS = (("piano",), ("singer", "drums"), ("brass",), ("violin", "piano"), ())
corpora = st.lists(
    st.tuples(st.sampled_from(["", "A", "B", "AC", "CD", "E", "F"]), st.sampled_from(LABEL_SETS), st.integers(1, 2)),
    min_size=1,
    max_size=16,
).map(lambda rows: [song(i, *row) for i, row in enumerate(rows)])


@settings(max_examples=40, deadline=None)
@given(corpora, st.integers(0, 5), st.randoms(use_true_random=False))
def test_assign_by_artist_order_does_not_matter(songs, seed, random):
    splits = assign(songs, seed=seed)
    assert set(splits) == {s.song for s in songs}
    where = {}
    for s in songs:
        for artist in s.artists:
            assert where.setdefault(artist, splits[s.song]) == splits[s.song]
    shuffled = random.sample(songs, len(songs))
    assert assign(shuffled, seed=seed) == splits
    assert assign(shuffled, seed=seed, by="song") == assign(songs, seed=seed, by="song")


@settings(max_examples=40, deadline=None)
@given(corpora, st.integers(0, 5), st.sampled_from([(0.65, 0.175, 0.175), (0.88, 0.12, 0.0), (0.0, 0.0, 1.0)]))
def test_assign_by_song_shares_are_exact(songs, seed, fractions):
    counts = Counter(assign(songs, fractions, seed, "song").values())
    for split, fraction in zip(SPLITS, fractions, strict=True):
        assert abs(counts[split] - fraction * len(songs)) <= 2
        assert fraction or not counts[split]


def test_assign_by_song_songs_of_several_stems_are_shared_out():
    songs = [song(i, n_stems=1) for i in range(180)] + [song(1000 + i, n_stems=4) for i in range(20)]
    splits = assign(songs, seed=3, by="song")
    assert Counter(splits[s.song] for s in songs if s.n_stems > 1) == {"train": 13, "validation": 4, "test": 3}
    assert Counter(splits.values()) == {"train": 130, "validation": 35, "test": 35}


def test_assign_by_artist_shares_and_labels_come_close():
    rng = np.random.default_rng(0)
    odds = np.arange(1, 16.0) ** 1.5
    songs = [song(i, {f"artist {rng.integers(100)}"}, rng.choice(LABELS, 4, p=odds / odds.sum())) for i in range(200)]
    splits = assign(songs)
    counts = Counter(splits.values())
    for split, fraction in zip(SPLITS, (0.65, 0.175, 0.175), strict=True):
        assert counts[split] / 200 == pytest.approx(fraction, abs=0.03)
        present = np.any([s.labels == PRESENT for s in songs if splits[s.song] == split], axis=0)
        assert present.all()


def test_assign_rare_label_reaches_every_split():
    songs = [song(i, {f"a{i}"}, ["piano"]) for i in range(27)] + [song(100 + i, {f"b{i}"}, ["brass"]) for i in range(3)]
    splits = assign(songs)
    assert {splits[f"song {i}"] for i in (100, 101, 102)} == set(SPLITS)


def test_assign_one_artist_songs_go_together():
    songs = [song(i, {"Prolific"}) for i in range(30)] + [song(100 + i, {f"b{i}"}) for i in range(20)]
    splits = assign(songs)
    assert len({splits[f"song {i}"] for i in range(30)}) == 1
    assert set(splits.values()) == set(SPLITS)


@pytest.mark.parametrize("by", ["artist", "song"])
def test_assign_three_songs_leave_no_split_empty(by):
    assert set(assign([song(i, {f"a{i}"}) for i in range(3)], by=by).values()) == set(SPLITS)


def test_assign_other_seed_differs():
    songs = [song(i, {f"a{i}"}) for i in range(40)]
    assert assign(songs, seed=0, by="song") != assign(songs, seed=1, by="song")
    assert assign(songs, seed=0) != assign(songs, seed=1)


def test_assign_accents_of_any_form_give_the_same():
    songs = [song(i, {f"Ünal {i % 9}"}) for i in range(40)]
    other = [
        SplitSong(s.song, {unicodedata.normalize("NFD", a) for a in s.artists}, s.labels, s.n_stems) for s in songs
    ]
    mixed = songs[::2] + other[1::2]
    assert assign(mixed) == assign(songs)


def test_assign_frozen_draw_is_the_same():
    # Drawn once by this code: a change here parts everybody's train from their test.
    splits = assign([song(i) for i in range(12)], seed=7, by="song")
    assert [name for name, split in splits.items() if split == "test"] == FROZEN


FROZEN = ["song 10", "song 1"]


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.5, 0.5, 0.5), (1.2, -0.2, 0.0)])
def test_check_fractions_bad_ones_are_refused(fractions):
    with pytest.raises(ConfigError, match="sum 1"):
        check_fractions(fractions)
