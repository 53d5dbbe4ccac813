"""Binary cross-entropy, in nats."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from organology.evaluation.arrays import Floats, Targets
from organology.evaluation.metrics.base import Items, ScoreMetric

LOSS_FLOOR = 1e-7
"""Scores are kept this far from 0 and 1 in the cross-entropy, as single precision does."""


def losses(targets: Targets, scores: Floats) -> Floats:
    """Binary cross-entropy (nats) of every item and label, 0 where the target is unknown; any shape."""
    clipped = np.clip(scores, LOSS_FLOOR, 1 - LOSS_FLOOR)
    loss = -np.where(targets == 1, np.log(clipped), np.log1p(-clipped))
    return np.where(targets >= 0, loss, 0.0)


def binary_cross_entropy(targets: ArrayLike, scores: ArrayLike) -> float:
    """Mean binary cross-entropy (nats) over the known targets, NaN where there is none.

    Parameters
    ----------
    targets : int array, any shape
        1 present, 0 absent, -1 unknown (left out).
    scores : float array of the same shape
        Probabilities.
    """
    target_array = np.asarray(targets, dtype=np.int8)
    known = int((target_array >= 0).sum())
    return float(losses(target_array, np.asarray(scores, dtype=np.float64)).sum() / known) if known else float("nan")


def sums(items: Items, weights: Floats) -> tuple[Floats, Floats]:
    """Sum of the losses and number of known targets of every label, each of shape (n_weightings, n_labels)."""
    each = items.once("losses", lambda: losses(items.targets, items.scores))
    known = items.once("known", lambda: (items.targets >= 0).astype(np.float64))
    return weights @ each, weights @ known


def _means(items: Items, weights: Floats) -> Floats:
    total, known = sums(items, weights)
    return np.divide(total, known, out=np.full_like(total, np.nan), where=known > 0)


LOSS = ScoreMetric(
    "loss",
    "loss",
    "loss",
    "binary cross-entropy in nats, of the scores as the model gives them (families raised to their instruments)",
    _means,
)
