"""The training loop, for every task: from a recipe to a run folder."""

from __future__ import annotations

import logging
import time
import warnings
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch
from rich.console import Console
from torch.utils.data import DataLoader

from organology.errors import ConfigError, OrganologyError
from organology.labels import LabelSet
from organology.model.registry import load_target
from organology.model_metadata import ModelMetadata
from organology.training.callbacks.averaging import AveragedWeights
from organology.training.callbacks.checkpoint import BestCheckpoint
from organology.training.callbacks.progress import ProgressBar
from organology.training.data import loader_by_epoch, one_line
from organology.training.distillation.recipe import DistillationRecipe
from organology.training.lightning import DDPStrategy, L, TensorBoardLogger
from organology.training.module import TrainingModule
from organology.training.parallel.layers import WholeBatchLayers
from organology.training.parallel.place import Place, end_with_parent
from organology.training.recipes import AnyRecipe
from organology.training.run_folder import RunFolder
from organology.training.tag_pretraining.recipe import PretrainingRecipe
from organology.training.transfer.recipe import Recipe

R = TypeVar("R", bound=AnyRecipe)

TASKS: dict[type[Any], str] = {
    Recipe: "organology.training.transfer.task:TransferTask",
    PretrainingRecipe: "organology.training.tag_pretraining.task:TagTask",
    DistillationRecipe: "organology.training.distillation.task:DistillationTask",
}
"""For each kind of recipe the task that follows it, as `module:Class`."""


class Task(ABC, Generic[R]):
    """What one kind of training gives to the loop: data, module, test.

    A task opens all that the recipe names when it is made, so that faults come before the run folder.

    Parameters
    ----------
    recipe : AnyRecipe

    Attributes
    ----------
    label_set : LabelSet
        The outputs of the network.
    corpora : list of dict
        What the data are, for the provenance.
    window_seconds : float
        Length of the audio of an item.
    audio : Dataset
        Of the training, with an item for any number.
    place : Place
        Which of the training's processes this one is.
    start : ModelMetadata or None
        Of the model that the training goes on with, head and all.
    """

    items: ClassVar[str] = "mixtures"
    recipe: R
    label_set: LabelSet
    corpora: list[dict[str, Any]]
    window_seconds: float
    audio: Any
    start: ModelMetadata | None = None

    def __init__(self, recipe: R) -> None:
        self.recipe, self.place = recipe, Place.of(recipe.training)

    @property
    def items_per_batch(self) -> int:
        """Items of a batch, recordings beside mixtures included."""
        return self.recipe.training.batch_size

    @abstractmethod
    def describe(self, command: str) -> dict[str, Any]:
        """Provenance of the checkpoints."""

    @abstractmethod
    def module(self, epochs_done: int) -> TrainingModule[Any]:
        """The network with its first weights; the same ones whenever it is called."""

    @abstractmethod
    def held_out(self) -> DataLoader[Any]:
        """Batches that are scored after each epoch."""

    def callbacks(self, folder: RunFolder) -> list[L.Callback]:
        """Called before those of the loop."""
        return []

    def test(self, folder: RunFolder, best: dict[str, Any], console: Console | None) -> dict[str, Any]:
        """What the summary tells of the best checkpoint; `best` is its epoch and its validation metrics."""
        return {}


def train(
    recipe: AnyRecipe, folder: Path, resume: bool = False, command: str = "", console: Console | None = None
) -> dict[str, Any]:
    """Follow a recipe of any task.

    Parameters
    ----------
    recipe : Recipe, PretrainingRecipe or DistillationRecipe
        Of `load_recipe` or `load_pretraining_recipe`, with paths that can be opened.
    folder : path
        The run folder; see `run_folder`. Where a task has a test, `test/` in it holds the metrics and the scores.
    resume : bool
        Go on after the last finished epoch of the run in the folder. The weights at the end are those of a run that
        was not disturbed (same machine, same versions, same number of threads).
    command : str
        What the user typed, for the provenance.
    console : rich.console.Console, optional

    Returns
    -------
    dict
        What `summary.json` holds; empty in all but the first of several processes, which alone writes.

    Raises
    ------
    OrganologyError
        If the recipe, a corpus, audio, weights or the folder cannot be used.
    """
    set_threads(recipe)
    task = make_task(recipe)
    run = RunFolder(folder)
    if task.place.is_first:
        run.begin(recipe, resume)
    else:
        end_with_parent()
    kept = BestCheckpoint(run, recipe.name, task.describe(command), task.window_seconds, task.label_set, task.start)
    started = time.perf_counter()
    try:
        _fit(task, run, kept, console)
        if not task.place.is_first:
            return {}
        tested = task.test(run, kept.best, console)
    except OrganologyError as error:
        raise one_line(error) from None
    summary = {
        "name": recipe.name,
        "seed": recipe.seed,
        "epochs": len(kept.history),
        task.items: len(kept.history) * recipe.training.items_per_epoch,
        "best": kept.best,
        **tested,
        "seconds_since_start_or_resume": round(time.perf_counter() - started, 1),
        "corpora": task.corpora,
    }
    run.write_summary(summary)
    return summary


