"""A pre-training by a teacher, from recipe to checkpoint, with its figures on the test split."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from organology.errors import ConfigError, OrganologyError
from organology.model import InstrumentNet, load_checkpoint
from organology.training.callbacks.averaging import WeightAverage
from organology.training.callbacks.checkpoint import Keeper, rounded
from organology.training.callbacks.progress import ProgressBar
from organology.training.distillation.data import (
    AudioDataset,
    audio_loader,
    fixed_audio_loader,
    held_out_audio,
    training_audio,
)
from organology.training.distillation.module import TeachingModule, binarized, scored_columns, soft_loss, taught_figures
from organology.training.distillation.recipe import TeachingRecipe
from organology.training.distillation.teacher import AudioSetTeacher, audioset_labels
from organology.training.memory_format import channels_last
from organology.training.precision import autocast
from organology.training.provenance import describe_corpora, describe_tagging, versions
from organology.training.run_folder import RunFolder
from organology.training.scoring import Scored, write_results
from organology.training.transfer.data import EVALUATION_SEED, Batch, one_line
from organology.training.transfer.run import device_of, fit, set_threads

PRIOR_ITEMS = 32
TEST_BATCH = 32
TEST_SEED = EVALUATION_SEED + 2
"""Of the mixtures of the test: others than those whose loss chose the epoch, where both are of one split."""


def teach(
    recipe: TeachingRecipe, folder: Path, resume: bool = False, command: str = "", console: Console | None = None
) -> dict[str, Any]:
    """Follow a recipe.

    Parameters
    ----------
    recipe : TeachingRecipe
        Of `load_teaching_recipe`, with paths that can be opened.
    folder : path
        The run folder; see `run_folder`. `test/` in it has the figures of each label and the scores.
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
        If the recipe, the teacher, a corpus, a file of audio or the folder cannot be used.
    """
    if not recipe.teacher.is_file():
        raise ConfigError(f"{recipe.teacher}: no such teacher")
    set_threads(recipe)
    run = RunFolder(folder)
    corpora = [*describe_corpora(recipe.corpora), *describe_tagging(recipe.recordings)]
    audio = training_audio(recipe)
    validation = held_out_audio(recipe, "validation")
    test = held_out_audio(recipe, recipe.training.test_split, TEST_SEED)
    teacher = AudioSetTeacher(recipe.teacher)
    run.begin(recipe, resume)
    told = describe_teaching(recipe, teacher, corpora, command)
    keeper = Keeper(run, recipe.name, told, recipe.mixing.chunk_seconds)
    started = time.perf_counter()
    try:
        _learn(recipe, run, teacher, audio, validation, keeper, console)
        tested = _score_test(recipe, run.best, teacher, test, console)
    except OrganologyError as error:
        raise one_line(error) from None
    summary = {
        "name": recipe.name,
        "seed": recipe.seed,
        "epochs": len(keeper.history),
        "mixtures": len(keeper.history) * recipe.training.as_training().mixtures_per_epoch,
        "best": keeper.best,
        "test": _test_figures(recipe, tested, run.path / "test", keeper.best["epoch"]),
        "seconds_since_start_or_resume": round(time.perf_counter() - started, 1),
        "teacher": told["teacher"],
        "corpora": corpora,
    }
    run.write_summary(summary)
    return summary


def build_teaching(recipe: TeachingRecipe, teacher: AudioSetTeacher, audio: AudioDataset) -> TeachingModule:
    """The network of a recipe with new weights from the seed, and a head of the teacher's labels.

    The biases of the head are the log-odds of the teacher's mean scores of the first `PRIOR_ITEMS` of the audio, so
    that learning does not begin with finding out that most of the 527 labels are nearly always absent (after Lin et
    al., "Focal loss for dense object detection", 2017, section 3.3).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = InstrumentNet(recipe.model, audioset_labels())
    output = next(m for m in reversed(list(network.head.modules())) if isinstance(m, torch.nn.Linear))
    with torch.no_grad():
        scores = teacher.scores(torch.stack([audio[i].waveform for i in range(PRIOR_ITEMS)]))
        output.bias.copy_(scores.mean(dim=0).clamp(1e-5, 1 - 1e-5).logit())
    channels_last(network.backbone)
    return TeachingModule(network, recipe.training, recipe.seed, teacher)


