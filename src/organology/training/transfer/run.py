"""A run from recipe to checkpoint."""

from __future__ import annotations

import dataclasses
import logging
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console
from torch import Tensor
from torch.utils.data import DataLoader

from organology.corpora.table import read_table
from organology.corpora.tagging import ChunkConfig, TaggedChunks, TaggingPool
from organology.errors import ConfigError, ModelError, OrganologyError
from organology.mixing import Mixer, StemPool
from organology.model import InstrumentNet, has_folded_norms
from organology.model.checkpoint import read_checkpoint
from organology.model.pretrained import load_state
from organology.training.callbacks.averaging import WeightAverage
from organology.training.callbacks.checkpoint import Keeper
from organology.training.callbacks.progress import ProgressBar
from organology.training.distillation.pseudo_labels import RECORDING_FLOOR_DB, Committee
from organology.training.distillation.teacher import Teacher
from organology.training.l2_sp import StartDecay
from organology.training.memory_format import channels_last
from organology.training.provenance import describe, describe_corpora
from organology.training.recipe_files import AnyRecipe, require_files
from organology.training.run_folder import RunFolder
from organology.training.transfer.data import (
    MixtureDataset,
    WithRecordings,
    evaluation_mixer,
    fixed_loader,
    loader_by_epoch,
    one_line,
)
from organology.training.transfer.module import TransferModule
from organology.training.transfer.recipe import Recipe

COMPARED_RECORDINGS = 960
"""Chunks of recordings by which a music tagger is brought to the spread of a model's logits."""


def train(
    recipe: Recipe, folder: Path, resume: bool = False, command: str = "", console: Console | None = None
) -> dict[str, Any]:
    """Follow a recipe.

    Parameters
    ----------
    recipe : Recipe
        Of `load_recipe`, with paths that can be opened.
    folder : path
        The run folder; see `run_folder`.
    resume : bool
        Go on after the last finished epoch of the run in the folder. The weights at the end are those of a run that
        was not disturbed (same machine, same versions, same number of threads).
    command : str
        What the user typed, for the provenance.
    console : rich.console.Console, optional

    Returns
    -------
    dict
        What `summary.json` holds.

    Raises
    ------
    OrganologyError
        If the recipe, a corpus, a stem, pre-trained weights or the folder cannot be used.
    """
    require_files(recipe)
    set_threads(recipe)
    run = RunFolder(folder)
    corpora = describe_corpora(recipe.corpora, recipe.mixing.split)
    mixer = Mixer(StemPool.load(recipe.corpora, "train", recipe.mixing), recipe.mixing, recipe.seed)
    validation = evaluation_mixer(recipe.corpora, "validation", recipe.mixing, recipe.training.validation_p_musical)
    audio = training_audio(recipe, mixer)
    module = build(recipe)
    run.begin(recipe, resume)
    keeper = Keeper(run, recipe.name, describe(recipe, corpora, command), recipe.mixing.chunk_seconds)
    started = time.perf_counter()
    try:
        _fit(recipe, run, module, audio, validation, keeper, console)
    except OrganologyError as error:
        raise one_line(error) from None
    summary = {
        "name": recipe.name,
        "transfer": recipe.training.transfer,
        "seed": recipe.seed,
        "epochs": len(keeper.history),
        "mixtures": len(keeper.history) * recipe.training.mixtures_per_epoch,
        "best": keeper.best,
        "seconds_since_start_or_resume": round(time.perf_counter() - started, 1),
        "parameters": {
            "head": sum(p.numel() for p in module.network.head.parameters()),
            "backbone": sum(p.numel() for p in module.network.backbone.parameters()),
        },
        "corpora": corpora,
    }
    run.write_summary(summary)
    return summary


def training_audio(recipe: Recipe, mixer: Mixer) -> MixtureDataset | WithRecordings:
    """What a training hears: mixtures, and recordings among them if the recipe says so.

    Raises
    ------
    CorpusError
        If a folder of recordings is no prepared tagging corpus, or has none in its training split.
    """
    mixtures, own = MixtureDataset(mixer), recipe.training.self_training
    if own is None:
        return mixtures
    config = ChunkConfig(chunk_seconds=recipe.mixing.chunk_seconds, floor_db=RECORDING_FLOOR_DB)
    chunks = TaggedChunks(TaggingPool.load(own.recordings, "train"), config, recipe.seed)
    return WithRecordings(mixtures, chunks, recipe.training.batch_size, own.per_batch, own.gain_db)


def _recordings(audio: WithRecordings, batch_size: int) -> Iterator[Tensor]:
    """Recordings to compare teachers on: the first ones of the training."""
    for first in range(0, COMPARED_RECORDINGS, batch_size):
        yield torch.stack([audio.recording(first + i).waveform for i in range(batch_size)])


