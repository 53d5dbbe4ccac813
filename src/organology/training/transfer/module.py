"""Learning the labels of mixtures, as a Lightning module."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from organology.model.network import InstrumentNet
from organology.training.data import Batch
from organology.training.module import TrainingModule, make_optimizer
from organology.training.teachers.audioset import LabelTeacher
from organology.training.teachers.pseudo_labels import PseudoLabeler
from organology.training.transfer.losses import transfer_loss
from organology.training.transfer.recipe import TrainingConfig
from organology.training.transfer.schedule import set_learning


class TransferModule(TrainingModule[TrainingConfig]):
    """Learns the labels of mixtures.

    Parameters
    ----------
    network : InstrumentNet
        Its labels are the columns of the targets.
    config : TrainingConfig
    seed : int
        Of dropout.
    teacher : LabelTeacher, optional
        For `config.soft_targets`.
    labeler : PseudoLabeler, optional
        For `config.self_training`: the last `per_batch` items of a batch are then recordings (with several
        processes: a share of them).
    unheard : bool tensor, shape (n_labels,), optional
        Labels whose targets count for nothing.
    """

    def __init__(
        self,
        network: InstrumentNet,
        config: TrainingConfig,
        seed: int,
        teacher: LabelTeacher | None = None,
        labeler: PseudoLabeler | None = None,
        unheard: Tensor | None = None,
    ) -> None:
        super().__init__(network, config, seed, (teacher, labeler))
        self._unheard = unheard

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: (batch, samples), or embeddings (batch, size) where they are cached -> (batch, n_labels)."""
        if self.config.embedding_cache is None:
            return super().forward(waveform)
        logits: Tensor = self.network.head(waveform)
        return logits

    def score_batch(self, waveform: Tensor) -> Tensor:
        """Scores of a batch, float32 on the CPU."""
        if self.config.embedding_cache is None:
            return super().score_batch(waveform)
        return self.network.to_scores(self(waveform).float()).cpu()

    @property
    def labeler(self) -> PseudoLabeler | None:
        """Gives recordings their pseudo-labels."""
        labeler: PseudoLabeler | None = self.others[1]
        return labeler

    def set_learning(self) -> None:
        """Freeze what does not learn in the present epoch."""
        set_learning(self.network, self.config, self.current_epoch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Two groups, head and backbone."""
        config = self.config
        groups = [{"name": "head", "params": list(self.network.head_parameters()), "lr": config.head_learning_rate}]
        if config.transfer != "frozen":
            scratch = config.transfer == "scratch"
            rate = config.head_learning_rate if scratch else config.backbone_learning_rate
            groups.append({"name": "backbone", "params": list(self.network.backbone.parameters()), "lr": rate})
        return make_optimizer(config.optimizer, groups, config.head_learning_rate, config.weight_decay)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the scores of one batch."""
        super().validation_step(self._heard(batch), batch_idx)

    def _heard(self, batch: Batch) -> Batch:
        if self._unheard is None:
            return batch
        return batch._replace(targets=batch.targets.masked_fill(self._unheard.to(batch.targets.device), -1))

    def batch_loss(self, batch: Batch) -> Tensor:
        """The loss of mixtures, mixed with that of recordings where there are some."""
        batch = self._heard(batch)
        labeler, own = self.labeler, self.config.self_training
        if labeler is None or own is None:
            return self._mixture_loss(self(batch.waveform), batch.waveform, batch.targets)
        n = len(batch.waveform) - own.per_batch // self.config.processes
        waveform, recordings = batch.waveform[:n], batch.waveform[n:]
        scores = labeler.scores(recordings)
        logits = self(torch.cat([waveform, recordings]))
        mixtures = self._mixture_loss(logits[:n], waveform, batch.targets[:n])
        of_recordings = F.binary_cross_entropy_with_logits(logits[n:].float(), scores)
        return (1 - own.weight) * mixtures + own.weight * of_recordings

    def _mixture_loss(self, logits: Tensor, waveform: Tensor, targets: Tensor) -> Tensor:
        teacher: LabelTeacher | None = self.others[0]
        soft = self.config.soft_targets
        if teacher is None or soft is None:
            return transfer_loss(logits, targets)
        return transfer_loss(logits, targets, teacher.scores(waveform), soft.weight, teacher.knows.to(logits.device))
