"""Decisions at given thresholds, and their metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from organology.evaluation.arrays import Floats, as_thresholds, checked, macro_mean, scored_labels
from organology.evaluation.bootstrap import Estimate
from organology.evaluation.metrics.base import Counts
from organology.evaluation.metrics.registered import decision_metrics


@dataclass(frozen=True)
class Decisions:
    """How well "plays" and "does not play" are told apart at given thresholds.

    Each metric is also an attribute: `decisions.f1` is `decisions.metrics["f1"]`.

    Attributes
    ----------
    thresholds : float array, shape (n_labels,)
    tp, fp, fn, tn : float arrays, shape (n_labels,)
        Counts of items; false positives are recognized but absent.
    metrics : dict of str to float array, shape (n_labels,)
        By the name of the metric; labels for which it is not defined have NaN and are left out of the macro means.
    macro : dict of str to Estimate
        Means over the scored labels.
    micro_f1 : float
        F1 of the counts of all scored labels together.
    intervals : dict of str to (low, high)
        Of metrics that have them, arrays of shape (n_labels,); empty without a bootstrap.
    """

    thresholds: Floats
    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats
    metrics: dict[str, Floats]
    macro: dict[str, Estimate]
    micro_f1: float
    intervals: dict[str, tuple[Floats, Floats]]

    def __getattr__(self, name: str) -> Any:
        metrics = self.__dict__.get("metrics", {})
        if name not in metrics:
            raise AttributeError(f"Decisions has no attribute {name!r}")
        return metrics[name]


class Counter:
    """Weighted counts of right and wrong decisions.

    Parameters
    ----------
    targets, scores : arrays, shape (n_items, n_labels)
    thresholds : float array, shape (n_labels,)
    fewest_present : int
        Labels with fewer present items are left out of the macro means.
    """

    def __init__(self, targets: ArrayLike, scores: ArrayLike, thresholds: Floats, fewest_present: int = 1) -> None:
        target_array, score_array = checked(targets, scores)
        plays, present, absent = score_array >= thresholds, target_array == 1, target_array == 0
        self._cells = [
            cell.astype(np.float64) for cell in (plays & present, plays & absent, ~plays & present, ~plays & absent)
        ]
        self._scored = scored_labels(target_array, fewest_present)
        self._whole = self._of_labels(np.ones((1, len(target_array))))

    def counts(self, weights: Floats) -> Counts:
        """Counts under each row of weights; each of shape (n_weightings, n_labels)."""
        return Counts(*(weights @ cell for cell in self._cells))

    def _of_labels(self, weights: Floats) -> dict[str, Floats]:
        counts = self.counts(weights)
        return {metric.name: metric.compute(counts) for metric in decision_metrics()}

    def statistic(self, weights: Floats) -> dict[str, Floats]:
        """Metrics of each label, and their macro means as `macro_NAME`, under each row of weights."""
        values = self._of_labels(weights)
        macro = {
            f"macro_{name}": macro_mean(each[:, self._scored], self._whole[name][0, self._scored])
            for name, each in values.items()
        }
        return {**values, **macro}


def decide(targets: ArrayLike, scores: ArrayLike, thresholds: ArrayLike, fewest_present: int = 1) -> Decisions:
    """Metrics at thresholds, without confidence intervals.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out).
    scores : float array, shape (n_items, n_labels)
    thresholds : float, or float array of shape (n_labels,)
        A score at or above it means "plays".
    fewest_present : int
        Labels with fewer present items are left out of the macro means.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    target_array, score_array = checked(targets, scores)
    limits = as_thresholds(thresholds, target_array.shape[1])
    counter = Counter(target_array, score_array, limits, fewest_present)
    weights = np.ones((1, len(target_array)))
    counts = Counts(*(count[0] for count in counter.counts(weights)))
    values = {name: each[0] for name, each in counter.statistic(weights).items()}
    scored = scored_labels(target_array, fewest_present)
    right, wrong = 2 * counts.tp[scored].sum(), (counts.fp + counts.fn)[scored].sum()
    names = [metric.name for metric in decision_metrics()]
    return Decisions(
        limits,
        *counts,
        metrics={name: values[name] for name in names},
        macro={name: Estimate(float(values[f"macro_{name}"])) for name in names},
        micro_f1=float(right / (right + wrong)) if right + wrong > 0 else float("nan"),
        intervals={},
    )
