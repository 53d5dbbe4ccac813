"""What learns in an epoch."""

from __future__ import annotations

from torch import nn

from organology.model.network import InstrumentNet
from organology.training.transfer.recipe import TrainingConfig


def backbone_learns(config: TrainingConfig, epoch: int) -> bool:
    """Whether the backbone learns in an epoch.

    Examples
    --------
    >>> [backbone_learns(TrainingConfig(unfreeze_after_epochs=2), epoch) for epoch in (0, 1, 2)]
    [False, False, True]
    """
    if config.transfer == "frozen":
        return False
    return config.transfer == "scratch" or epoch >= config.unfreeze_after_epochs


def set_learning(network: InstrumentNet, config: TrainingConfig, epoch: int) -> None:
    """Put a network into training mode for an epoch; a frozen backbone keeps weights and batch-norm statistics."""
    network.train()
    network.freeze_backbone(len(network.backbone.stages()) if backbone_learns(config, epoch) else 0)
    if config.transfer == "finetuned" and config.freeze_batch_norm:
        for module in network.backbone.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
