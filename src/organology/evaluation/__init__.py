"""Scores and targets in arrays -> metrics, thresholds, confidence intervals, tables and pictures.

Conventions, held everywhere in this room:

- *targets* are int8 of shape (n_items, n_labels): 1 present, 0 absent, -1 unknown; unknown ones are left out of every
  metric.
- *scores* are probabilities of the same shape, 0 ... 1.
- A label *plays* where its score is at or above its threshold.
- *macro* is the plain mean over the labels that have both present and absent targets ("scored" labels); the others
  are listed as left out.
- *groups* name what the bootstrap draws (songs): items of one group are drawn together.
"""

from organology.evaluation.bootstrap import Estimate
from organology.evaluation.calibration import Reliability, calibrated, enough, fit_calibration, reliability
from organology.evaluation.decisions import Decisions, decide
from organology.evaluation.evaluator import evaluate
from organology.evaluation.metrics.cross_entropy import binary_cross_entropy
from organology.evaluation.metrics.ranking import average_precision, roc_auc
from organology.evaluation.plot import plot
from organology.evaluation.report import markdown, rich_table, summary
from organology.evaluation.result import Evaluation, LabelMetrics
from organology.evaluation.thresholds import best_threshold, best_thresholds, calibrated_thresholds

__all__ = [
    "Decisions",
    "Estimate",
    "Evaluation",
    "LabelMetrics",
    "Reliability",
    "average_precision",
    "best_threshold",
    "best_thresholds",
    "binary_cross_entropy",
    "calibrated",
    "calibrated_thresholds",
    "decide",
    "enough",
    "evaluate",
    "fit_calibration",
    "markdown",
    "plot",
    "reliability",
    "rich_table",
    "roc_auc",
    "summary",
]
