"""An exponential moving average of the weights, by Lightning's own callback."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from organology.training.lightning import L, WeightAveraging

_EARLIER = "WeightAverage"
"""Name of the callback in the states of runs before Lightning's was used."""


class AveragedWeights(WeightAveraging):
    """Averages weights and buffers once a step, and puts the average in place for validation.

    The decay begins low, `(1 + step) / (10 + step)`, so that the first random weights are soon forgotten (as in
    TensorFlow's ExponentialMovingAverage). Counters (integers) are taken over as they are.

    It comes after the callback that keeps the best epoch, which has to find the average in place.

    Parameters
    ----------
    decay : float
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        super().__init__(avg_fn=self._mix)

    def _mix(self, average: Tensor, value: Tensor, n_averaged: Tensor | int) -> Tensor:
        if not average.is_floating_point():
            return value
        n = int(n_averaged)
        return torch.lerp(average, value, 1 - min(self.decay, (1 + n) / (10 + n)))

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Take up the average, that of a run of an earlier version too."""
        earlier = checkpoint.get("callbacks", {}).get(_EARLIER)
        if earlier is not None:
            learned = checkpoint["state_dict"]
            average = {f"network.{name}": value for name, value in earlier["average"].items()}
            checkpoint["current_model_state"] = learned
            checkpoint["state_dict"] = {**learned, **average}
            checkpoint["averaging_state"] = {"n_averaged": torch.tensor(earlier["steps"])}
        super().on_load_checkpoint(trainer, pl_module, checkpoint)
