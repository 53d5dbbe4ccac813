"""What the arrays of this room have to look like."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Targets = NDArray[np.int8]


def checked(targets: ArrayLike, scores: ArrayLike) -> tuple[Targets, Floats]:
    """Targets and scores as arrays of shape (n_items, n_labels), int8 and float64.

    Raises
    ------
    ValueError
        If the shapes differ, a target is none of 1, 0 and -1, or a score is not in 0 ... 1.
    """
    target_array, score_array = np.asarray(targets), np.asarray(scores, dtype=np.float64)
    if target_array.ndim != 2 or target_array.shape != score_array.shape:
        raise ValueError(
            f"targets and scores have one shape (items, labels), not {target_array.shape} and {score_array.shape}"
        )
    if len(target_array) == 0:
        raise ValueError("there are no items to evaluate")
    if not np.isin(target_array, (-1, 0, 1)).all():
        raise ValueError("a target is 1, 0 or -1 (unknown)")
    if not ((score_array >= 0) & (score_array <= 1)).all():
        raise ValueError("a score is a number from 0 to 1")
    return target_array.astype(np.int8), score_array


def as_thresholds(thresholds: ArrayLike, n_labels: int) -> Floats:
    """One threshold, or one a label, as an array of shape (n_labels,).

    Raises
    ------
    ValueError
        If there are neither 1 nor `n_labels` of them, or one is not finite.
    """
    array = np.asarray(thresholds, dtype=np.float64)
    if array.shape not in ((), (n_labels,)) or not np.isfinite(array).all():
        raise ValueError(f"thresholds are one number or {n_labels}, not {array.shape}")
    return np.broadcast_to(array, (n_labels,)).copy()


def scored_labels(targets: Targets, fewest_present: int = 1) -> NDArray[np.bool_]:
    """Which labels have absent targets and at least so many present ones; shape (n_labels,)."""
    often = (targets == 1).sum(axis=0) >= max(1, fewest_present)
    scored: NDArray[np.bool_] = often & (targets == 0).any(axis=0)
    return scored


def mean_of_known(values: Any, axis: int | None = None) -> Any:
    """Mean without the NaNs, NaN (and no warning) where nothing else is left."""
    array = np.asarray(values, dtype=np.float64)
    known = np.isfinite(array)
    count = known.sum(axis=axis)
    total = np.where(known, array, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def macro_mean(values: Floats, whole: Floats) -> Floats:
    """Macro means of resamples in which some labels may have no figure.

    A plain mean over the labels that are left would be one over other labels, and move as the hard ones come and go.
    So it is the mean of the labels' deviations that is taken, and added to the macro mean of the whole.

    Parameters
    ----------
    values : float array, shape (n_resamples, n_labels)
        NaN where a label has no figure.
    whole : float array, shape (n_labels,)
        The labels' figures without resampling.

    Returns
    -------
    float array, shape (n_resamples,)

    Examples
    --------
    >>> macro_mean(np.array([[0.9, 0.5], [0.9, np.nan]]), np.array([0.9, 0.5])).tolist()
    [0.7, 0.7]
    """
    mean: Floats = mean_of_known(whole) + mean_of_known(values - whole, axis=1)
    return mean
