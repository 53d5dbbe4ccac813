"""Frames: scores over time as fine as a model gives them, and who plays when by them.

A model may give scores of frames besides those of windows. A recording then has logits at instants 0, `seconds`,
2 * `seconds`, … (`frame_grid` makes them) and levels of its cells of 0.1 s. The activity of a cell is interpolated
between instants and smoothed by a median; it is 0 where the cell is silent. A label plays where its activity reaches
its threshold, shifted as the model's metadata say (hysteresis, as with windows), and the best window over the cell
reaches the threshold with a shift of its own: windows say what plays, frames say when.

Logits and levels are kept as whole steps of 0.1 and of 0.5 dB in a byte each, before anything is computed with them, so
that a recognition from a store equals the fresh one bit by bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.model_metadata import FrameSettings
from organology.recognition.logits import logits_of, scores_of
from organology.recognition.segments import (
    Activity,
    Segment,
    SegmentSettings,
    covering_windows,
    hysteresis,
    running_median,
    segments_where,
    tidied,
)
from organology.recognition.windows import SILENCE_DBFS

CELL_SECONDS = 0.1
"""Cells of the activity, and of the levels."""

MOST_LOGIT = 12.0
LOGIT_STEP = 0.1
LEVEL_STEP = 0.5
"""In dB."""

Steps = NDArray[np.uint8]


def logit_steps(logits: NDArray[np.float64]) -> Steps:
    """Logits as steps of `LOGIT_STEP` from -`MOST_LOGIT` up; those beyond are cut."""
    return np.round((np.clip(logits, -MOST_LOGIT, MOST_LOGIT) + MOST_LOGIT) / LOGIT_STEP).astype(np.uint8)


def level_steps(levels: NDArray[np.float64]) -> Steps:
    """Levels in dB relative to full scale as steps of `LEVEL_STEP` from 0 down to -127.5."""
    return np.round(np.clip(-levels / LEVEL_STEP, 0, 255)).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Frames:
    """Scores of frames over a recording, and its levels.

    Attributes
    ----------
    settings : FrameSettings
        With shifts for each label.
    logits : uint8 array, shape (n_instants, n_labels)
        As `logit_steps` gives them; no label is below those that belong to it. 0 where all windows are silent.
    levels : uint8 array, shape (n_cells,)
        As `level_steps` gives them.
    """

    settings: FrameSettings
    logits: Steps
    levels: Steps

    @staticmethod
    def of_scores(settings: FrameSettings, scores: NDArray[np.float64], levels: NDArray[np.float64]) -> Frames:
        """Frames of scores, shape (n_instants, n_labels), and of levels in dB."""
        return Frames(settings, logit_steps(logits_of(scores)), level_steps(levels))

    @property
    def times(self) -> NDArray[np.float64]:
        """The instants, in seconds."""
        return np.arange(len(self.logits), dtype=np.float64) * self.settings.seconds

    @property
    def scores(self) -> NDArray[np.float32]:
        """Scores at the instants, shape (n_instants, n_labels)."""
        return scores_of(_exact(self.logits)).astype(np.float32)

    @property
    def levels_dbfs(self) -> NDArray[np.float64]:
        """Levels of the cells, in dB relative to full scale."""
        return self.levels.astype(np.float64) * -LEVEL_STEP

    @property
    def nbytes(self) -> int:
        """Memory that they take."""
        return self.logits.nbytes + self.levels.nbytes

    def columns(self, which: Sequence[int]) -> Frames:
        """Those of some of the labels, by their places."""
        return replace(self, settings=self.settings.columns(which), logits=self.logits[:, list(which)])

    def column(self, i: int, middles: NDArray[np.float64], median_seconds: float) -> NDArray[np.float64]:
        """Logits of one label at the middles of cells, smoothed over time; -inf where a cell is silent."""
        values = np.interp(middles, self.times, _exact(self.logits[:, i]))
        return np.where(self._is_silent(len(middles)), -np.inf, running_median(values, median_seconds, CELL_SECONDS))

    def _is_silent(self, n_cells: int) -> NDArray[np.bool_]:
        # The duration may have a cell more or less than the resampled sound: the last level stands for it.
        levels = np.pad(self.levels, (0, max(0, n_cells - len(self.levels))), mode="edge")[:n_cells]
        return np.asarray(levels > -SILENCE_DBFS / LEVEL_STEP)


def _exact(logits: Steps) -> NDArray[np.float64]:
    return np.asarray(logits * LOGIT_STEP - MOST_LOGIT)


def cell_edges(duration: float) -> NDArray[np.float64]:
    """Edges of the cells of a recording, in seconds; the last one ends with it."""
    n_cells = max(1, int(np.ceil(duration / CELL_SECONDS - 1e-6)))
    return np.append(np.arange(n_cells) * CELL_SECONDS, duration)


def frame_activity(frames: Frames, duration: float, settings: SegmentSettings) -> Activity:
    """Scores over time in cells of 0.1 s; `settings` are resolved."""
    edges = cell_edges(duration)
    middles = (edges[:-1] + edges[1:]) / 2
    scores = np.empty((len(middles), frames.logits.shape[1]), np.float32)
    for i in range(scores.shape[1]):
        scores[:, i] = scores_of(frames.column(i, middles, settings.median_seconds or 0))
    return Activity(edges, scores)


def frame_segments(
    frames: Frames,
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    scores: NDArray[np.float32],
    thresholds: NDArray[np.float64],
    label_set: LabelSet,
    settings: SegmentSettings,
    plays: NDArray[np.bool_],
) -> tuple[Segment, ...]:
    """When each label plays, by frames and windows.

    Of what plays in the file as a whole the best moment is in a segment if it reaches the lower threshold.
    One label after the other, so that memory holds the cells of one.

    Parameters
    ----------
    frames : Frames
    starts, ends : float array, shape (n_windows,)
        Of the windows, in seconds; the last end is the end of the file.
    scores : float32 array, shape (n_windows, n_labels)
        Of the windows.
    thresholds : float array, shape (n_labels,)
    label_set : LabelSet
        Of the columns.
    settings : SegmentSettings
        Resolved.
    plays : bool array, shape (n_labels,)
        In the file as a whole.

    Returns
    -------
    tuple of Segment
        In the order of the labels, then of time.
    """
    edges = cell_edges(float(ends[-1]))
    middles = (edges[:-1] + edges[1:]) / 2
    first, last = covering_windows(starts, ends, middles)
    limits = logits_of(thresholds)
    highs = limits + frames.settings.frame_shifts
    reached = logits_of(scores) >= limits + frames.settings.window_shifts
    on: dict[str, NDArray[np.bool_]] = {}
    found: dict[str, list[Segment]] = {}
    for label in reversed(label_set.order()):  # children before their parents
        i = label_set.index(label)
        playing = np.zeros(len(middles), np.bool_)
        for child in label_set.children(label):
            playing |= on[child]
        if playing.any() or reached[:, i].any():
            column = frames.column(i, middles, settings.median_seconds or 0)
            sums = np.concatenate([[0], np.cumsum(reached[:, i])])
            gated = np.where(sums[last] > sums[first], column, -np.inf)
            low = _low(highs[i], settings)
            high = min(highs[i], max(gated.max(), low)) if plays[i] else highs[i]
            playing |= tidied(hysteresis(gated, high, low), edges, settings)
            found[label] = segments_where(playing, label, edges, scores_of(column).astype(np.float32))
        on[label] = playing
    return tuple(segment for label in label_set.labels for segment in found.get(label, ()))


def _low(high: float, settings: SegmentSettings) -> float:
    """The lower threshold, as the upper one a logit."""
    if settings.low_logits is not None:
        return high - settings.low_logits
    return float(logits_of(scores_of(np.array(high)) * (settings.low_ratio or 0)))
