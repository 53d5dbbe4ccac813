"""Scores and targets to all metrics, with confidence intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from organology.evaluation.arrays import Floats, Targets, as_thresholds, checked, macro_mean, scored_labels
from organology.evaluation.bootstrap import Estimate, group_numbers, interval, resampled
from organology.evaluation.decisions import Counter, Decisions, decide
from organology.evaluation.metrics.base import Items
from organology.evaluation.metrics.cross_entropy import sums
from organology.evaluation.metrics.registered import decision_metrics, score_metrics
from organology.evaluation.result import Evaluation, LabelMetrics
from organology.evaluation.thresholds import best_threshold
from organology.labels import LabelSet, default_set

BEST_SINGLE = "best single"
"""Name of the decisions at the one threshold with the highest macro F1 on the very items evaluated."""


def evaluate(
    targets: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    thresholds: ArrayLike | Mapping[str, ArrayLike] | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    labels: LabelSet | Sequence[str] | None = None,
    confidence: float = 0.95,
    fewest_present: int = 1,
) -> Evaluation:
    """Evaluate scores against targets.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out of every metric).
    scores : float array, shape (n_items, n_labels)
        Probabilities.
    groups : array, shape (n_items,), optional
        Song of each item: the bootstrap draws songs. Left out: every item is its own.
    thresholds : float, array of shape (n_labels,), or mapping of names to these, optional
        Evaluated beside the best single threshold; without a name they are called "given".
    n_bootstrap : int
        Resamples for the intervals; 0 for none.
    seed : int
        Of the resampling.
    labels : LabelSet or sequence of str, optional
        Of the columns; left out: the default set.
    confidence : float
        Of the intervals.
    fewest_present : int
        Labels with fewer present items are left out of the macro means.

    Returns
    -------
    Evaluation
        The best single threshold is found on the very items it is then evaluated on, so its metrics are a little
        too good; its intervals hold for that threshold.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    target_array, score_array = checked(targets, scores)
    n_items, n_labels = target_array.shape
    labels = default_set() if labels is None else labels
    names = labels.labels if isinstance(labels, LabelSet) else tuple(labels)
    if n_labels != len(names):
        raise ValueError(f"arrays must have {len(names)} columns, one a label, got {n_labels}")
    named = thresholds if isinstance(thresholds, Mapping) else {} if thresholds is None else {"given": thresholds}
    limits = {name: as_thresholds(values, n_labels) for name, values in named.items()}
    limits[BEST_SINGLE] = as_thresholds(
        best_threshold(target_array, score_array, fewest_present=fewest_present), n_labels
    )
    statistic = _Statistic(target_array, score_array, limits, fewest_present)
    whole = {name: values[0] for name, values in statistic(np.ones((1, n_items))).items()}
    samples = resampled(statistic, groups, n_items, n_bootstrap, seed)
    ends = {name: interval(values, confidence) for name, values in samples.items()}

    def estimate(name: str, *index: int) -> Estimate:
        low, high = (end[index] for end in ends.get(name, (np.full_like(whole[name], np.nan),) * 2))
        return Estimate(float(whole[name][index]), float(low), float(high))

    def decided(name: str) -> Decisions:
        return dataclasses.replace(
            decide(target_array, score_array, limits[name], fewest_present),
            macro={metric.name: estimate(f"{name}/macro_{metric.name}") for metric in decision_metrics()},
            intervals={
                metric.name: ends[f"{name}/{metric.name}"]
                for metric in decision_metrics()
                if metric.has_intervals and n_bootstrap
            },
        )

    return Evaluation(
        labels=tuple(
            LabelMetrics(
                label,
                n_present=int((target_array[:, i] == 1).sum()),
                n_absent=int((target_array[:, i] == 0).sum()),
                n_unknown=int((target_array[:, i] == -1).sum()),
                scored=bool(statistic.scored[i]),
                metrics={metric.name: estimate(metric.name, i) for metric in score_metrics()},
            )
            for i, label in enumerate(names)
        ),
        macro={metric.name: estimate(f"macro_{metric.name}") for metric in score_metrics()},
        loss=estimate("overall_loss"),
        decisions={name: decided(name) for name in limits},
        n_items=n_items,
        n_groups=group_numbers(groups, n_items)[1],
        n_bootstrap=n_bootstrap,
        seed=seed,
        confidence=confidence,
        display=dict(labels.display) if isinstance(labels, LabelSet) else {},
        fewest_present=fewest_present,
    )


class _Statistic:
    """Every metric of an evaluation under rows of item weights; what only depends on the items is done once."""

    def __init__(self, targets: Targets, scores: Floats, limits: Mapping[str, Floats], fewest: int) -> None:
        self.scored = scored_labels(targets, fewest)
        self._items = Items(targets, scores)
        self._counters = {name: Counter(targets, scores, values, fewest) for name, values in limits.items()}
        self._whole = self._of_labels(np.ones((1, len(targets))))

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        of_labels = self._of_labels(weights)
        macro = {
            f"macro_{name}": macro_mean(values[:, self.scored], self._whole[name][0, self.scored])
            for name, values in of_labels.items()
        }
        decided = {
            f"{name}/{metric}": values
            for name, counter in self._counters.items()
            for metric, values in counter.statistic(weights).items()
        }
        total, known = (each.sum(axis=1) for each in sums(self._items, weights))
        overall = np.where(known > 0, total / np.maximum(known, 1), np.nan)
        return {**of_labels, **macro, **decided, "overall_loss": overall}

    def _of_labels(self, weights: Floats) -> dict[str, Floats]:
        return {metric.name: metric.compute(self._items, weights) for metric in score_metrics()}