def build(recipe: Recipe) -> TransferModule:
    """The network of a recipe with its first weights: new ones from the seed, the backbone from pre-training.

    With self-training or `goes_on_with`, all of them are those of the model that it goes on with.

    Raises
    ------
    ModelError
        If pre-trained weights, a teacher or that model cannot be used.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = InstrumentNet(recipe.model)
    if recipe.training.transfer != "scratch" and recipe.pretrained is not None:
        network.load_pretrained(recipe.pretrained)
    soft = recipe.training.soft_targets
    teacher = Teacher(soft.teacher, network.labels) if soft is not None else None
    own = recipe.training.self_training
    committee = Committee(own, network.labels) if own is not None else None
    if recipe.first_network is not None:
        _begin_as(network, recipe.first_network)
    if recipe.training.transfer == "finetuned" and not recipe.training.freeze_batch_norm and has_folded_norms(network):
        raise ModelError(
            f"{recipe.name}: it goes on with an imported network, whose batch norms must keep their statistics: "
            "set training.freeze_batch_norm to true"
        )
    channels_last(network.backbone)
    return TransferModule(network, recipe.training, recipe.seed, teacher, committee)


def _begin_as(network: InstrumentNet, path: Path) -> None:
    config, _, state = read_checkpoint(path)
    if not config.differs_by_level_only(network.config):
        raise ModelError(f"{path}: its network is not the recipe's `model`")
    load_state(network, state, path)


def _fit(
    recipe: Recipe,
    run: RunFolder,
    module: TransferModule,
    audio: MixtureDataset | WithRecordings,
    validation: Mixer,
    keeper: Keeper,
    console: Console | None,
) -> None:
    config = recipe.training
    done = run.epochs_done(config.epochs)
    callbacks: list[L.Callback] = [keeper, ProgressBar(keeper, console)]
    if config.weight_average is not None:
        callbacks.insert(0, WeightAverage(config.weight_average))
    if config.start_decay > 0:
        callbacks.insert(0, StartDecay(config.start_decay))  # before the average, which takes the result in
    own = config.self_training
    n_items = config.batch_size + (own.per_batch if own else 0)
    loader = loader_by_epoch(audio, n_items, config.batches_per_epoch, config.workers, done)
    if isinstance(audio, WithRecordings) and module.committee is not None:
        module.committee.compare(_recordings(audio, n_items))
    held_out = fixed_loader(validation, config.validation_mixtures, config.batch_size, config.workers)
    fit(recipe, run, module, callbacks, loader, held_out, done)


def fit(
    recipe: AnyRecipe,
    run: RunFolder,
    module: L.LightningModule,
    callbacks: list[L.Callback],
    loader: DataLoader[Any],
    held_out: DataLoader[Any],
    epochs_done: int,
) -> None:
    """Train a module, from `last.ckpt` if some epochs are done.

    Raises
    ------
    OrganologyError
        If data cannot be read or the device is not there.
    KeyboardInterrupt
    """
    trainer = _trainer(recipe, run, callbacks, epochs_done)
    try:
        with torch.random.fork_rng():
            trainer.fit(module, loader, held_out, ckpt_path=run.last if epochs_done else None, weights_only=True)
    except SystemExit:
        # Lightning's answer to an interrupt, after its clean-up.
        raise KeyboardInterrupt from None


def _trainer(recipe: AnyRecipe, run: RunFolder, callbacks: list[L.Callback], epochs_done: int) -> L.Trainer:
    config = recipe.training
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    # Steps after the last finished epoch were logged before the kill and are logged again.
    purge = epochs_done * config.batches_per_epoch + 1 if epochs_done else None
    return L.Trainer(
        accelerator="gpu" if device_of(recipe) == "cuda" else "cpu",
        devices=1,
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


def set_threads(recipe: AnyRecipe) -> None:
    """Give torch the threads that a recipe says, if it says a number."""
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
    """TensorBoard events without an empty `hparams.yaml` beside them; `recipe.yaml` says it all."""

    def save(self) -> None:
        self.experiment.flush()


def override(
    recipe: Recipe,
    *,
    corpora: list[Path] | None = None,
    pretrained: Path | None = None,
    seed: int | None = None,
    **training: Any,
) -> Recipe:
    """The recipe with settings of the command line in place of its own; None leaves a setting as it is.

    Of `mixing.corpus_weights` those are kept whose corpus is among `corpora`.

    Raises
    ------
    ConfigError
        If a value is not valid.
    CorpusError
        If one of `corpora` is no prepared corpus, and the recipe weighs corpora.
    """
    changes = {name: value for name, value in training.items() if value is not None}
    mixing = recipe.mixing
    if corpora and mixing.corpus_weights:
        there = {name for folder in corpora for name in read_table(folder)["corpus"]}
        kept = {name: weight for name, weight in mixing.corpus_weights.items() if name in there}
        mixing = dataclasses.replace(mixing, corpus_weights=kept)
    try:
        return dataclasses.replace(
            recipe,
            corpora=tuple(corpora) if corpora else recipe.corpora,
            mixing=mixing,
            pretrained=pretrained or recipe.pretrained,
            seed=recipe.seed if seed is None else seed,
            training=dataclasses.replace(recipe.training, **changes),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
