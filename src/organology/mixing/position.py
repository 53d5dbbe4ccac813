"""Where in a stem a chunk is taken: where the stem sounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Intervals = NDArray[np.int64]

TRIES = 4
"""Starts that are drawn and tried before all valid ones are counted, which costs far more."""


def sounding_frames(active: Intervals, start: int, frames: int) -> int:
    """How many of the `frames` frames from `start` lie in the intervals `active`, shape (k, 2)."""
    end = start + frames
    first = int(active[:, 1].searchsorted(start, side="right"))
    last = int(active[:, 0].searchsorted(end, side="left"))
    if last <= first:
        return 0
    part = active[first:last]
    whole = int((part[:, 1] - part[:, 0]).sum())
    return whole - max(0, start - int(part[0, 0])) - max(0, int(part[-1, 1]) - end)


def draw_start(rng: np.random.Generator, active: Intervals, length: int, frames: int, sounding: int) -> int:
    """Start of a chunk in which a stem sounds, drawn evenly from all starts that there are.

    Those are the starts at which the stem sounds for `sounding` frames of the chunk, or for as many as it does
    anywhere. The chunk lies within the stem, or the stem within the chunk.

    Parameters
    ----------
    rng : numpy.random.Generator
    active : int64 array, shape (k, 2)
        Rising intervals that do not overlap; none means that any position will do.
    length : int
        Frames of the stem.
    frames : int
        Frames of the chunk.
    sounding : int

    Returns
    -------
    int
        From min(0, length - frames) to max(0, length - frames).
    """
    low, high = min(0, length - frames), max(0, length - frames)
    for start in rng.integers(low, high + 1, TRIES).tolist():
        if len(active) == 0 or length <= frames or sounding_frames(active, start, frames) >= sounding:
            return int(start)  # a valid one of those drawn evenly is even among the valid ones
    first, counts = _valid_starts(active, low, high, frames, sounding)
    edges = np.cumsum(counts)
    number = int(rng.integers(edges[-1]))
    place = int(np.searchsorted(edges, number, side="right"))
    return int(first[place] + number - (edges[place] - counts[place]))


def _valid_starts(
    active: Intervals, low: int, high: int, frames: int, sounding: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Runs of starts from `low` to `high` that will do: the first of each and how many there are, shape (runs,).

    As a chunk moves on by one frame, it gains at most one sounding frame at its end and loses at most one at its
    beginning. So how long it sounds is linear, with a slope of -1, 0 or 1, between the starts at which one of its ends
    meets the edge of an interval; and the starts between two of those that will do are a run.
    """
    edges = active.reshape(-1)
    corners = np.sort(np.concatenate([edges, edges - frames, (low, high)]).clip(low, high))
    sounds = _sounding_before(active, corners + frames) - _sounding_before(active, corners)
    wanted = min(sounding, int(sounds.max()))
    sizes = np.diff(corners, append=high + 1)  # the last corner is a run of one start
    slopes = np.append(np.sign(np.diff(sounds)), 0)
    surplus = sounds - wanted
    first = corners + np.where((slopes > 0) & (surplus < 0), -surplus, 0)
    beyond = np.where(slopes < 0, corners + surplus + 1, corners + np.where((slopes == 0) & (surplus < 0), 0, sizes))
    counts = np.maximum(0, np.minimum(beyond, corners + sizes) - first)
    return first, counts


def _sounding_before(active: Intervals, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """So many frames before each place lie in the intervals; shape as `places`."""
    lengths = active[:, 1] - active[:, 0]
    total = np.concatenate([[0], np.cumsum(lengths)])
    number = np.searchsorted(active[:, 0], places, side="right")  # intervals that begin at or before the place
    inside = np.maximum(0, active[np.maximum(number - 1, 0), 1] - places)
    return np.where(number > 0, total[number] - inside, 0)
