"""From the scores of windows to who plays when: activity over time, and the segments in it.

An instant's activity is the mean of the windows that cover it, taken of the logits of their scores, on a grid as fine
as the hop: a window without any sign of a label counts for more than one that may hold it elsewhere in its 4 s, which
puts edges nearer to where they are (`docs/recognition.md` has figures). A label's segments are the stretches in which
its activity stays at or above a lower threshold and reaches the threshold itself (hysteresis); short gaps are closed,
then short segments dropped. A family's segments hold those of its instruments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.recognition.logits import logits_of, scores_of, sums_between


@dataclass(frozen=True)
class SegmentSettings:
    """How segments are cut.

    Attributes
    ----------
    low_ratio : float
        The lower threshold, as a share of the threshold.
    max_gap_seconds : float
        Gaps up to this are closed.
    min_seconds : float
        Segments shorter than this are dropped, unless they fill the file.
    median_seconds : float
        The activity is smoothed first: at every cell of the grid the median of an odd number of cells around it, as
        many as these seconds hold. 0: not smoothed.
    """

    low_ratio: float = 0.75
    max_gap_seconds: float = 1.0
    min_seconds: float = 1.0
    median_seconds: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not math.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value}")
        if not 0 <= self.low_ratio <= 1:
            raise ValueError(f"low_ratio must be between 0 and 1, got {self.low_ratio}")
        for name in ("max_gap_seconds", "min_seconds", "median_seconds"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")


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
    middles = (edges[:-1] + edges[1:]) / 2
    first = np.searchsorted(ends, middles, side="right")
    last = np.searchsorted(starts, middles, side="right")  # exclusive
    uncovered = first >= last
    if uncovered.any():
        distance = np.abs((starts + ends)[None, :] / 2 - middles[uncovered, None])
        first[uncovered] = distance.argmin(axis=1)
        last[uncovered] = first[uncovered] + 1
    means = sums_between(logits_of(scores), first, last) / (last - first)[:, None]
    sounds = sums_between(np.all(scores == 0, axis=1)[:, None], first, last) == 0
    return Activity(edges, (sounds * scores_of(means)).astype(np.float32))


def _runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Begin and end (exclusive) of each run of True."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    yield from zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True)


def _hysteresis(values: NDArray[np.float32], high: float, low: float) -> NDArray[np.bool_]:
    on = np.zeros(len(values), bool)
    for begin, end in _runs(values >= low):
        on[begin:end] = bool((values[begin:end] >= high).any())
    return on


def _smoothed(over_time: Activity, seconds: float) -> NDArray[np.float32]:
    cell = float(over_time.edges[1] - over_time.edges[0])
    half = int((seconds / cell + 1e-6 - 1) // 2)
    if half < 1:
        return over_time.scores
    padded = np.pad(over_time.scores, ((half, half), (0, 0)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    return np.asarray(np.median(around, axis=-1), dtype=np.float32)


def _tidied(on: NDArray[np.bool_], edges: NDArray[np.float64], settings: SegmentSettings) -> NDArray[np.bool_]:
    tidy = on.copy()
    slack = 1e-6
    for begin, end in _runs(~on):
        inner = begin > 0 and end < len(on)
        if inner and edges[end] - edges[begin] <= settings.max_gap_seconds + slack:
            tidy[begin:end] = True
    shortest = min(settings.min_seconds, float(edges[-1]))
    for begin, end in _runs(tidy):
        if edges[end] - edges[begin] < shortest - slack:
            tidy[begin:end] = False
    return tidy


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
    settings = settings or SegmentSettings()
    smooth = _smoothed(over_time, settings.median_seconds)
    columns = [
        _tidied(_hysteresis(smooth[:, i], high, high * settings.low_ratio), over_time.edges, settings)
        for i, high in enumerate(thresholds)
    ]
    on = label_set.raise_parents(np.stack(columns, axis=1))
    lengths = np.diff(over_time.edges)
    return tuple(
        Segment(
            label,
            float(over_time.edges[begin]),
            float(over_time.edges[end]),
            float(np.average(over_time.scores[begin:end, i], weights=lengths[begin:end])),
        )
        for i, label in enumerate(label_set.labels)
        for begin, end in _runs(on[:, i])
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
