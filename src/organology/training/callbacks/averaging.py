"""An exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from torch import Tensor

from organology.training.transfer.module import TransferModule


class WeightAverage(L.Callback):
    """Averages the network's weights and buffers once a step, and puts the average in place for validation.

    The decay begins low, `(1 + step) / (10 + step)`, so that the first random weights are soon forgotten (as in
    TensorFlow's ExponentialMovingAverage). Counters (integers) are taken over as they are.

    Parameters
    ----------
    decay : float
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._steps = 0
        self._average: dict[str, Tensor] = {}
        self._learned: dict[str, Tensor] = {}

    @torch.no_grad()
    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Take the weights of this step in."""
        module: TransferModule = pl_module
        decay = min(self.decay, (1 + self._steps) / (10 + self._steps))
        for name, value in module.network.state_dict().items():
            average = self._average.get(name)
            if average is None or not value.is_floating_point():
                self._average[name] = value.detach().clone()
            else:
                average.lerp_(value, 1 - decay)
        self._steps += 1

    def on_validation_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Put the average in place."""
        if self._average:
            self._learned = {name: value.clone() for name, value in pl_module.network.state_dict().items()}
            pl_module.network.load_state_dict(self._average)

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Put the learned weights back."""
        if self._learned:
            pl_module.network.load_state_dict(self._learned)
            self._learned = {}

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Bring an average from a checkpoint to the network's device."""
        self._average = {name: value.to(pl_module.device) for name, value in self._average.items()}

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint to resume from."""
        return {"steps": self._steps, "average": dict(self._average)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint to resume from."""
        self._steps, self._average = state_dict["steps"], dict(state_dict["average"])
