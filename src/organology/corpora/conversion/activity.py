"""Where a stem sounds.

A stem of a song holds rests, and a chunk drawn from a rest must not count as its instrument. The level of short
frames is measured while the stem streams by; a frame counts as sounding by its level beside that of the stem
itself, so that neither a quiet triangle nor a loud drum kit needs a setting of its own.

Conventions: positions are frames (samples) of the prepared file; levels are RMS in dB relative to full scale.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Interval = tuple[int, int]


@dataclass(frozen=True)
class ActivityConfig:
    """How sounding is told from resting.

    Attributes
    ----------
    frame_seconds : float
        Length of the frames whose RMS is measured.
    floor_db : float
        Absolute floor in dBFS: a frame below it never sounds.
    open_db, close_db : float
        Below the loudness of the stem, in dB: a frame at most `open_db` below it starts an interval, which lasts
        until a frame is more than `close_db` below it (hysteresis, so that a decaying note stays one note).
    gap_seconds : float
        Rests up to this length between two intervals are closed.
    """

    frame_seconds: float = 0.1
    floor_db: float = -60.0
    open_db: float = 30.0
    close_db: float = 40.0
    gap_seconds: float = 0.5


class ActivityMeter:
    """Measures the levels of a stem that comes in blocks, then tells where it sounds.

    The loudness of the stem is the mean power of its frames above the floor (as the absolute gate of ITU-R BS.1770
    does, without the frequency weighting), so that long rests do not lower it.

    Parameters
    ----------
    sample_rate : int
    config : ActivityConfig, optional

    Examples
    --------
    >>> meter = ActivityMeter(1000)
    >>> meter.add(np.concatenate([np.zeros(1000), np.ones(500), np.zeros(1000)]).astype(np.float32))
    >>> meter.intervals()
    [(1000, 1500)]
    """

    def __init__(self, sample_rate: int, config: ActivityConfig | None = None) -> None:
        self.config = config or ActivityConfig()
        self.frames = 0
        self._size = max(1, round(self.config.frame_seconds * sample_rate))
        self._gap = round(self.config.gap_seconds * sample_rate)
        self._rest: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._powers: list[NDArray[np.float64]] = []

    def add(self, block: NDArray[np.float32]) -> None:
        """Take in the next samples, shape (n,)."""
        self.frames += len(block)
        samples = np.concatenate([self._rest, block])
        whole = len(samples) - len(samples) % self._size
        self._powers.append(_powers(samples[:whole], self._size))
        self._rest = samples[whole:].copy()

    def levels(self) -> NDArray[np.float64]:
        """RMS of every frame in dBFS, shape (n_frames,); the last, shorter one included."""
        powers = list(self._powers)
        if len(self._rest):
            powers.append(_powers(self._rest, len(self._rest)))
        power = np.concatenate(powers) if powers else np.zeros(0)
        return 10 * np.log10(np.maximum(power, 1e-20))

    def intervals(self) -> list[Interval]:
        """Where the stem sounds: `(start, end)` in frames of the file, sorted, apart, none empty."""
        level = self.levels()
        audible = level >= self.config.floor_db
        if not audible.any():
            return []
        loudness = 10 * np.log10(np.mean(10 ** (level[audible] / 10)))
        opens = audible & (level >= loudness - self.config.open_db)
        holds = audible & (level >= loudness - self.config.close_db)
        runs = [(start, end) for start, end in runs_of(holds) if opens[start:end].any()]
        spans = [(start * self._size, min(end * self._size, self.frames)) for start, end in runs]
        return close_gaps(spans, self._gap)


def close_gaps(intervals: list[Interval], gap: int) -> list[Interval]:
    """Join sorted intervals that are at most `gap` frames apart.

    Examples
    --------
    >>> close_gaps([(0, 10), (12, 20), (40, 50)], gap=5)
    [(0, 20), (40, 50)]
    """
    joined: list[Interval] = []
    for start, end in intervals:
        if joined and start - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def within(
    measured: Sequence[Interval], given: Iterable[tuple[float, float]], sample_rate: int = 32_000
) -> tuple[Interval, ...]:
    """Where a stem sounds by its level and by a publisher's annotations; by its level alone where they share nothing.

    Parameters
    ----------
    measured : sequence of (start, end)
        In frames, sorted and apart.
    given : iterable of (start, end)
        In seconds, sorted and apart.
    sample_rate : int

    Examples
    --------
    >>> within([(0, 10), (20, 30)], [(5, 25), (28, 99)], sample_rate=1)
    ((5, 10), (20, 25), (28, 30))
    """
    spans = [(round(start * sample_rate), round(end * sample_rate)) for start, end in given]
    both = []
    first = 0
    for start, end in spans:
        while first < len(measured) and measured[first][1] <= start:
            first += 1
        for a, b in itertools.islice(measured, first, None):
            if a >= end:
                break
            if max(a, start) < min(b, end):
                both.append((max(a, start), min(b, end)))
    return tuple(both or measured)


def intervals(
    samples: NDArray[np.float32], sample_rate: int = 32_000, config: ActivityConfig | None = None
) -> list[Interval]:
    """Where a whole stem in memory, shape (n,), sounds; see `ActivityMeter`."""
    meter = ActivityMeter(sample_rate, config)
    meter.add(np.asarray(samples, dtype=np.float32))
    return meter.intervals()


def _powers(samples: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    powers: NDArray[np.float64] = np.square(samples.reshape(-1, size), dtype=np.float64).mean(axis=1)
    return powers


def runs_of(mask: NDArray[np.bool_]) -> list[Interval]:
    """Start and end of each run of true values in a mask of shape (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
