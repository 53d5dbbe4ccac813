"""Where a stem sounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organology.corpora.conversion.activity import ActivityConfig, ActivityMeter, close_gaps, intervals

RATE = 1000  # frames of 100 samples


def sound(*parts, level=0.5):
    """Seconds and gains, as square waves: their RMS is exact."""
    return np.concatenate([level * gain * np.sign(np.sin(np.arange(int(s * RATE)) + 0.5)) for s, gain in parts]).astype(
        np.float32
    )


def test_activity_meter_silence_has_no_intervals():
    assert intervals(np.zeros(5 * RATE, np.float32), RATE) == []
    assert intervals(np.zeros(0, np.float32), RATE) == []
    assert intervals(sound((2, 1.0), level=0.0009), RATE) == []  # -61 dBFS, below the floor of -60


def test_activity_meter_just_above_floor_sounds():
    assert intervals(sound((2, 1.0), level=0.0011), RATE) == [(0, 2000)]


def test_activity_meter_long_rests_part_intervals():
    stem = sound((1, 0), (1, 1), (0.4, 0), (1, 1), (2, 0), (1, 1))
    assert intervals(stem, RATE) == [(1000, 3400), (5400, 6400)]


def test_activity_meter_bleed_far_below_loudness_is_silent():
    stem = sound((2, 1), (3, 0.005))  # -46 dB below
    assert intervals(stem, RATE) == [(0, 2000)]
    assert intervals(sound((3, 0.005)), RATE) == [(0, 3000)]  # the same level counts where it is all there is


def test_activity_meter_hysteresis_holds_decaying_note():
    # 35 dB below: under the opening threshold (30), above the closing one (40).
    stem = sound((2, 1), (1, 10 ** (-35 / 20)), (2, 0), (1, 10 ** (-35 / 20)))
    assert intervals(stem, RATE) == [(0, 3000)]


def test_activity_meter_long_rests_leave_loudness():
    quiet = 10 ** (-35 / 20)  # would count beside a loudness that 100 s of rest lower by 20 dB
    stem = sound((1, 1), (2, 0), (1, quiet), (100, 0))
    assert intervals(stem, RATE) == [(0, 1000)]


def test_activity_meter_last_short_frame_ends_with_file():
    assert intervals(sound((1.05, 1)), RATE) == [(0, 1050)]


@pytest.mark.parametrize("gap, expected", [(1, [(0, 10), (12, 20)]), (2, [(0, 20)])])
def test_close_gaps_up_to_limit_closes(gap, expected):
    assert close_gaps([(0, 10), (12, 20)], gap) == expected


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.05, 1.5), st.sampled_from([0, 0.001, 0.01, 0.1, 1])), min_size=1, max_size=8),
    st.lists(st.integers(1, 700), min_size=1, max_size=5),
)
def test_activity_meter_any_blocks_give_the_same_intervals(parts, sizes):
    stem = sound(*parts)
    whole = intervals(stem, RATE)
    meter = ActivityMeter(RATE, ActivityConfig())
    at = i = 0
    while at < len(stem):
        meter.add(stem[at : at + sizes[i % len(sizes)]])
        at, i = at + sizes[i % len(sizes)], i + 1
    assert meter.intervals() == whole
    flat = [edge for span in whole for edge in span]
    assert flat == sorted(set(flat)) and (not flat or (flat[0] >= 0 and flat[-1] <= len(stem)))
