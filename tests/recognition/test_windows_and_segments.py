"""Windows, activity and segments by themselves."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organology.labels import default_set
from organology.recognition.segments import Activity, SegmentSettings, activity, segments
from organology.recognition.windows import windows

LABELS = default_set().labels


@settings(deadline=None, max_examples=50)
@given(
    total=st.integers(0, 200),
    window=st.integers(1, 50),
    hop=st.integers(1, 80),
    pieces=st.lists(st.integers(0, 60), max_size=10),
)
def test_windows_of_any_stream_are_its_pieces(total, window, hop, pieces):
    samples = np.arange(1, total + 1, dtype=np.float32)
    blocks = np.split(samples, np.minimum(np.cumsum(pieces, dtype=int), total)) if pieces else [samples]
    cut = list(windows(blocks, window, hop))
    assert cut[-1].end == total and cut[0].start == 0
    for i, one in enumerate(cut):
        assert one.samples.shape == (window,)
        if total >= window:
            assert one.end - one.start == window and (one.start == i * hop or one is cut[-1])
        np.testing.assert_array_equal(one.samples[: one.end - one.start], samples[one.start : one.end])
        np.testing.assert_array_equal(one.samples, np.resize(samples[one.start : one.end], window))
    if hop <= window:
        assert all(a.end >= b.start for a, b in pairwise(cut))
    assert len({one.start for one in cut}) == len(cut)


def test_window_level_of_known_sounds_is_exact():
    def level(samples):
        return next(windows([np.asarray(samples, np.float32)], 8, 8)).level

    assert level(np.ones(8)) == 0 and level(np.full(8, 0.1)) == pytest.approx(-20, abs=1e-4)
    assert level(np.zeros(8)) == -np.inf and level([]) == -np.inf
    assert level(np.ones(2)) == 0
    with pytest.raises(ValueError):
        next(windows([], 0, 1))


@settings(deadline=None, max_examples=50)
@given(st.floats(0.05, 30), st.sampled_from([0.25, 1.0, 3.0, 10.0]), st.integers(0, 9))
def test_activity_of_random_scores_is_the_mean_logit_of_covering_windows(duration, hop, seed):
    starts = np.arange(0, max(duration - 4, 0) + 1e-9, hop)
    if len(starts) and starts[-1] + 4 < duration:
        starts = np.append(starts, duration - 4)
    ends = np.minimum(starts + 4, duration)
    scores = np.random.default_rng(seed).random((len(starts), 3)).astype(np.float32)
    heard = activity(starts, ends, scores, hop)
    assert heard.edges[0] == 0 and heard.edges[-1] == ends[-1] and (np.diff(heard.edges) > 0).all()
    for begin, end, row in zip(heard.edges[:-1], heard.edges[1:], heard.scores, strict=True):
        middle = (begin + end) / 2
        cover = (starts <= middle) & (middle < ends)
        if cover.any():
            odds = scores[cover].astype(float) / (1 - scores[cover].astype(float))
            np.testing.assert_allclose(row, 1 / (1 + np.exp(-np.log(odds).mean(axis=0))), atol=1e-4)
        else:
            assert (np.abs(scores - row) < 1e-6).all(axis=1).any()


def test_activity_under_a_silent_window_is_zero():
    scores = np.array([[0.99], [0.99], [0.0], [0.99]], np.float32)
    heard = activity(np.arange(4.0), np.arange(4.0) + 4, scores, 1.0)
    assert (heard.scores[[0, 1], 0] > 0.9).all() and (heard.scores[2:6, 0] == 0).all() and heard.scores[6, 0] > 0.9
    sure = activity(np.arange(2.0), np.arange(2.0) + 4, np.array([[1.0, 0.0], [1.0, 0.0]], np.float32), 1.0)
    np.testing.assert_allclose(sure.scores, np.tile([[1, 0]], (5, 1)), atol=1e-5)


def found(column, label="brass", threshold=0.5, **settings):
    scores = np.zeros((len(column), len(LABELS)), np.float32)
    scores[:, LABELS.index(label)] = column
    heard = Activity(np.arange(len(column) + 1.0), scores)
    cut = segments(heard, np.full(len(LABELS), threshold), default_set(), SegmentSettings(**settings))
    return [(s.start, s.end) for s in cut if s.label == label]


def test_segments_with_hysteresis_go_on_down_to_the_lower_threshold():
    assert found([0, 0.4, 0.6, 0.4, 0.3, 0]) == [(1, 4)]  # 0.375 is enough once 0.5 is reached
    assert found([0, 0.4, 0.45, 0.4, 0]) == []
    assert found([0, 0.4, 0.6, 0.4, 0], low_ratio=1.0) == [(2, 3)]
    assert found([0.5, 0.5]) == [(0, 2)]


def test_segments_with_gaps_close_them_before_short_ones_are_dropped():
    assert found([0.9, 0, 0.9, 0, 0, 0.9]) == [(0, 3), (5, 6)]
    assert found([0.9, 0, 0.9, 0, 0, 0.9], max_gap_seconds=2) == [(0, 6)]
    assert found([0.9, 0, 0.9], max_gap_seconds=0, min_seconds=2) == []
    assert found([0.9, 0, 0.9], min_seconds=2) == [(0, 3)]  # gaps are closed first
    assert found([0.9], min_seconds=5) == [(0, 1)]  # a short file cannot hold more


def test_segments_of_a_family_hold_those_of_its_instruments():
    scores = np.zeros((10, len(LABELS)), np.float32)
    scores[2:5, LABELS.index("violin")] = 0.6
    scores[2:5, LABELS.index("bowed_string")] = 0.6
    thresholds = np.full(len(LABELS), 0.5)
    thresholds[LABELS.index("bowed_string")] = 0.9
    cut = segments(Activity(np.arange(11.0), scores), thresholds, default_set())
    assert [(s.label, s.start, s.end) for s in cut] == [("bowed_string", 2, 5), ("violin", 2, 5)]
    assert [s.score for s in cut] == pytest.approx([0.6, 0.6])


def test_segments_with_a_median_ignore_single_cells():
    assert found([0, 0.9, 0, 0, 0.9, 0.9, 0.9, 0.2, 0.9, 0.9], max_gap_seconds=0) == [(1, 2), (4, 7), (8, 10)]
    assert found([0, 0.9, 0, 0, 0.9, 0.9, 0.9, 0.2, 0.9, 0.9], max_gap_seconds=0, median_seconds=3) == [(4, 10)]
    assert found([0, 0.9, 0], max_gap_seconds=0, median_seconds=2.9) == [(1, 2)]  # less than three cells
    assert found([0.9], median_seconds=60) == [(0, 1)]


@pytest.mark.parametrize("wrong", [{"low_ratio": 1.5}, {"min_seconds": -1}, {"median_seconds": float("nan")}])
def test_segment_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SegmentSettings(**wrong)
