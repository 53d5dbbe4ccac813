"""Learning tags, as a Lightning module, and the change from phase to phase."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch

from organology.model import InstrumentNet
from organology.model.checkpoint import WEIGHTS, read_checkpoint
from organology.model.pretrained import load_state
from organology.training.run_folder import RunFolder
from organology.training.tag_pretraining.recipe import Phase, PretrainingConfig
from organology.training.transfer.module import TransferModule

MOMENTUM = 0.9


class PretrainingModule(TransferModule):
    """Learns the tags of chunks.

    Parameters
    ----------
    network : InstrumentNet
        Its labels are the tags, in the order of the targets.
    config : PretrainingConfig
    seed : int
        Of dropout.
    epochs_done : int
        Epochs of a run that is resumed; says which optimizer is to take up its state.
    """

    items = "chunks"

    def __init__(self, network: InstrumentNet, config: PretrainingConfig, seed: int, epochs_done: int = 0) -> None:
        super().__init__(network, config.as_training(), seed)
        self.target_labels = network.labels
        self.pretraining, self._epochs_done = config, epochs_done

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer of the phase that the training begins or goes on in."""
        return self.optimizer(self.pretraining.phase(self._epochs_done))

    def optimizer(self, phase: Phase) -> torch.optim.Optimizer:
        """A new optimizer of all weights."""
        rate, decay = phase.learning_rate, self.pretraining.weight_decay
        groups = [{"name": "all", "params": list(self.network.parameters()), "lr": rate, "initial_lr": rate}]
        if phase.optimizer == "sgd":
            return torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM, weight_decay=decay, nesterov=True)
        kind = torch.optim.AdamW if phase.optimizer == "adamw" else torch.optim.Adam
        return kind(groups, lr=rate, weight_decay=decay)

    def learning_rates(self) -> dict[str, float]:
        """Rate of the present epoch, under `learning_rate`."""
        return {"learning_rate": self.pretraining.phase(self.current_epoch).learning_rate}


class PhaseChange(L.Callback):
    """At the end of a phase's last epoch: back to the best weights so far, with the next phase's optimizer.

    It comes before the `Keeper` in the list of callbacks, so that the state to resume from is the one after the change.

    Parameters
    ----------
    folder : RunFolder
        Its `best` is where the weights come from.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Change the phase if another one begins after this epoch."""
        module: PretrainingModule = pl_module
        phase = module.pretraining.phase(trainer.current_epoch + 1)
        if phase.after_epochs != trainer.current_epoch + 1:
            return
        _, _, state = read_checkpoint(self._folder.best)
        load_state(module.network, state, self._folder.best / WEIGHTS)
        trainer.optimizers = [module.optimizer(phase)]
