"""Starts of chunks: every valid one is as likely."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from organology.mixing.position import draw_start, sounding_frames

RATE = 32_000
DRAWS = 4000


def draws(active, length, frames, sounding, count=DRAWS):
    rng = np.random.default_rng(0)
    active = np.array(active, dtype=np.int64).reshape(-1, 2)
    return np.array([draw_start(rng, active, length, frames, sounding) for _ in range(count)])


def test_start_in_a_stem_that_always_sounds_is_uniform():
    starts = draws([(0, 8 * RATE)], 8 * RATE, 4 * RATE, round(0.3 * RATE))
    assert stats.kstest(starts / (4 * RATE), "uniform").pvalue > 1e-3
    assert np.mean(starts == 0) < 0.01


def test_start_in_a_stem_that_rests_is_uniform_over_valid_starts():
    # Sounds from 10 to 12 s of 30 s: for 0.3 s of 4 s from 6.3 s to 11.7 s.
    starts = draws([(10 * RATE, 12 * RATE)], 30 * RATE, 4 * RATE, round(0.3 * RATE)) / RATE
    assert starts.min() >= 6.3 and starts.max() <= 11.7
    assert stats.kstest((starts - 6.3) / 5.4, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("active", "length", "frames", "sounding"),
    [
        ([(0, 30)], 30, 10, 3),
        ([(4, 6), (9, 10), (25, 40)], 40, 8, 3),
        ([(4, 6), (9, 10), (25, 27)], 40, 8, 5),  # nowhere that long: where it sounds longest
        ([(0, 1), (39, 40)], 40, 12, 1),
        ([], 20, 8, 3),
        ([(0, 5)], 5, 12, 3),  # the stem within the chunk
    ],
)
def test_start_of_every_valid_frame_is_as_likely(active, length, frames, sounding):
    spans = np.array(active, dtype=np.int64).reshape(-1, 2)
    everywhere = range(min(0, length - frames), max(0, length - frames) + 1)
    sounds = {start: sounding_frames(spans, start, frames) for start in everywhere}
    wanted = min(sounding, max(sounds.values()))
    valid = [start for start in everywhere if sounds[start] >= wanted]
    found, counts = np.unique(draws(active, length, frames, sounding), return_counts=True)
    assert found.tolist() == valid
    assert stats.chisquare(counts).pvalue > 1e-3


def intervals():
    gaps = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), max_size=6)
    return gaps.map(lambda pairs: np.cumsum(np.array(pairs, dtype=np.int64)).reshape(-1, 2))


@settings(deadline=None, max_examples=60)
@given(intervals(), st.integers(-400, 4000), st.integers(1, 500))
def test_sounding_frames_counts_what_lies_in_the_intervals(active, start, frames):
    sounds = np.zeros(5000, dtype=bool)
    for a, b in active:
        sounds[a:b] = True
    assert sounding_frames(active, start, frames) == sounds[max(start, 0) : max(start + frames, 0)].sum()


@settings(deadline=None, max_examples=60)
@given(intervals(), st.integers(0, 300), st.integers(1, 500), st.integers(0, 2**32))
def test_start_lies_within_the_stem_and_the_stem_sounds_there(active, tail, frames, seed):
    length = (int(active[-1, 1]) if len(active) else 0) + tail + 1
    start = draw_start(np.random.default_rng(seed), active, length, frames, sounding=20)
    everywhere = range(min(0, length - frames), max(0, length - frames) + 1)
    assert start in everywhere
    if len(active):
        longest = max(sounding_frames(active, each, frames) for each in everywhere)
        assert sounding_frames(active, start, frames) >= min(20, longest) > 0
