"""Where in a stem a chunk is taken: where the stem sounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Intervals = NDArray[np.int64]

TRIES = 8
"""So many positions are drawn until a source sounds long enough in one to be clearly audible; the best is taken."""


def sounding_frames(active: Intervals, start: int, frames: int) -> int:
    """How many of the `frames` frames from `start` lie in the intervals `active`, shape (k, 2)."""
    first = int(np.searchsorted(active[:, 1], start, side="right"))
    last = int(np.searchsorted(active[:, 0], start + frames, side="left"))
    part = active[first:last]
    overlap = np.minimum(part[:, 1], start + frames) - np.maximum(part[:, 0], start)
    return int(overlap[overlap > 0].sum())


def draw_start(rng: np.random.Generator, active: Intervals, length: int, frames: int, sounding: int) -> int:
    """Start of a chunk in which a stem sounds.

    A moment in which the stem sounds is drawn, and where in the chunk it lies; up to `TRIES` times, until the stem
    sounds for `sounding` frames in the chunk. The chunk lies within the stem, or the stem within the chunk.

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
    edges = np.cumsum(active[:, 1] - active[:, 0])
    total = int(edges[-1]) if len(edges) else 0
    if total <= 0:
        return int(rng.integers(low, high + 1))
    wanted = min(sounding, total, frames)
    best, best_sounds = 0, -1
    for _ in range(TRIES):
        ahead = int(rng.integers(total))
        interval = int(np.searchsorted(edges, ahead, side="right"))
        moment = int(active[interval, 1] - (edges[interval] - ahead))
        start = min(max(moment - int(rng.integers(frames)), low), high)
        if length < frames:
            start = int(rng.integers(low, high + 1))
        sounds = sounding_frames(active, start, frames)
        if sounds > best_sounds:
            best, best_sounds = start, sounds
        if sounds >= wanted:
            break
    return best
