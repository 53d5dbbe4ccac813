"""The network as a Lightning module: loss, optimizer, validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from organology import evaluation
from organology.evaluation import Evaluation
from organology.model import InstrumentNet
from organology.taxonomy import LABELS
from organology.training.callbacks.loss_meter import LossMeter
from organology.training.compiling import CompiledNetwork
from organology.training.distillation.pseudo_labels import Committee
from organology.training.distillation.teacher import Teacher
from organology.training.transfer.data import Batch
from organology.training.transfer.losses import transfer_loss
from organology.training.transfer.overlay import overlay
from organology.training.transfer.recipe import TrainingConfig
from organology.training.transfer.schedule import learning_rate_factor, set_learning


@dataclass(frozen=True)
class Validation:
    """Targets int8 and scores float32 of the validation mixtures, shape (n, 15), and their figures."""

    targets: NDArray[np.int8]
    scores: NDArray[np.float32]
    figures: Evaluation


class TransferModule(L.LightningModule):
    """Learns the labels of mixtures.

    `items` is what an example is called in logs and provenance; `target_labels` are the columns of the targets.

    Parameters
    ----------
    network : InstrumentNet
    config : TrainingConfig
    seed : int
        Of dropout: torch's generator is seeded with it and the epoch's number at the start of every epoch.
    teacher : Teacher, optional
        For `config.soft_targets`.
    committee : Committee, optional
        For `config.self_training`: the last `per_batch` items of a batch are then recordings.
    """

    items = "mixtures"

    def __init__(
        self,
        network: InstrumentNet,
        config: TrainingConfig,
        seed: int,
        teacher: Teacher | None = None,
        committee: Committee | None = None,
    ) -> None:
        super().__init__()
        self.network, self.config, self.seed = network, config, seed
        # In a tuple, so that none becomes a submodule: their weights belong into no checkpoint of this one.
        self._others = (teacher, CompiledNetwork(network) if config.compile else network, committee)
        self._losses = LossMeter()
        self._validated: list[tuple[Tensor, Tensor]] = []
        self.target_labels: tuple[str, ...] = LABELS

    @property
    def committee(self) -> Committee | None:
        """Who says what recordings hold."""
        return self._others[2]

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: (batch, samples) -> (batch, n_labels)."""
        logits: Tensor = self._others[1](waveform)
        return logits

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with two groups, head and backbone; each has its first rate as `initial_lr`."""
        config = self.config
        groups = [{"name": "head", "params": list(self.network.head_parameters()), "lr": config.head_learning_rate}]
        if config.transfer != "frozen":
            scratch = config.transfer == "scratch"
            rate = config.head_learning_rate if scratch else config.backbone_learning_rate
            groups.append({"name": "backbone", "params": list(self.network.backbone.parameters()), "lr": rate})
        for group in groups:
            group["initial_lr"] = group["lr"]
        kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
        return kind(groups, lr=config.head_learning_rate, weight_decay=config.weight_decay)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the rates of this step; before the first one of an epoch also chance and what learns.

        Rates are a function of epoch and batch, not of a scheduler's state. (Lightning leaves out
        `on_train_epoch_start` in the first epoch after some resumes, so it is not used.)
        """
        if batch_idx == 0:
            set_learning(self.network, self.config, self.current_epoch)
            torch.manual_seed(int(np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(1)[0]))
            self._losses.start(self.current_epoch)
        factor = learning_rate_factor(self.config, self.current_epoch + batch_idx / self.config.batches_per_epoch)
        for group in self._optimizer().param_groups:
            group["lr"] = group["initial_lr"] * factor

    def batch_loss(self, batch: Batch) -> Tensor:
        """What is made small: float32, shape ()."""
        committee, own = self.committee, self.config.self_training
        if committee is None or own is None:
            return self._mixture_loss(self(batch.waveform), batch.waveform, batch.targets)
        n = len(batch.waveform) - own.per_batch
        waveform, labels, recordings = batch.waveform[:n], batch.targets[:n], batch.waveform[n:]
        scores = committee.scores(recordings)
        known = torch.ones_like(scores, dtype=torch.bool)
        if own.overlay > 0:
            recordings, scores, known = overlay(recordings, scores, waveform, labels, own.overlay, own.overlay_db)
        logits = self(torch.cat([waveform, recordings]))
        mixtures = self._mixture_loss(logits[:n], waveform, labels)
        of_recordings = F.binary_cross_entropy_with_logits(logits[n:].float()[known], scores[known])
        return (1 - own.weight) * mixtures + own.weight * of_recordings

    def _mixture_loss(self, logits: Tensor, waveform: Tensor, targets: Tensor) -> Tensor:
        teacher, soft = self._others[0], self.config.soft_targets
        scores = teacher.scores(waveform) if teacher is not None else None
        return transfer_loss(logits, targets, scores, soft.weight if soft else 0.0, self.config.label_smoothing)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one batch.

        Raises
        ------
        ModelError
            If it is not a number.
        """
        loss = self.batch_loss(batch)
        self._losses.add(loss, last=batch_idx + 1 == self.config.batches_per_epoch)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the scores of one batch; `take_validation` has the figures."""
        self._validated.append((batch.targets.cpu(), self.score_batch(batch.waveform)))

    def score_batch(self, waveform: Tensor) -> Tensor:
        """Scores of a batch, float32 on the CPU; sigmoids of float32 logits, whatever the precision of the network."""
        return self.network.to_scores(self.network(waveform).float()).cpu()

    def take_validation(self) -> Validation:
        """Targets, scores and figures of the validation that has just run; they are then forgotten."""
        targets = torch.cat([targets for targets, _ in self._validated]).numpy()
        scores = torch.cat([scores for _, scores in self._validated]).numpy()
        self._validated.clear()
        columns = [self.target_labels.index(label) for label in self.network.labels]
        figures = evaluation.evaluate(targets[:, columns], scores, n_bootstrap=0, labels=self.network.labels)
        return Validation(targets[:, columns], scores, figures)

    @property
    def mean_loss(self) -> float:
        """Mean training loss of the epoch so far (on a GPU up to some batches ago); NaN before its first batch."""
        return self._losses.mean

    def learning_rates(self) -> dict[str, float]:
        """Present rate of each group, under `learning_rate/NAME`."""
        return {f"learning_rate/{group['name']}": float(group["lr"]) for group in self._optimizer().param_groups}

    def _optimizer(self) -> Any:
        return cast(Any, self.optimizers(use_pl_optimizer=False))
