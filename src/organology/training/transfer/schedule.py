"""Learning rates and frozen stages as functions of the epoch."""

from __future__ import annotations

import math

from torch import nn

from organology.model import InstrumentNet
from organology.training.transfer.recipe import TrainingConfig


def learning_rate_factor(config: TrainingConfig, epoch: float) -> float:
    """Factor of all learning rates at a moment of the training.

    Parameters
    ----------
    config : TrainingConfig
    epoch : float
        Epochs done, batches as fractions of one.

    Examples
    --------
    >>> [round(learning_rate_factor(TrainingConfig(), e), 4) for e in (0, 19.9, 20, 40)]
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


def learning_stages(config: TrainingConfig, epoch: int, n_stages: int) -> int:
    """How many of the backbone's last stages learn in an epoch.

    Examples
    --------
    >>> gradual = TrainingConfig(unfreeze_after_epochs=2, unfreeze_every_epochs=3)
    >>> [learning_stages(gradual, e, 17) for e in (0, 1, 2, 4, 5, 100)]
    [0, 0, 1, 1, 2, 17]
    """
    if config.transfer == "frozen":
        return 0
    if config.transfer == "scratch":
        return n_stages
    most = min(n_stages, config.trainable_stages or n_stages)
    if epoch < config.unfreeze_after_epochs:
        return 0
    if config.unfreeze_every_epochs == 0:
        return most
    return min(most, 1 + (epoch - config.unfreeze_after_epochs) // config.unfreeze_every_epochs)


def set_learning(network: InstrumentNet, config: TrainingConfig, epoch: int) -> None:
    """Put a network into training mode for an epoch; frozen stages keep weights and batch-norm statistics."""
    network.train()
    network.freeze_backbone(learning_stages(config, epoch, len(network.backbone.stages())))
    if config.transfer == "finetuned" and config.freeze_batch_norm:
        for module in network.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
