"""What makes `Frames` while a recording passes: scores of frames on one grid of instants, and levels of its sound.

Memory holds a byte a label and instant, and the sums of the instants that a further window may reach.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from organology.model_metadata import FrameSettings
from organology.recognition.frames import CELL_SECONDS, Frames, Steps, level_steps, logit_steps
from organology.recognition.logits import logits_of

_SLACK = 1e-6  # of an instant, against rounding
_LEAST_ENERGY = 1e-20  # of a cell: its level has to be finite


class LevelMeter:
    """Measures the level (root mean square) of each cell of 0.1 s of a stream; the cut of the stream does not matter.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._cell = sample_rate * CELL_SECONDS
        self._steps = bytearray()
        self._rest = np.zeros(0, np.float32)
        self._first = 0  # frame number of the rest

    def measured(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """The same blocks, measured as they pass."""
        for block in blocks:
            self._add(block)
            yield block

    def _bound(self, cell: int) -> int:
        """Frame number at which a cell begins."""
        return math.ceil(cell * self._cell - _SLACK)

    def _add(self, block: NDArray[np.float32]) -> None:
        samples = np.concatenate([self._rest, block])
        end = self._first + len(samples)
        bounds = [self._first]
        while (bound := self._bound(len(self._steps) + len(bounds))) <= end:
            bounds.append(bound)
        self._measure(samples, np.array(bounds) - self._first)
        self._rest = samples[bounds[-1] - self._first :].copy()
        self._first = bounds[-1]

    def _measure(self, samples: NDArray[np.float32], bounds: NDArray[np.intp]) -> None:
        if len(bounds) < 2:
            return
        energies = np.add.reduceat(np.square(samples[: bounds[-1]], dtype=np.float64), bounds[:-1]) / np.diff(bounds)
        self._steps += level_steps(10 * np.log10(np.maximum(energies, _LEAST_ENERGY))).tobytes()

    def levels(self) -> Steps:
        """The levels of all cells, the last one with what is left; to be called once, at the end."""
        if len(self._rest) or not self._steps:
            rest = self._rest if len(self._rest) else np.zeros(1, np.float32)
            self._measure(rest, np.array([0, len(rest)]))
        return np.frombuffer(bytes(self._steps), np.uint8)


class FrameGrid:
    """Collects the scores of frames of windows, in the order of time, on one grid of instants.

    An instant's logit is the mean over the windows that cover it and sound, interpolated between their frames.

    Parameters
    ----------
    settings : FrameSettings
    sample_rate : int
        Of the windows' places, in Hz.
    n_labels : int
    """

    def __init__(self, settings: FrameSettings, sample_rate: int, n_labels: int) -> None:
        self._settings = settings
        self._step = settings.seconds * sample_rate
        self._n_labels = n_labels
        self._done = bytearray()  # instants that no further window reaches
        self._covered = array("b")  # whether a window covers an instant, for those done
        self._first = 0  # the first of the open instants
        self._sums = np.zeros((0, n_labels))
        self._counts = np.zeros(0)
        self._touched = np.zeros(0, np.bool_)

    def add(self, start: int, end: int, scores: NDArray[np.float32] | None) -> None:
        """Add a window.

        Parameters
        ----------
        start, end : int
            In samples; no start is before that of the window before.
        scores : float32 array, shape (n_frames, n_labels), optional
            None: the window is silent.
        """
        first, last = math.ceil(start / self._step - _SLACK), math.floor(end / self._step + _SLACK)
        self._close(first)
        self._open(last + 1)
        rows = slice(first - self._first, last + 1 - self._first)
        self._touched[rows] = True
        if scores is not None and last >= first:
            places = np.clip(np.arange(first, last + 1) - start / self._step, 0, len(scores) - 1)
            self._sums[rows] += _interpolated(logits_of(scores), places)
            self._counts[rows] += 1

    def _open(self, end: int) -> None:
        more = end - self._first - len(self._counts)
        if more > 0:
            self._sums = np.concatenate([self._sums, np.zeros((more, self._n_labels))])
            self._counts = np.concatenate([self._counts, np.zeros(more)])
            self._touched = np.concatenate([self._touched, np.zeros(more, np.bool_)])

    def _close(self, first: int) -> None:
        """Finish the instants before `first`."""
        self._open(first)
        n = first - self._first
        counts = self._counts[:n, None]
        means = np.where(counts > 0, self._sums[:n] / np.maximum(counts, 1), -np.inf)
        self._done += logit_steps(means).tobytes()
        self._covered.frombytes(self._touched[:n].tobytes())
        self._sums, self._counts, self._touched = self._sums[n:], self._counts[n:], self._touched[n:]
        self._first = first

    def frames(self, levels: Steps) -> Frames:
        """All that was collected; to be called once, at the end. An instant without a window is as the nearest one."""
        self._close(self._first + len(self._counts))
        rows = np.frombuffer(bytes(self._done), np.uint8).reshape(-1, self._n_labels)
        covered = np.flatnonzero(np.array(self._covered))
        if len(covered) < len(rows):
            middles = (covered[:-1] + covered[1:]) / 2
            rows = rows[covered[np.searchsorted(middles, np.arange(len(rows)))]]
        return Frames(self._settings, rows, levels)


def _interpolated(rows: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows at fractional places."""
    left = np.minimum(places.astype(np.intp), max(len(rows) - 2, 0))
    part = (places - left)[:, None]
    return np.asarray((1 - part) * rows[left] + part * rows[np.minimum(left + 1, len(rows) - 1)])
