"""Learning a teacher's scores, as a Lightning module."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from organology import evaluation
from organology.errors import ModelError
from organology.evaluation import Evaluation
from organology.evaluation.bootstrap import Estimate
from organology.model.network import InstrumentNet
from organology.training.data import Batch
from organology.training.distillation.recipe import DistillationConfig
from organology.training.module import TrainingModule, Validation, make_optimizer
from organology.training.teachers.published import Teacher


class DistillationModule(TrainingModule[DistillationConfig]):
    """Learns the scores that a teacher gives to the same audio: binary cross-entropy against soft targets.

    "Distilling the knowledge in a neural network" (Hinton, Vinyals and Dean, 2015), with all of the loss from the
    teacher, as there are no labels.

    Parameters
    ----------
    network : InstrumentNet
        Its labels are the teacher's, in order.
    config : DistillationConfig
    seed : int
        Of dropout.
    teacher : Teacher
    """

    def __init__(self, network: InstrumentNet, config: DistillationConfig, seed: int, teacher: Teacher) -> None:
        super().__init__(network, config, seed, teacher)
        self._taught: dict[int, Tensor] = {}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Two groups, head and backbone, of one rate."""
        rate = self.config.learning_rate
        parts = {"head": self.network.head_parameters(), "backbone": self.network.backbone.parameters()}
        groups = [{"name": name, "params": list(parameters), "lr": rate} for name, parameters in parts.items()]
        return make_optimizer(self.config.optimizer, groups, rate, self.config.weight_decay)

    def batch_loss(self, batch: Batch) -> Tensor:
        """Mean binary cross-entropy over batch and labels, in nats; float32, shape ()."""
        return F.binary_cross_entropy_with_logits(self(batch.waveform).float(), self.others.scores(batch.waveform))

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the scores of one batch; the teacher's stay from one validation to the next."""
        if batch_idx not in self._taught:
            self._taught[batch_idx] = self.others.scores(batch.waveform).cpu()
        self._validated.append((self._taught[batch_idx], self.score_batch(batch.waveform)))

    def take_validation(self) -> Validation:
        """Binarized targets, scores and metrics of the validation that has just run; they are then forgotten."""
        taught, scores = self.take_scores()
        metrics = teacher_metrics(taught, scores, self.config, self.network.labels)
        return Validation(binarized(taught, self.config), scores, metrics)


def binarized(taught: NDArray[np.float32], config: DistillationConfig) -> NDArray[np.int8]:
    """A teacher's scores as targets: 1 where they are at least `present_from`."""
    return (taught >= config.present_from).astype(np.int8)


def scored_columns(targets: NDArray[np.int8], min_items: int) -> NDArray[np.int64]:
    """Columns with at least so many ones and as many zeros; if there is none, the one with the most ones."""
    present = targets.sum(axis=0, dtype=np.int64)
    columns = np.flatnonzero((present >= min_items) & (len(targets) - present >= min_items))
    return columns if len(columns) else present.argmax(keepdims=True)


def soft_loss(taught: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
    """Mean binary cross-entropy of scores against a teacher's, over items and labels, in nats.

    Examples
    --------
    >>> soft = np.array([[0.5]], dtype=np.float32)
    >>> round(soft_loss(soft, soft), 4)
    0.6931
    """
    known = np.clip(scores.astype(np.float64), 1e-12, 1 - 1e-7)
    wanted = taught.astype(np.float64)
    return float(-np.mean(wanted * np.log(known) + (1 - wanted) * np.log1p(-known)))


def teacher_metrics(
    taught: NDArray[np.float32],
    scores: NDArray[np.float32],
    config: DistillationConfig,
    labels: Sequence[str],
    songs: NDArray[np.str_] | None = None,
    n_bootstrap: int = 0,
) -> Evaluation:
    """Metrics of scores against a teacher's.

    Parameters
    ----------
    taught, scores : float32 array, shape (n, n_labels)
    config : DistillationConfig
        `present_from` and `min_items` say what counts as present, and which labels are scored.
    labels : sequence of str
    songs : str array, shape (n,), optional
        Groups of the bootstrap.
    n_bootstrap : int

    Returns
    -------
    Evaluation
        Of the labels that are scored. Its `loss` is the cross-entropy of all labels against the soft targets, without
        an interval.

    Raises
    ------
    ModelError
        If a score is not a number.
    """
    if not np.isfinite(scores).all():
        raise ModelError("validation: a score is not a number; lower the learning rate or set gradient_clip")
    targets = binarized(taught, config)
    columns = scored_columns(targets, config.min_items)
    names = [labels[i] for i in columns]
    metrics = evaluation.evaluate(targets[:, columns], scores[:, columns], songs, None, n_bootstrap, labels=names)
    return dataclasses.replace(metrics, loss=Estimate(soft_loss(taught, scores), math.nan, math.nan))
