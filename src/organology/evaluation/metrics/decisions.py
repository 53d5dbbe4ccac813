"""Figures at given thresholds: F1, precision, recall, accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from organology.evaluation.arrays import Floats, as_thresholds, checked, macro_mean, scored_labels
from organology.evaluation.bootstrap import Estimate


@dataclass(frozen=True)
class Decisions:
    """How well "plays" and "does not play" are told apart at given thresholds.

    A label without present or without absent targets has NaN for F1, precision and recall, and is left out of the
    macro means. A label of which nothing is recognized has precision and F1 of 0.

    Attributes
    ----------
    thresholds : float array, shape (n_labels,)
    true_present, false_present, false_absent, true_absent : float arrays, shape (n_labels,)
        Counts of items; "false present" is recognized but absent.
    f1, precision, recall, accuracy : float arrays, shape (n_labels,)
    macro : dict of str to Estimate
        `f1`, `precision`, `recall`, `accuracy`: means over the scored labels.
    micro_f1 : float
        F1 of the counts of all scored labels together.
    intervals : dict of str to (low, high)
        Of `f1` and `accuracy`, arrays of shape (n_labels,); empty without a bootstrap.
    """

    thresholds: Floats
    true_present: Floats
    false_present: Floats
    false_absent: Floats
    true_absent: Floats
    f1: Floats
    precision: Floats
    recall: Floats
    accuracy: Floats
    macro: dict[str, Estimate]
    micro_f1: float
    intervals: dict[str, tuple[Floats, Floats]]


METRICS = ("f1", "precision", "recall", "accuracy")


def ratios(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> dict[str, Floats]:
    """The four metrics from counts of any one shape; see `Decisions`."""
    scored = (tp + fn > 0) & (fp + tn > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "f1": np.where(scored, 2 * tp / (2 * tp + fp + fn), np.nan),
            "precision": np.where(scored, np.where(tp + fp > 0, tp / (tp + fp), 0.0), np.nan),
            "recall": np.where(scored, tp / (tp + fn), np.nan),
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
        }


class Counter:
    """Weighted counts of right and wrong decisions.

    Parameters
    ----------
    targets, scores : arrays, shape (n_items, n_labels)
    thresholds : float array, shape (n_labels,)
    """

    def __init__(self, targets: ArrayLike, scores: ArrayLike, thresholds: Floats) -> None:
        target_array, score_array = checked(targets, scores)
        plays, present, absent = score_array >= thresholds, target_array == 1, target_array == 0
        self._cells = [
            cell.astype(np.float64) for cell in (plays & present, plays & absent, ~plays & present, ~plays & absent)
        ]
        self._scored = scored_labels(target_array)
        self._whole = ratios(*self.counts(np.ones((1, len(target_array)))))

    def counts(self, weights: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """True present, false present, false absent, true absent; each of shape (n_weightings, n_labels)."""
        tp, fp, fn, tn = (weights @ cell for cell in self._cells)
        return tp, fp, fn, tn

    def statistic(self, weights: Floats) -> dict[str, Floats]:
        """Metrics of each label, and their macro means as `macro_NAME`, under each row of weights."""
        figures = ratios(*self.counts(weights))
        macro = {
            f"macro_{name}": macro_mean(figures[name][:, self._scored], self._whole[name][0, self._scored])
            for name in METRICS
        }
        return {**figures, **macro}


def decide(targets: ArrayLike, scores: ArrayLike, thresholds: ArrayLike) -> Decisions:
    """Figures at thresholds, without confidence intervals.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out).
    scores : float array, shape (n_items, n_labels)
    thresholds : float, or float array of shape (n_labels,)
        A score at or above it means "plays".

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """
    target_array, score_array = checked(targets, scores)
    limits = as_thresholds(thresholds, target_array.shape[1])
    counter = Counter(target_array, score_array, limits)
    weights = np.ones((1, len(target_array)))
    tp, fp, fn, tn = (count[0] for count in counter.counts(weights))
    figures = {name: values[0] for name, values in counter.statistic(weights).items()}
    scored = scored_labels(target_array)
    right, wrong = 2 * tp[scored].sum(), (fp + fn)[scored].sum()
    return Decisions(
        thresholds=limits,
        true_present=tp,
        false_present=fp,
        false_absent=fn,
        true_absent=tn,
        f1=figures["f1"],
        precision=figures["precision"],
        recall=figures["recall"],
        accuracy=figures["accuracy"],
        macro={name: Estimate(float(figures[f"macro_{name}"])) for name in METRICS},
        micro_f1=float(right / (right + wrong)) if right + wrong > 0 else float("nan"),
        intervals={},
    )
