"""From the scores of windows to who plays when: activity over time, and the segments in it.

An instant's activity is the mean of the windows that cover it, taken of the logits of their scores, on a grid as fine
as the hop: a window without any sign of a label counts for more than one that may hold it elsewhere in its 4 s, which
puts edges nearer to where they are (`docs/research/time_and_files.md`). A label's segments are the stretches in which
its activity stays at or above a lower threshold and reaches the threshold itself (hysteresis); short gaps are closed,
then short segments dropped. A family's segments hold those of its instruments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.model_metadata import FrameSettings
from organology.recognition.logits import logits_of, scores_of, sums_between


@dataclass(frozen=True)
class SegmentSettings:
    """How segments are cut. What is None is as the model's metadata say, or for a model without frames the default.

    Attributes
    ----------
    low_ratio : float, optional
        The lower threshold, as a share of the threshold; 0.75.
    max_gap_seconds : float, optional
        Gaps up to this are closed; 1.
    min_seconds : float, optional
        Segments shorter than this are dropped, unless they fill the file; 1.
    median_seconds : float, optional
        The activity is smoothed first: at every cell of the grid the median of an odd number of cells around it, as
        many as these seconds hold. 0, the default: not smoothed.
    low_logits : float, optional
        In place of `low_ratio`: the lower threshold is so many logits below the threshold.
    """

    low_ratio: float | None = None
    max_gap_seconds: float | None = None
    min_seconds: float | None = None
    median_seconds: float | None = None
    low_logits: float | None = None

    def __post_init__(self) -> None:
        for name, value in self.given().items():
            if not math.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value}")
        if self.low_ratio is not None and not 0 <= self.low_ratio <= 1:
            raise ValueError(f"low_ratio must be between 0 and 1, got {self.low_ratio}")
        if self.low_ratio is not None and self.low_logits is not None:
            raise ValueError("low_ratio and low_logits exclude each other, got both")
        for name in ("max_gap_seconds", "min_seconds", "median_seconds", "low_logits"):
            if not (getattr(self, name) or 0) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")

    def given(self) -> dict[str, float]:
        """What is set, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def resolved(self, frames: FrameSettings | None = None) -> SegmentSettings:
        """The same with everything set, but for one of `low_ratio` and `low_logits`."""
        given = self.given()
        usual = _DEFAULTS if frames is None else {name: getattr(frames, name) for name in _OF_FRAMES}
        if "low_ratio" in given or "low_logits" in given:
            usual = {name: value for name, value in usual.items() if name not in ("low_ratio", "low_logits")}
        return SegmentSettings(**{**usual, **given})

    def low(self, high: float) -> float:
        """The lower threshold that goes with a threshold, both as scores; of resolved settings."""
        if self.low_logits is None:
            return high * (self.low_ratio or 0.0)
        return float(scores_of(logits_of(np.array(high)) - self.low_logits))


_DEFAULTS = {"low_ratio": 0.75, "max_gap_seconds": 1.0, "min_seconds": 1.0, "median_seconds": 0.0}
_OF_FRAMES = ("low_logits", "max_gap_seconds", "min_seconds", "median_seconds")


@dataclass(frozen=True)
class Segment:
    """A stretch of time in which a label plays.

    Attributes
    ----------
    label : str
    start, end : float
        In seconds.
    score : float
        Mean activity in it.
    """

    label: str
    start: float
    end: float
    score: float


@dataclass(frozen=True, eq=False)
class Activity:
    """Scores over time, without overlap.

    Attributes
    ----------
    edges : float array, shape (n_cells + 1,)
        Of the grid, in seconds, from 0 to the end of the file.
    scores : float32 array, shape (n_cells, n_labels)
    """

    edges: NDArray[np.float64]
    scores: NDArray[np.float32]


def activity(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    scores: NDArray[np.float32],
    hop_seconds: float,
) -> Activity:
    """What plays at every instant, by the windows that cover it: the mean of the logits of their scores, as a score.

    Nothing plays in what a silent window covers (one whose scores are all 0).

    Parameters
    ----------
    starts, ends : float array, shape (n_windows,)
        Of the windows, in seconds, ascending; the last end is the end of the file.
    scores : float array, shape (n_windows, n_labels)
    hop_seconds : float
        Grid: cells of this length, the last one shorter. A cell takes the windows that cover its middle, and where
        windows are so far apart that none does, the nearest one.
    """
    duration = float(ends[-1])
    n_cells = max(1, int(np.ceil(duration / hop_seconds - 1e-6)))
    edges = np.append(np.arange(n_cells) * hop_seconds, duration)
    first, last = covering_windows(starts, ends, (edges[:-1] + edges[1:]) / 2)
    means = sums_between(logits_of(scores), first, last) / (last - first)[:, None]
    sounds = sums_between(np.all(scores == 0, axis=1)[:, None], first, last) == 0
    return Activity(edges, (sounds * scores_of(means)).astype(np.float32))


