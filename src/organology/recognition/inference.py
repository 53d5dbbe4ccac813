"""From windows to their scores, several at once where there are threads for it.

Reading, decoding and resampling happen in the caller's thread, as windows are asked for; inference happens in threads
of its own, each on whole batches. That wastes less than threads within one inference, whose pieces are small, and
gives the same scores with any number of threads.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.ordered_map import ordered_map
from organology.recognition.frame_grid import FrameGrid
from organology.recognition.windows import SILENCE_DBFS, ModelScores, Window

__all__ = ["BATCH_WINDOWS", "MOST_THREADS", "SILENCE_DBFS", "ScoredWindows", "score_windows"]

BATCH_WINDOWS = 1
"""Windows in one inference: more of them take more memory and, with small networks, more time for lack of cache."""

MOST_THREADS = 8
"""Used at once for one recording: its decoding, which has one thread, keeps no more of them busy."""

Scores = NDArray[np.float32]
_Score = Callable[[Scores], ModelScores]
_BatchScores = tuple[list[bool], Scores, list[Scores | None]]


@dataclass(frozen=True, eq=False)
class ScoredWindows:
    """What the windows of a recording came to.

    Attributes
    ----------
    starts, ends : int64 array, shape (n_windows,)
        In frames.
    scores : float32 array, shape (n_windows, n_labels)
        Zeros where a window is silent.
    sounds : bool array, shape (n_windows,)
        Whether a window reaches `SILENCE_DBFS`.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    scores: Scores
    sounds: NDArray[np.bool_]


def score_windows(
    cut: Iterable[Window],
    model: _Score,
    label_set: LabelSet,
    threads: int = 1,
    grid: FrameGrid | None = None,
) -> ScoredWindows:
    """Score windows as they come.

    Parameters
    ----------
    cut : iterable of Window
    model : callable
        float32 (batch, window_frames) -> ModelScores; safe to call from several threads.
    label_set : LabelSet
        Of the model's scores.
    threads : int
        Inferences at once, `MOST_THREADS` at the most; with 1, in the caller's thread. Twice as many batches are
        held at the most.
    grid : FrameGrid, optional
        Gets the scores of frames, in the order of the windows.
    """
    # Compact arrays that grow: at a small hop, lists would take ten times as much.
    places, sounds, scores = array("q"), array("b"), array("f")
    n_threads = min(threads, MOST_THREADS) if threads > 1 else 0
    score = partial(_scored, model, label_set)
    for batch, (sound, of_batch, frames) in ordered_map(score, _batches(iter(cut)), n_threads):
        places.extend(frame for window in batch for frame in (window.start, window.end))
        sounds.extend(sound)
        scores.frombytes(of_batch.tobytes())
        if grid is not None:
            for window, of_window in zip(batch, frames, strict=True):
                grid.add(window.start, window.end, of_window)
    starts, ends = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return ScoredWindows(
        starts, ends, np.array(scores, dtype=np.float32).reshape(-1, len(label_set)), np.array(sounds, dtype=bool)
    )


def _scored(model: _Score, label_set: LabelSet, batch: Sequence[Window]) -> _BatchScores:
    """Whether each window sounds, its scores, and those of its frames; the model sees only those that sound."""
    sound = [window.level >= SILENCE_DBFS for window in batch]
    scores = np.zeros((len(batch), len(label_set)), np.float32)
    frames: list[Scores | None] = [None] * len(batch)
    sounding = [i for i, sounds in enumerate(sound) if sounds]
    if sounding:
        samples = [batch[i].samples for i in sounding]
        given = model(samples[0][None] if len(samples) == 1 else np.stack(samples))
        scores[sounding] = label_set.raise_parents(given.windows)
        if given.frames is not None:
            for i, of_window in zip(sounding, label_set.raise_parents(given.frames), strict=True):
                frames[i] = of_window
    return sound, scores, frames


def _batches(cut: Iterator[Window]) -> Iterator[list[Window]]:
    while batch := list(islice(cut, BATCH_WINDOWS)):
        yield batch
