"""F1, precision, recall and accuracy: ratios of counts.

A label without present or without absent items has NaN for F1, precision and recall. A label of which nothing is
recognized has precision and F1 of 0.
"""

from __future__ import annotations

import numpy as np

from organology.evaluation.arrays import Floats
from organology.evaluation.metrics.base import Counts, DecisionMetric


def _divided(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return ratio


def f1(counts: Counts) -> Floats:
    """Harmonic mean of precision and recall."""
    return np.where(counts.scored, _divided(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn), np.nan)


def precision(counts: Counts) -> Floats:
    """Share of present items among those recognized; 0 where none is."""
    recognized = counts.tp + counts.fp
    return np.where(counts.scored, np.where(recognized > 0, _divided(counts.tp, recognized), 0.0), np.nan)


def recall(counts: Counts) -> Floats:
    """Share of recognized items among those present."""
    return np.where(counts.scored, _divided(counts.tp, counts.tp + counts.fn), np.nan)


def accuracy(counts: Counts) -> Floats:
    """Share of right decisions."""
    return _divided(counts.tp + counts.tn, counts.tp + counts.fp + counts.fn + counts.tn)


F1 = DecisionMetric("f1", "F1", "F1", "harmonic mean of precision and recall", f1, has_intervals=True)
PRECISION = DecisionMetric("precision", "precision", "prec.", "share of present ones among those recognized", precision)
RECALL = DecisionMetric("recall", "recall", "rec.", "share of recognized ones among those present", recall)
ACCURACY = DecisionMetric("accuracy", "accuracy", "acc.", "share of right decisions", accuracy, has_intervals=True)