def describe_teaching(
    recipe: TeachingRecipe, teacher: AudioSetTeacher, corpora: list[dict[str, Any]], command: str
) -> dict[str, Any]:
    """Provenance of a pre-training by a teacher; of paths only the last two parts are told."""
    return {
        "task": "AudioSet scores of a teacher",
        "teacher": teacher.describe(),
        "command": command,
        "seed": recipe.seed,
        "recipe": recipe.with_paths(lambda path: Path(*path.parts[-2:])).to_plain(),
        "corpora": corpora,
        "versions": versions(),
    }


def _learn(
    recipe: TeachingRecipe,
    run: RunFolder,
    teacher: AudioSetTeacher,
    audio: AudioDataset,
    validation: AudioDataset,
    keeper: Keeper,
    console: Console | None,
) -> None:
    config = recipe.training
    done = run.epochs_done(config.epochs)
    callbacks: list[L.Callback] = [keeper, ProgressBar(keeper, console)]
    if config.weight_average is not None:
        callbacks.insert(0, WeightAverage(config.weight_average))
    loader = audio_loader(audio, config.batch_size, config.batches_per_epoch, config.workers, done)
    held_out = fixed_audio_loader(validation, recipe, config.validation_mixtures, config.batch_size)
    fit(recipe, run, build_teaching(recipe, teacher, audio), callbacks, loader, held_out, done)


@dataclass(frozen=True)
class _Tested:
    """The teacher's and the network's scores, float32 of shape (n, 527), and the song of each item."""

    taught: NDArray[np.float32]
    scores: NDArray[np.float32]
    songs: NDArray[np.str_]


@torch.inference_mode()
def _score_test(
    recipe: TeachingRecipe, checkpoint: Path, teacher: AudioSetTeacher, test: AudioDataset, console: Console | None
) -> _Tested:
    device, n_items = device_of(recipe), recipe.training.test_mixtures
    network = load_checkpoint(checkpoint)[0].to(device)
    channels_last(network.backbone)
    loader = fixed_audio_loader(test, recipe, n_items, TEST_BATCH, keep=False)
    taught: list[NDArray[np.float32]] = []
    scores: list[NDArray[np.float32]] = []
    songs: list[str] = []
    for batch in track(loader, f"scoring {n_items} mixtures", console=console or Console(stderr=True)):
        waveform, _, names = Batch(*batch)
        waveform = waveform.to(device)
        taught.append(teacher.scores(waveform).cpu().numpy())
        with autocast(device, recipe.training.precision):
            logits = network(waveform)
        scores.append(network.to_scores(logits.float()).cpu().numpy())
        songs += names
    return _Tested(np.concatenate(taught), np.concatenate(scores), np.array(songs))


def _test_figures(recipe: TeachingRecipe, tested: _Tested, folder: Path, epoch: int) -> dict[str, Any]:
    """Figures of the test split; written to a folder too."""
    config, labels = recipe.training, audioset_labels()
    figures = taught_figures(tested.taught, tested.scores, config, labels, tested.songs, 1000)
    targets = binarized(tested.taught, config)
    columns = scored_columns(targets, config.min_items)
    scored = Scored(targets[:, columns], tested.scores[:, columns], tested.songs)
    about = {"run": recipe.name, "epoch": epoch, "split": config.test_split, "present_from": config.present_from}
    with contextlib.suppress(ModuleNotFoundError):  # matplotlib is an extra; the picture comes last
        write_results(folder, figures, scored, about, [labels[i] for i in columns])
    areas = {name: figures.macro[name] for name in ("roc_auc", "pr_auc")}
    return {
        "split": config.test_split,
        "mixtures": figures.n_items,
        "loss": rounded(figures.loss.value),
        "lowest_possible_loss": rounded(soft_loss(tested.taught, tested.taught)),
        **{name: rounded(area.value) for name, area in areas.items()},
        **{f"{name}_95": [rounded(area.low), rounded(area.high)] for name, area in areas.items()},
        "labels_scored": len(figures.labels) - len(figures.left_out),
        "present_from": config.present_from,
        "min_items": config.min_items,
    }
