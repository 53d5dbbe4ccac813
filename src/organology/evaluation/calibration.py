"""Calibration: scores that can be read as probabilities, and how far scores are from that.

A network's scores put items in order; whether 7 of 10 items with a score of 0.7 have the label is another question.
Two numbers a label, a slope and an offset of its logit, mend most of what is amiss and change no order: Platt,
"Probabilistic outputs for support vector machines", 1999; Guo et al., "On calibration of modern neural networks",
2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from organology.evaluation.arrays import Floats, checked
from organology.model_metadata import Calibration

FEWEST = 10
"""Present and absent items that a label needs to be calibrated; with fewer it stays as it is."""

_NEAREST = 1e-7  # to 0 and 1: where float32 sigmoids saturate


def logit(scores: ArrayLike) -> Floats:
    """Log-odds of scores; those within 1e-7 of 0 or 1 count as being there.

    Examples
    --------
    >>> logit([0.5, 0.75]).round(3).tolist()
    [0.0, 1.099]
    """
    inside = np.clip(np.asarray(scores, dtype=np.float64), _NEAREST, 1 - _NEAREST)
    odds: Floats = np.log(inside) - np.log1p(-inside)
    return odds


def calibrated(scores: ArrayLike, calibration: Calibration) -> Floats:
    """Scores, shape (n_items, n_labels), after a calibration: sigmoid(slope * logit + offset), same shape."""
    logits = logit(scores) * np.array(calibration.slopes) + np.array(calibration.offsets)
    result: Floats = 1 / (1 + np.exp(-logits))
    return result


def enough(targets: ArrayLike) -> NDArray[np.bool_]:
    """Which labels are present in 10 items and absent in 10: shape (n_labels,)."""
    given = np.asarray(targets)
    return np.asarray(np.minimum((given == 1).sum(0), (given == 0).sum(0)) >= FEWEST)


def fit_calibration(targets: ArrayLike, scores: ArrayLike, default: Calibration | None = None) -> Calibration:
    """Slope and offset of every label's logit with the highest likelihood, by Platt's rule.

    Platt's targets, (n_present + 1) / (n_present + 2) and 1 / (n_absent + 2) in place of 1 and 0, keep the slope finite
    where the scores part the items without error.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out).
    scores : float array, shape (n_items, n_labels)
        Not calibrated, and without families raised to their instruments.
    default : Calibration, optional
        Of labels that are not fitted, and terms of frames; left out: slope 1 and offset 0, no terms.

    Returns
    -------
    Calibration
        The default for labels with fewer than 10 present or absent items; slope 1 and offset 0 where the fit would turn
        the order around.
    """
    target_array, score_array = checked(targets, scores)
    n_labels, logits = target_array.shape[1], logit(score_array)
    slopes, offsets = np.ones(n_labels), np.zeros(n_labels)
    if default is not None:
        slopes, offsets = np.array(default.slopes), np.array(default.offsets)
    for label in np.flatnonzero(enough(target_array)):
        slopes[label], offsets[label] = _fit(target_array[:, label], logits[:, label])
    terms = None if default is None else default.frame_terms
    return Calibration(tuple(slopes.tolist()), tuple(offsets.tolist()), terms)


def _fit(target: ArrayLike, logits: Floats) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    known = np.asarray(target) >= 0
    is_present, x = np.asarray(target)[known] == 1, logits[known, None]
    n_present, n_absent = int(is_present.sum()), int((~is_present).sum())
    soft = np.where(is_present, (n_present + 1) / (n_present + 2), 1 / (n_absent + 2))
    both = np.repeat([1, 0], len(x))
    model = LogisticRegression(C=np.inf, max_iter=1000)
    model.fit(np.concatenate([x, x]), both, sample_weight=np.concatenate([soft, 1 - soft]))
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    return (slope, offset) if slope > 0 else (1.0, 0.0)


@dataclass(frozen=True)
class Reliability:
    """How well scores can be read as probabilities, over all known decisions of all labels.

    Attributes
    ----------
    error : float
        Expected calibration error: mean distance of score and share of present items over bins of equal width, weighted
        by their items (Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning", 2015).
    brier : float
        Mean squared distance of score and target.
    edges : float array, shape (n_bins + 1,)
    counts : int array, shape (n_bins,)
    mean_scores, shares : float array, shape (n_bins,)
        Mean score and share of present items of each bin; NaN where it is empty.
    """

    error: float
    brier: float
    edges: Floats
    counts: Floats
    mean_scores: Floats
    shares: Floats


def reliability(targets: ArrayLike, scores: ArrayLike, n_bins: int = 10) -> Reliability:
    """Measure calibration.

    Parameters
    ----------
    targets : int array, shape (n_items, n_labels)
        1 present, 0 absent, -1 unknown (left out).
    scores : float array, shape (n_items, n_labels)
    n_bins : int

    Raises
    ------
    ValueError
        If the arrays don't fit, or no target is known.

    Examples
    --------
    >>> reliability([[1], [1], [0], [0]], [[0.5], [0.5], [0.5], [0.5]]).error
    0.0
    """
    target_array, score_array = checked(targets, scores)
    known = target_array >= 0
    target, score = target_array[known].astype(np.float64), score_array[known]
    if len(target) == 0:
        raise ValueError("no target is known")
    number = np.minimum((score * n_bins).astype(int), n_bins - 1)
    counts = np.bincount(number, minlength=n_bins).astype(np.float64)
    with np.errstate(invalid="ignore"):
        means = np.bincount(number, score, n_bins) / counts
        shares = np.bincount(number, target, n_bins) / counts
    error = float(np.nansum(np.abs(means - shares) * counts) / len(target))
    brier = float(np.mean((score - target) ** 2))
    return Reliability(error, brier, np.linspace(0, 1, n_bins + 1), counts, means, shares)
