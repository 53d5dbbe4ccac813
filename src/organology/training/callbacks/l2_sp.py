"""L2-SP: weight decay toward the starting point of the training, not toward zero."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from organology.training.lightning import L
from organology.training.module import TrainingModule


class L2SP(L.Callback):
    """Pulls every learning weight back to its first value, once a step.

    After each step a weight moves by `rate * decay * (first - weight)`, with the learning rate of its group: the
    L2-SP penalty of Li, Grandvalet and Davoine (2018), decoupled from the gradient as in AdamW.

    Parameters
    ----------
    decay : float
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._first: dict[str, Tensor] = {}

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Remember the weights, unless a checkpoint brought them."""
        module: TrainingModule[Any] = pl_module
        first = self._first or {name: p.detach().clone() for name, p in module.network.named_parameters()}
        self._first = {name: value.to(module.device) for name, value in first.items()}

    @torch.no_grad()
    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Pull back what this step has moved."""
        module: TrainingModule[Any] = pl_module
        rates = {id(p): group["lr"] for group in trainer.optimizers[0].param_groups for p in group["params"]}
        for name, parameter in module.network.named_parameters():
            if parameter.requires_grad and id(parameter) in rates:
                parameter.lerp_(self._first[name], min(rates[id(parameter)] * self.decay, 1.0))

    @property
    def state_key(self) -> str:
        """Name in the state to resume from; that of earlier versions."""
        return "StartDecay"

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint to resume from."""
        return {"first": dict(self._first)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint to resume from."""
        self._first = dict(state_dict["first"])
