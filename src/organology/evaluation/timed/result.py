"""Figures of segments against annotations, with intervals over recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.evaluation.arrays import Floats
from organology.evaluation.bootstrap import Estimate, interval, resampled
from organology.evaluation.timed.annotations import AnnotatedRecordings
from organology.evaluation.timed.counts import EventSettings, Intervals, count_cells, count_events

CELL_SECONDS = 1.0
KINDS = ("cells", "events", "onsets")
FIGURES = ("f1", "precision", "recall")
_NAMES = {"cells": "cells of {cell:g} s", "events": "segments, start and end", "onsets": "segments, start alone"}


@dataclass(frozen=True)
class TimedEvaluation:
    """How well it is told when instruments play.

    Attributes
    ----------
    labels : tuple of str
    n_recordings : int
    annotated : int array, shape (n_labels,)
        Segments of the annotations.
    counts : dict of str to int array, shape (3, n_labels)
        By kind ("cells", "events", "onsets"): right, false and missed ones over all recordings.
    per_label : dict of str to dict of str to tuple of Estimate
        By kind and figure ("f1", "precision", "recall").
    macro, micro : dict of str to dict of str to Estimate
        Mean over the labels that are annotated somewhere; of all counts together.
    cell_seconds : float
    settings : EventSettings
    """

    labels: tuple[str, ...]
    n_recordings: int
    annotated: NDArray[np.int64]
    counts: dict[str, NDArray[np.int64]]
    per_label: dict[str, dict[str, tuple[Estimate, ...]]]
    macro: dict[str, dict[str, Estimate]]
    micro: dict[str, dict[str, Estimate]]
    cell_seconds: float
    settings: EventSettings

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "items": self.n_recordings,
            "cell_seconds": self.cell_seconds,
            "collar_seconds": self.settings.collar_seconds,
            "length_share": self.settings.length_share,
            "macro": {kind: {name: _plain(one) for name, one in each.items()} for kind, each in self.macro.items()},
            "micro": {kind: {name: _plain(one) for name, one in each.items()} for kind, each in self.micro.items()},
            "labels": [
                {
                    "label": label,
                    "annotated": int(self.annotated[i]),
                    **{
                        kind: {
                            **dict(zip(("right", "false", "missed"), self.counts[kind][:, i].tolist(), strict=True)),
                            **{name: _plain(self.per_label[kind][name][i]) for name in FIGURES},
                        }
                        for kind in KINDS
                    },
                }
                for i, label in enumerate(self.labels)
            ],
        }


def evaluate_timed(
    recordings: AnnotatedRecordings,
    estimated: Sequence[Mapping[str, Intervals]],
    cell_seconds: float = CELL_SECONDS,
    settings: EventSettings | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> TimedEvaluation:
    """Compare segments with annotations.

    Parameters
    ----------
    recordings : AnnotatedRecordings
    estimated : sequence of mapping of str to float array of shape (n, 2)
        For each recording, by label; a label that is not there has no segments.
    cell_seconds : float
    settings : EventSettings, optional
    n_bootstrap : int
        Resamples of the recordings.
    seed : int

    Raises
    ------
    ValueError
        If there is not one entry for each recording.
    """
    settings = settings or EventSettings()
    onsets = EventSettings(settings.collar_seconds, None)
    none = np.zeros((0, 2))
    each: dict[str, list[list[tuple[int, int, int]]]] = {kind: [] for kind in KINDS}
    for wanted, found in zip(recordings.intervals, estimated, strict=True):
        pairs = [(wanted[label], found.get(label, none)) for label in recordings.labels]
        each["cells"].append([count_cells(*pair, cell_seconds) for pair in pairs])
        each["events"].append([count_events(*pair, settings) for pair in pairs])
        each["onsets"].append([count_events(*pair, onsets) for pair in pairs])
    arrays = {kind: np.array(rows, dtype=np.int64).transpose(2, 0, 1) for kind, rows in each.items()}  # (3, n, labels)
    n, annotated = len(recordings.names), arrays["events"][0].sum(0) + arrays["events"][2].sum(0)
    judged = annotated > 0

    def statistic(weights: Floats) -> dict[str, Floats]:
        values: dict[str, Floats] = {}
        for kind, counts in arrays.items():
            sums = np.stack([weights @ part for part in counts])  # (3, k, labels)
            for name, figure in _figures(sums).items():
                values[f"{kind} {name}"] = figure
                kept = np.isfinite(figure[:, judged])
                total = np.where(kept, figure[:, judged], 0).sum(1)
                values[f"{kind} {name} macro"] = total / np.maximum(kept.sum(1), 1)
            values |= {f"{kind} {name} micro": figure for name, figure in _figures(sums.sum(2)).items()}
        return values

    whole = {name: value[0] for name, value in statistic(np.ones((1, n))).items()}
    samples = resampled(statistic, None, n, n_bootstrap, seed)
    ends = {name: interval(sample, 0.95) for name, sample in samples.items()}

    def estimates(name: str) -> tuple[Estimate, ...]:
        values = np.atleast_1d(whole[name])
        low, high = (np.atleast_1d(end) for end in ends.get(name, (np.full(values.shape, np.nan),) * 2))
        return tuple(Estimate(*map(float, three)) for three in zip(values, low, high, strict=True))

    return TimedEvaluation(
        recordings.labels,
        n,
        annotated,
        {kind: counts.sum(1) for kind, counts in arrays.items()},
        {kind: {name: estimates(f"{kind} {name}") for name in FIGURES} for kind in KINDS},
        {kind: {name: estimates(f"{kind} {name} macro")[0] for name in FIGURES} for kind in KINDS},
        {kind: {name: estimates(f"{kind} {name} micro")[0] for name in FIGURES} for kind in KINDS},
        cell_seconds,
        settings,
    )


def _figures(counts: Any) -> dict[str, Floats]:
    """F1, precision and recall of right, false and missed ones (3, ...); NaN where there are none."""
    right, false, missed = counts

    def share(part: Any, whole: Any) -> Floats:
        return np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)

    return {
        "f1": share(2 * right, 2 * right + false + missed),
        "precision": share(right, right + false),
        "recall": share(right, right + missed),
    }


def _plain(estimate: Estimate) -> dict[str, float | None]:
    values = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: round(value, 6) if np.isfinite(value) else None for name, value in values.items()}


def timed_markdown(result: TimedEvaluation) -> str:
    """A table: F1 of each label, their mean, and of all counts together."""
    captions = [_NAMES[kind].format(cell=result.cell_seconds) for kind in KINDS]
    lines = [f"| label | annotated segments | {' | '.join(f'F1, {caption}' for caption in captions)} |"]
    lines.append("| --- |" + " ---: |" * (1 + len(KINDS)))
    for i, label in enumerate(result.labels):
        cells = [str(result.per_label[kind]["f1"][i]) for kind in KINDS]
        lines.append(f"| {label} | {result.annotated[i]} | {' | '.join(cells)} |")
    for name, figures in (("mean of the labels", result.macro), ("all together", result.micro)):
        cells = [str(figures[kind]["f1"]) for kind in KINDS]
        lines.append(f"| {name} | {result.annotated.sum()} | {' | '.join(cells)} |")
    return "\n".join(lines)
