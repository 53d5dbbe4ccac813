"""The metrics that there are. Tables, JSON and docs follow from this list: a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Sequence

from organology.evaluation.metrics.base import DecisionMetric, Metric, ScoreMetric
from organology.evaluation.metrics.cross_entropy import LOSS
from organology.evaluation.metrics.ranking import PR_AUC, ROC_AUC
from organology.evaluation.metrics.ratios import ACCURACY, F1, PRECISION, RECALL

_METRICS: dict[str, Metric] = {}


def register(metric: Metric) -> None:
    """Add a metric.

    Raises
    ------
    ValueError
        If its name is taken.
    """
    if metric.name in _METRICS:
        raise ValueError(f"metric {metric.name!r} is registered already")
    _METRICS[metric.name] = metric


def remove(name: str) -> None:
    """Take a metric out again."""
    del _METRICS[name]


def score_metrics() -> Sequence[ScoreMetric]:
    """Metrics that need no threshold, in the order of their columns."""
    return [metric for metric in _METRICS.values() if isinstance(metric, ScoreMetric)]


def decision_metrics() -> Sequence[DecisionMetric]:
    """Metrics of decisions at thresholds, in the order of their columns."""
    return [metric for metric in _METRICS.values() if isinstance(metric, DecisionMetric)]


for _metric in (ROC_AUC, PR_AUC, LOSS, F1, PRECISION, RECALL, ACCURACY):
    register(_metric)
