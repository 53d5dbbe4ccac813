"""A network as a Lightning module: what all tasks share of loss, optimizer and validation."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from organology import evaluation
from organology.evaluation import Evaluation
from organology.model.network import InstrumentNet
from organology.training.compute.compiling import CompiledNetwork
from organology.training.compute.loss_meter import LossMeter
from organology.training.config import LoopConfig, ScheduleConfig
from organology.training.data import Batch
from organology.training.lightning import L
from organology.training.parallel.collectives import gathered, mean
from organology.training.schedule import learning_rate_factor

C = TypeVar("C", bound=LoopConfig)
MOMENTUM = 0.9
OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "sgd": (torch.optim.SGD, {"momentum": MOMENTUM, "nesterov": True}),
}
"""Optimizers by their names in recipes, with their settings."""


def make_optimizer(name: str, groups: list[dict[str, Any]], rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """An optimizer of groups of parameters; each group keeps its first rate as `initial_lr`."""
    kind, settings = OPTIMIZERS[name]
    with_rates = [{**group, "initial_lr": group.get("lr", rate)} for group in groups]
    return cast(Any, kind)(with_rates, lr=rate, weight_decay=weight_decay, **settings)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Validation:
    """Targets int8 and scores float32 of the validation items, shape (n, n_labels), and their metrics."""

    targets: NDArray[np.int8]
    scores: NDArray[np.float32]
    metrics: Evaluation


class _Shared:
    """A holder of what belongs to a module but not into its state: no submodule, and not copied with the module."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __deepcopy__(self, memo: Any) -> _Shared:
        return self


class TrainingModule(L.LightningModule, Generic[C]):
    """Learns what `batch_loss` says.

    `items` is what an example is called in logs and provenance.

    Parameters
    ----------
    network : InstrumentNet
    config : LoopConfig
    seed : int
        Of dropout: torch's generator is seeded with it and the epoch's number at the start of every epoch.
    others : object
        Kept as `others`: networks that help to learn, and whose weights belong into no checkpoint of this one.
    """

    items = "mixtures"

    def __init__(self, network: InstrumentNet, config: C, seed: int, others: Any = None) -> None:
        super().__init__()
        self.network, self.config, self.seed = network, config, seed
        self._others = _Shared((others, CompiledNetwork(network) if config.compile else network))
        self._losses = LossMeter()
        self._validated: list[tuple[Tensor, Tensor]] = []

    @property
    def others(self) -> Any:
        """Networks that help to learn."""
        return self._others.value[0]

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: (batch, samples) -> (batch, n_labels)."""
        logits: Tensor = self._others.value[1](waveform)
        return logits

    @abstractmethod
    def batch_loss(self, batch: Batch) -> Tensor:
        """The loss of a batch: float32, shape ()."""

    @abstractmethod
    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer of the first epoch, or of the one that is resumed."""

    def set_learning(self) -> None:
        """Put the network into the mode of the present epoch."""
        self.network.train()

    def rate_factor(self, epoch: float) -> float:
        """Factor of the learning rates at a moment of the training, in epochs."""
        return learning_rate_factor(self.config, epoch) if isinstance(self.config, ScheduleConfig) else 1.0

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the rates of this step; before the first one of an epoch also chance and what learns.

        Rates are a function of epoch and batch, not of a scheduler's state. (Lightning leaves out
        `on_train_epoch_start` in the first epoch after some resumes, so it is not used.)
        """
        if batch_idx == 0:
            self.set_learning()
            torch.manual_seed(int(np.random.SeedSequence([self.seed, self.current_epoch]).generate_state(1)[0]))
            self._losses.start(self.current_epoch)
        factor = self.rate_factor(self.current_epoch + batch_idx / self.config.batches_per_epoch)
        for group in self._optimizer().param_groups:
            group["lr"] = group["initial_lr"] * factor

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
        """Keep the scores of one batch; `take_validation` has the metrics."""
        self._validated.append((batch.targets.cpu(), self.score_batch(batch.waveform)))

    def score_batch(self, waveform: Tensor) -> Tensor:
        """Scores of a batch, float32 on the CPU; sigmoids of float32 logits, whatever the precision of the network."""
        return self.network.to_scores(self.network(waveform).float()).cpu()

    def take_validation(self) -> Validation:
        """Targets, scores and metrics of the validation that has just run; they are then forgotten."""
        targets, scores = self.take_scores()
        metrics = evaluation.evaluate(targets, scores, n_bootstrap=0, labels=self.network.label_set)
        return Validation(targets, scores, metrics)

    def take_scores(self) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Targets and scores of the validation that has just run, of all processes."""
        own = tuple(torch.cat([batch[i] for batch in self._validated]).numpy() for i in (0, 1))
        self._validated.clear()
        shares = gathered(own)
        targets, scores = (
            np.empty((sum(len(share[i]) for share in shares), own[i].shape[1]), own[i].dtype) for i in (0, 1)
        )
        for number, share in enumerate(shares):
            targets[number :: len(shares)], scores[number :: len(shares)] = share
        return targets, scores

    @property
    def mean_loss(self) -> float:
        """Mean training loss of the epoch so far (on a GPU up to some batches ago); NaN before its first batch."""
        return self._losses.mean

    def take_mean_loss(self) -> float:
        """The mean training loss of the epoch over all processes."""
        return float(mean(torch.tensor(self.mean_loss, dtype=torch.float64, device=self.device)))

    def learning_rates(self) -> dict[str, float]:
        """Present rate of each group, under `learning_rate/NAME`."""
        return {f"learning_rate/{group['name']}": float(group["lr"]) for group in self._optimizer().param_groups}

    def _optimizer(self) -> Any:
        return cast(Any, self.optimizers(use_pl_optimizer=False))
