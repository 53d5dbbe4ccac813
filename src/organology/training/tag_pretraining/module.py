"""Learning tags, as a Lightning module, and the change from phase to phase."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from organology.model.checkpoint_files import WEIGHTS, read_checkpoint
from organology.model.network import InstrumentNet
from organology.model.weights import load_state
from organology.training.data import Batch
from organology.training.lightning import L
from organology.training.module import TrainingModule, make_optimizer
from organology.training.run_folder import RunFolder
from organology.training.tag_pretraining.recipe import Phase, PretrainingConfig
from organology.training.transfer.losses import masked_bce


class PretrainingModule(TrainingModule[PretrainingConfig]):
    """Learns the tags of chunks.

    Parameters
    ----------
    network : InstrumentNet
        Its labels are the tags, in the order of the targets.
    config : PretrainingConfig
    seed : int
        Of dropout.
    epochs_done : int
        Epochs of a run that is resumed: they decide which optimizer takes up its state.
    """

    items = "chunks"

    def __init__(self, network: InstrumentNet, config: PretrainingConfig, seed: int, epochs_done: int = 0) -> None:
        super().__init__(network, config, seed)
        self._epochs_done = epochs_done

    def batch_loss(self, batch: Batch) -> Tensor:
        """Binary cross-entropy over the tags."""
        return masked_bce(self(batch.waveform), batch.targets)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer of the phase that the training starts or resumes in."""
        return self.optimizer(self.config.phase(self._epochs_done))

    def optimizer(self, phase: Phase) -> torch.optim.Optimizer:
        """A new optimizer of all weights."""
        groups = [{"name": "all", "params": list(self.network.parameters()), "lr": phase.learning_rate}]
        return make_optimizer(phase.optimizer, groups, phase.learning_rate, self.config.weight_decay)

    def learning_rates(self) -> dict[str, float]:
        """Rate of the present epoch, under `learning_rate`."""
        return {"learning_rate": self.config.phase(self.current_epoch).learning_rate}


class PhaseChange(L.Callback):
    """At the end of a phase's last epoch: back to the best weights so far, with the next phase's optimizer.

    It comes before `BestCheckpoint` in the list of callbacks: the state to resume from is that after the change.

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
        phase = module.config.phase(trainer.current_epoch + 1)
        if phase.after_epochs != trainer.current_epoch + 1:
            return
        trainer.strategy.barrier()  # the first process has written it
        _, _, state = read_checkpoint(self._folder.best)
        load_state(module.network, state, self._folder.best / WEIGHTS)
        trainer.optimizers = [module.optimizer(phase)]