def make_task(recipe: AnyRecipe) -> Task[Any]:
    """The task that follows a recipe.

    Raises
    ------
    OrganologyError
        If something that the recipe names cannot be used.
    """
    task: Task[Any] = load_target(TASKS[type(recipe)])(recipe)
    return task


def _fit(task: Task[Any], run: RunFolder, kept: BestCheckpoint, console: Console | None) -> None:
    recipe = task.recipe
    config = recipe.training
    done = run.epochs_done(config.epochs)
    callbacks = [*task.callbacks(run), kept]
    if task.place.is_first:
        callbacks.append(ProgressBar(kept, console))
    decay = getattr(config, "weight_average", None)
    if decay is not None:
        callbacks.append(AveragedWeights(decay))  # after `kept`, which finds the average in place
    module = task.module(done)
    if config.precision == "64-true":
        module.double()  # Lightning would do so after it has read the state to resume from
    batches = config.batches_per_epoch
    loader = loader_by_epoch(task.audio, task.items_per_batch, batches, config.workers, done, task.place)
    held_out = task.held_out()
    trainer = _trainer(recipe, run, callbacks, done)
    try:
        with torch.random.fork_rng():
            trainer.fit(module, loader, held_out, ckpt_path=run.last if done else None, weights_only=True)
    except SystemExit:
        # Lightning's answer to an interrupt, after its clean-up.
        raise KeyboardInterrupt from None
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # the test is the first one's alone


def _trainer(recipe: AnyRecipe, run: RunFolder, callbacks: list[L.Callback], epochs_done: int) -> L.Trainer:
    config = recipe.training
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    # Steps after the last finished epoch were logged before the kill and are logged again.
    purge = epochs_done * config.batches_per_epoch + 1 if epochs_done else None
    device = device_of(recipe)
    return L.Trainer(
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=config.devices,
        num_nodes=config.num_nodes,
        strategy=_strategy(recipe),
        plugins=[WholeBatchLayers(device)] if config.processes > 1 else None,
        precision=config.precision,
        max_epochs=config.epochs,
        callbacks=callbacks,
        logger=_Events(run.path, name="", version="logs", purge_step=purge),
        default_root_dir=run.path,
        gradient_clip_val=config.gradient_clip,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _strategy(recipe: AnyRecipe) -> DDPStrategy | str:
    """How processes work together. Statistics of batch norms are the same in all, so none are sent around."""
    config = recipe.training
    if config.processes == 1 and config.strategy == "auto":
        return "auto"
    # Which weights learn may change from epoch to epoch; torch says once where all do.
    warnings.filterwarnings("ignore", message="find_unused_parameters=True")
    return DDPStrategy(find_unused_parameters=True, broadcast_buffers=False)


def set_threads(recipe: AnyRecipe) -> None:
    """Give torch as many threads as a recipe asks for, if it does."""
    if recipe.training.threads is not None:
        torch.set_num_threads(recipe.training.threads)


def device_of(recipe: AnyRecipe) -> str:
    """Device of a recipe, "cpu" or "cuda".

    Raises
    ------
    ConfigError
        If it asks for one that is not there.
    """
    wanted, there = recipe.training.device, torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ConfigError(f"{recipe.name}: training.device is cuda, and there is none")
    return "cuda" if there and wanted != "cpu" else "cpu"


class _Events(TensorBoardLogger):
    """TensorBoard events without an empty `hparams.yaml` beside them; `recipe.yaml` holds all settings."""

    def save(self) -> None:
        self.experiment.flush()
