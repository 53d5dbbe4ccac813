"""Learning rates as functions of the epoch."""

from __future__ import annotations

import math

from organology.training.config import ScheduleConfig


def learning_rate_factor(config: ScheduleConfig, epoch: float) -> float:
    """Factor of all learning rates at a moment of the training.

    Parameters
    ----------
    config : ScheduleConfig
    epoch : float
        Epochs done, batches as fractions of one.

    Examples
    --------
    >>> [round(learning_rate_factor(ScheduleConfig(), e), 4) for e in (0, 19.9, 20, 40)]
    [1.0, 1.0, 0.3, 0.09]
    """
    if config.schedule == "step":
        factor = config.step_factor ** (int(epoch) // config.step_epochs)
    else:
        falling = max(config.epochs - config.warmup_epochs, 1e-9)
        done = min(max((epoch - config.warmup_epochs) / falling, 0.0), 1.0)
        factor = config.final_factor + (1 - config.final_factor) * (1 + math.cos(math.pi * done)) / 2
    if epoch < config.warmup_epochs:
        factor *= (epoch + 1 / config.batches_per_epoch) / (config.warmup_epochs + 1 / config.batches_per_epoch)
    return factor
