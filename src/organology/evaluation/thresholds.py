"""Thresholds with the highest F1.

The paper uses one threshold for all labels, "the one with the highest F1" (0.35 there), and does not say which F1;
here it is macro F1 by default, micro F1 on demand. Every value that parts two neighboring scores is tried, so that
the answer is exact for the items given; it lies half way between the two. Of several that are equally good the one
nearest to 0.5 is taken.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from organology.evaluation.arrays import Floats, Targets, as_thresholds, checked, scored_labels

Average = Literal["macro", "micro"]
DEFAULT_THRESHOLD = 0.5


def _candidates(scores: Floats) -> tuple[Floats, Floats]:
    """Distinct scores, and for each a threshold between it and the next lower one."""
    distinct = np.unique(scores)
    below = np.concatenate([[0.0], distinct[:-1]])
    between = (distinct + below) / 2
    # Half way between neighboring floats may be the lower one, which is on the wrong side.
    return distinct, np.where(between > below, between, distinct)


def _true_and_false(targets: Targets, scores: Floats, limits: Floats) -> tuple[Floats, Floats]:
    """How many present and absent items of one label are at or above each limit."""
    counts = []
    for value in (1, 0):
        ordered = np.sort(scores[targets == value])
        counts.append((len(ordered) - np.searchsorted(ordered, limits, side="left")).astype(np.float64))
    return counts[0], counts[1]


def _best(thresholds: Floats, f1: Floats) -> float:
    reached = thresholds[f1 >= f1.max() - 1e-12]
    return float(reached[np.argmin(np.abs(reached - DEFAULT_THRESHOLD))])


def best_threshold(targets: ArrayLike, scores: ArrayLike, average: Average = "macro", fewest_present: int = 1) -> float:
    """The one threshold for all labels with the highest F1.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out). Labels without present or absent targets have no say.
    scores : float array, shape (n_items, n_labels)
    average : {"macro", "micro"}
        Mean of the labels' F1, or F1 of all decisions together.
    fewest_present : int
        Labels with fewer present targets are left out.

    Returns
    -------
    float
        0.5 where no label has both values.
    """
    target_array, score_array = checked(targets, scores)
    scored = np.flatnonzero(scored_labels(target_array, fewest_present))
    if len(scored) == 0:
        return DEFAULT_THRESHOLD
    limits, thresholds = _candidates(score_array[:, scored][target_array[:, scored] >= 0])
    true, false, present = np.zeros_like(limits), np.zeros_like(limits), 0
    f1_sum = np.zeros_like(limits)
    for label in scored:
        tp, fp = _true_and_false(target_array[:, label], score_array[:, label], limits)
        n_present = int((target_array[:, label] == 1).sum())
        f1_sum += 2 * tp / (tp + fp + n_present)
        true, false, present = true + tp, false + fp, present + n_present
    return _best(thresholds, f1_sum / len(scored) if average == "macro" else 2 * true / (true + false + present))


def best_thresholds(targets: ArrayLike, scores: ArrayLike, default: ArrayLike | None = None) -> Floats:
    """For each label the threshold with its highest F1.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out).
    scores : float array, shape (n_items, n_labels)
    default : float or float array, shape (n_labels,), optional
        For labels without present or absent targets; left out: `best_threshold` of the others.

    Returns
    -------
    float array, shape (n_labels,)
    """
    target_array, score_array = checked(targets, scores)
    chosen = as_thresholds(best_threshold(targets, scores) if default is None else default, target_array.shape[1])
    for label in np.flatnonzero(scored_labels(target_array)):
        column, known = target_array[:, label], target_array[:, label] >= 0
        limits, thresholds = _candidates(score_array[known, label])
        tp, fp = _true_and_false(column, score_array[:, label], limits)
        chosen[label] = _best(thresholds, 2 * tp / (tp + fp + (column == 1).sum()))
    return chosen


def calibrated_thresholds(targets: ArrayLike, scores: ArrayLike, default: float = DEFAULT_THRESHOLD) -> Floats:
    """For each label half of its highest F1: the threshold of a calibrated score.

    Where scores are probabilities, F1 is highest for the threshold that is half of the F1 that it gives (Lipton, Elkan
    and Naryanaswamy, "Optimal thresholding of classifiers to maximize F1 measure", 2014). The highest F1 moves far less
    from one set of items to the next than the place where it lies.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out).
    scores : float array, shape (n_items, n_labels)
        Calibrated.
    default : float
        For labels without present or absent targets.

    Returns
    -------
    float array, shape (n_labels,)
    """
    target_array, score_array = checked(targets, scores)
    chosen = as_thresholds(default, target_array.shape[1])
    for label in np.flatnonzero(scored_labels(target_array)):
        column, known = target_array[:, label], target_array[:, label] >= 0
        limits, _ = _candidates(score_array[known, label])
        tp, fp = _true_and_false(column, score_array[:, label], limits)
        chosen[label] = (tp / (tp + fp + (column == 1).sum())).max()
    return chosen