def covering_windows(
    starts: NDArray[np.float64], ends: NDArray[np.float64], times: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The windows that cover each time, from `first` to before `last`; the nearest one where none does."""
    first = np.searchsorted(ends, times, side="right")
    last = np.searchsorted(starts, times, side="right")  # exclusive
    uncovered = first >= last
    if uncovered.any():
        distance = np.abs((starts + ends)[None, :] / 2 - times[uncovered, None])
        first[uncovered] = distance.argmin(axis=1)
        last[uncovered] = first[uncovered] + 1
    return first, last


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Begins and ends (exclusive) of the runs of True."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return changes[::2], changes[1::2]


def _filled(begins: NDArray[np.intp], ends: NDArray[np.intp], size: int) -> NDArray[np.bool_]:
    """True within runs that do not overlap."""
    steps = np.zeros(size + 1, np.int8)
    steps[begins] += 1
    steps[ends] -= 1
    return np.cumsum(steps[:-1], dtype=np.int8) > 0


def hysteresis(values: NDArray[Any], high: float, low: float) -> NDArray[np.bool_]:
    """Where values stay at or above `low` in runs that reach `high`."""
    begins, ends = _runs(values >= low)
    reached = np.concatenate([[0], np.cumsum(values >= high)])
    kept = reached[ends] > reached[begins]
    return _filled(begins[kept], ends[kept], len(values))


def running_median(values: NDArray[Any], seconds: float, cell_seconds: float) -> NDArray[Any]:
    """The median along the first axis of an odd number of cells around each, as many as `seconds` hold."""
    half = int((seconds / cell_seconds + 1e-6 - 1) // 2)
    if half < 1:
        return values
    padded = np.pad(values, [(half, half)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    return np.asarray(np.partition(around, half, axis=-1)[..., half])


def tidied(on: NDArray[np.bool_], edges: NDArray[np.float64], settings: SegmentSettings) -> NDArray[np.bool_]:
    """Where a label plays, with short gaps closed and then short runs dropped; `settings` are resolved."""
    slack = 1e-6
    begins, ends = _runs(~on)
    inner = (begins > 0) & (ends < len(on))
    closed = inner & (edges[ends] - edges[begins] <= (settings.max_gap_seconds or 0) + slack)
    tidy = on | _filled(begins[closed], ends[closed], len(on))
    begins, ends = _runs(tidy)
    kept = edges[ends] - edges[begins] >= min(settings.min_seconds or 0, float(edges[-1])) - slack
    return _filled(begins[kept], ends[kept], len(on))


def segments_where(
    on: NDArray[np.bool_], label: str, edges: NDArray[np.float64], scores: NDArray[np.float32]
) -> list[Segment]:
    """The segments of one label: where it plays, and its activity, both of shape (n_cells,)."""
    lengths = np.diff(edges)
    return [
        Segment(
            label,
            float(edges[begin]),
            float(edges[end]),
            float(np.average(scores[begin:end], weights=lengths[begin:end])),
        )
        for begin, end in zip(*_runs(on), strict=True)
    ]


def segments(
    over_time: Activity,
    thresholds: NDArray[np.float64],
    label_set: LabelSet,
    settings: SegmentSettings | None = None,
) -> tuple[Segment, ...]:
    """When each label plays.

    Parameters
    ----------
    over_time : Activity
    thresholds : float array, shape (n_labels,)
    label_set : LabelSet
        Of the activity's columns.
    settings : SegmentSettings, optional

    Returns
    -------
    tuple of Segment
        In the order of the labels, then of time.
    """
    settings = (settings or SegmentSettings()).resolved()
    edges = over_time.edges
    smooth = running_median(over_time.scores, settings.median_seconds or 0, float(edges[1] - edges[0]))
    columns = [
        tidied(hysteresis(smooth[:, i], high, settings.low(high)), edges, settings) for i, high in enumerate(thresholds)
    ]
    on = label_set.raise_parents(np.stack(columns, axis=1))
    return tuple(
        segment
        for i, label in enumerate(label_set.labels)
        for segment in segments_where(on[:, i], label, edges, over_time.scores[:, i])
    )


def activity_of_segments(found: Iterable[Segment], duration: float, labels: Sequence[str]) -> Activity:
    """The activity that segments imply: their scores, 0 elsewhere."""
    known = tuple(found)
    inner = {time for segment in known for time in (segment.start, segment.end) if 0 < time < duration}
    edges = np.array([0.0, *sorted(inner), duration])
    scores = np.zeros((len(edges) - 1, len(labels)), np.float32)
    for segment in known:
        inside = (edges[:-1] >= segment.start) & (edges[1:] <= segment.end)
        scores[inside, labels.index(segment.label)] = segment.score
    return Activity(edges, scores)
