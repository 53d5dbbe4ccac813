"""ROC-AUC and PR-AUC of one label.

Each function takes item weights, one row a resample, so that one sorting of the scores serves a whole bootstrap;
scikit-learn's own metrics, against which these are tested, would sort again for each of the 30 000 values of a
report. ROC-AUC is the area under the trapezoids, tied scores counting half; PR-AUC is average precision, the sum of
the precisions at each distinct score weighted by the gain in recall (not interpolated), as in scikit-learn.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from organology.evaluation.arrays import Floats, Targets
from organology.evaluation.metrics.base import Items, ScoreMetric


class Ranked(NamedTuple):
    """The known items of one label, highest score first."""

    order: NDArray[np.intp]
    """Indices of the items, shape (n_known,)."""
    present: Floats
    """1 or 0 for each of them."""
    ends: NDArray[np.intp]
    """Last position of every run of equal scores."""


def rank(targets: Targets, scores: Floats) -> Ranked:
    """Sort the known items of one label; `targets` and `scores` have the shape (n_items,)."""
    known = np.flatnonzero(targets >= 0)
    order = known[np.argsort(-scores[known], kind="stable")]
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True)) if len(order) else np.zeros(0, np.intp)
    return Ranked(order, (targets[order] == 1).astype(np.float64), ends)


def areas(ranked: Ranked, weights: Floats) -> tuple[Floats, Floats]:
    """ROC-AUC and average precision of one label under several weightings of the items.

    Parameters
    ----------
    ranked
        See `rank`.
    weights : float array, shape (n_weightings, n_items)
        How often each item counts.

    Returns
    -------
    roc_auc, average_precision : float arrays, shape (n_weightings,)
        NaN where present or absent items are missing (average precision: where present ones are).
    """
    if len(ranked.order) == 0:
        nothing = np.full(len(weights), np.nan)
        return nothing, nothing.copy()
    ordered = weights[:, ranked.order]
    total = np.cumsum(ordered, axis=1)[:, ranked.ends]
    true = np.cumsum(ordered * ranked.present, axis=1)[:, ranked.ends]
    false = total - true
    gain = np.diff(true, axis=1, prepend=0.0)
    n_present, n_absent = true[:, -1], false[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        concordant = (np.diff(false, axis=1, prepend=0.0) * (true - gain / 2)).sum(axis=1)
        roc = np.where((n_present > 0) & (n_absent > 0), concordant / (n_present * n_absent), np.nan)
        precision = np.where(total > 0, true / total, 0.0)
        average = np.where(n_present > 0, (gain * precision).sum(axis=1) / n_present, np.nan)
    return roc, average


def _one_label(targets: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    target_array, score_array = np.asarray(targets, dtype=np.int8), np.asarray(scores, dtype=np.float64)
    if target_array.ndim != 1 or target_array.shape != score_array.shape:
        raise ValueError(f"targets and scores have one shape (items,), not {target_array.shape}, {score_array.shape}")
    return areas(rank(target_array, score_array), np.ones((1, len(target_array))))


def roc_auc(targets: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve of one label, NaN where it has not both values.

    Parameters
    ----------
    targets : int array, shape (n_items,)
        1 present, 0 absent, -1 unknown (left out).
    scores : float array, shape (n_items,)

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1, -1], [0.1, 0.4, 0.35, 0.8, 0.0])
    0.75
    """
    return float(_one_label(targets, scores)[0][0])


def average_precision(targets: ArrayLike, scores: ArrayLike) -> float:
    """PR-AUC of one label as average precision, NaN where nothing is present; see `roc_auc`.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1, -1], [0.1, 0.4, 0.35, 0.8, 0.0]), 4)
    0.8333
    """
    return float(_one_label(targets, scores)[1][0])


class _Areas(NamedTuple):
    """Both areas of every label, each of shape (n_weightings, n_labels)."""

    roc_auc: Floats
    pr_auc: Floats


def _areas_of(items: Items, weights: Floats) -> _Areas:
    ranked = items.once("ranked", lambda: [rank(t, s) for t, s in zip(items.targets.T, items.scores.T, strict=True)])

    def both() -> _Areas:
        pairs = [areas(each, weights) for each in ranked]
        roc, average = (np.stack([pair[k] for pair in pairs], axis=1) for k in (0, 1))
        # Where all is present, average precision is 1 and says nothing.
        return _Areas(roc, np.where(np.isfinite(roc), average, np.nan))

    return items.for_weights("areas", weights, both)


ROC_AUC = ScoreMetric(
    "roc_auc", "ROC-AUC", "ROC", "area under the ROC curve; ties count half", lambda i, w: _areas_of(i, w).roc_auc
)
PR_AUC = ScoreMetric(
    "pr_auc", "PR-AUC", "PR", "average precision (not interpolated)", lambda i, w: _areas_of(i, w).pr_auc
)
