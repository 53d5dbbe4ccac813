"""Finished models: their scores of fixed mixtures, the evaluation of these, calibration and thresholds."""

from organology.training.scoring.evaluating import evaluate_model, score_mixtures, set_to_evaluate
from organology.training.scoring.scorer import Scorer, load_scorer
from organology.training.scoring.scores import Scored, score_batches, score_checkpoint, write_results

__all__ = [
    "Scored",
    "Scorer",
    "evaluate_model",
    "load_scorer",
    "score_batches",
    "score_checkpoint",
    "score_mixtures",
    "set_to_evaluate",
    "write_results",
]
