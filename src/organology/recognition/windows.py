"""Windows over a stream of samples, made as the samples come, each with its place in time.

Windows are `hop_frames` apart, from 0 on. Where the last of them ends before the file does, one more ends with it.
A file shorter than a window gives one window that repeats it until it is full: with the shipped model this names what
plays in short files better than silence at the end does (`docs/decisions.md`). Its place is that of the sound, without
the repetition.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SILENCE_DBFS = -70.0
"""A window whose level (root mean square) is below this is silent: its scores are 0. So is a cell of 0.1 s."""


class ModelScores(NamedTuple):
    """What a model gives of a batch of windows.

    Attributes
    ----------
    windows : float32 array, shape (batch, n_labels)
        0 ... 1.
    frames : float32 array, shape (batch, n_frames, n_labels), optional
        0 ... 1; frame k is the instant k * `FrameSettings.seconds` after the window's start.
    """

    windows: NDArray[np.float32]
    frames: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Window:
    """A window and its place.

    Attributes
    ----------
    start, end : int
        In frames; `end - start` is less than the window's length only where a short file is repeated.
    samples : float32 array, shape (window_frames,)
    """

    start: int
    end: int
    samples: NDArray[np.float32]

    @property
    def level(self) -> float:
        """Root mean square of the sound, in dB relative to full scale; -inf if all is 0."""
        sound = self.samples[: self.end - self.start]
        energy = float(np.square(sound).sum())  # not np.dot: its threads go on spinning after it
        return 10 * math.log10(energy / len(sound)) if energy > 0 else -math.inf


def windows(blocks: Iterable[NDArray[np.float32]], window_frames: int, hop_frames: int) -> Iterator[Window]:
    """Cut a stream into windows; memory holds a window and a block, whatever the length of the stream.

    Parameters
    ----------
    blocks : iterable of float32 arrays, shape (n,)
        The samples, in pieces of any length. They are kept, not copied: they must not change afterwards.
    window_frames, hop_frames : int
        Length and distance of the windows, positive.

    Yields
    ------
    Window
        At least one. The last one ends where the stream ends.

    Examples
    --------
    >>> [(w.start, w.end) for w in windows([np.zeros(11, np.float32)], window_frames=4, hop_frames=3)]
    [(0, 4), (3, 7), (6, 10), (7, 11)]
    """
    if window_frames < 1 or hop_frames < 1:
        raise ValueError(f"window_frames and hop_frames must be positive, got {window_frames} and {hop_frames}")
    held: deque[NDArray[np.float32]] = deque()
    first = total = start = 0  # frame numbers of held[0][0], of the end so far, and of the next window
    for block in blocks:
        held.append(block)
        total += len(block)
        while start + window_frames <= total:
            yield Window(start, start + window_frames, _piece(held, start - first, window_frames))
            start += hop_frames
        # Kept: what the next window needs, and enough for one that ends with the stream.
        needed = min(start, total - window_frames)
        while held and first + len(held[0]) <= needed:
            first += len(held.popleft())
    if total < window_frames:
        yield Window(0, total, np.resize(_piece(held, 0, total), window_frames))  # repeats; of nothing it makes zeros
    elif start - hop_frames + window_frames < total:
        yield Window(total - window_frames, total, _piece(held, total - window_frames - first, window_frames))


def _piece(held: Iterable[NDArray[np.float32]], offset: int, frames: int) -> NDArray[np.float32]:
    """`frames` samples from `offset` on of blocks that follow each other; a view where one block holds them all."""
    parts = []
    for block in held:
        part = block[max(offset, 0) : max(offset + frames, 0)]
        if len(part):
            parts.append(part)
        offset -= len(block)
        if offset + frames <= 0:
            break
    if not parts:
        return np.zeros(0, np.float32)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
