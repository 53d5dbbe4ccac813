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


def scored_labels(targets: Targets) -> NDArray[np.bool_]:
    """Which labels have both present and absent targets; shape (n_labels,)."""
    scored: NDArray[np.bool_] = (targets == 1).any(axis=0) & (targets == 0).any(axis=0)
    return scored


def mean_of_known(values: Any, axis: int | None = None) -> Any:
    """Mean without the NaNs, NaN (and no warning) where nothing else is left."""
    array = np.asarray(values, dtype=np.float64)
    known = np.isfinite(array)
    count = known.sum(axis=axis)
    total = np.where(known, array, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
