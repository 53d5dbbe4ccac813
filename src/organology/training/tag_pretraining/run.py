"""A pre-training from recipe to checkpoint, with its figures on the test split."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from organology.corpora.tagging import TaggedChunks, TaggingPool
from organology.errors import CorpusError, OrganologyError
from organology.evaluation import Evaluation, evaluate
from organology.model import InstrumentNet, load_checkpoint
from organology.training.callbacks.checkpoint import Keeper, rounded
from organology.training.callbacks.progress import ProgressBar
from organology.training.memory_format import channels_last
from organology.training.precision import autocast
from organology.training.provenance import describe_tagging, versions
from organology.training.run_folder import RunFolder
from organology.training.scoring import Scored, write_results
from organology.training.tag_pretraining.data import chunk_loader, evaluation_chunks, fixed_chunk_loader, spread
from organology.training.tag_pretraining.module import PhaseChange, PretrainingModule
from organology.training.tag_pretraining.recipe import PretrainingRecipe
from organology.training.transfer.data import Batch, one_line
from organology.training.transfer.run import device_of, fit, set_threads


def pretrain(
    recipe: PretrainingRecipe, folder: Path, resume: bool = False, command: str = "", console: Console | None = None
) -> dict[str, Any]:
    """Follow a recipe.

    Parameters
    ----------
    recipe : PretrainingRecipe
        Of `load_pretraining_recipe`, with paths that can be opened.
    folder : path
        The run folder; see `run_folder`. `test/` in it has the figures of each tag and the scores.
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
        If the recipe, a corpus, a track or the folder cannot be used.
    """
    set_threads(recipe)
    run = RunFolder(folder)
    corpora = describe_tagging(recipe.corpora)
    pool = TaggingPool.load(recipe.corpora, "train")
    if not pool.tags:
        raise CorpusError(f"{recipe.corpora[0]}: recordings without tags, of which there is nothing to learn")
    validation, test = (evaluation_chunks(recipe.corpora, split, recipe.chunks) for split in ("validation", "test"))
    run.begin(recipe, resume)
    keeper = Keeper(run, recipe.name, describe(recipe, corpora, command), recipe.chunks.chunk_seconds)
    started = time.perf_counter()
    try:
        _learn(recipe, run, TaggedChunks(pool, recipe.chunks, recipe.seed), validation, keeper, console)
        scored = score_test(recipe, run.best, test, console)
    except OrganologyError as error:
        raise one_line(error) from None
    tested = {name: evaluate(s.targets, s.scores, s.songs, n_bootstrap=n, labels=pool.tags)
              for name, (s, n) in {"chunks": (scored, 0), "tracks": (by_track(scored), 1000)}.items()}  # fmt: skip
    summary = {
        "name": recipe.name,
        "seed": recipe.seed,
        "epochs": len(keeper.history),
        "chunks": len(keeper.history) * recipe.training.as_training().mixtures_per_epoch,
        "best": keeper.best,
        "test": {name: _figures(evaluation) for name, evaluation in tested.items()},
        "seconds_since_start_or_resume": round(time.perf_counter() - started, 1),
        "corpora": corpora,
    }
    about = {"run": recipe.name, "epoch": keeper.best["epoch"], "split": "test", "items": "tracks"}
    with contextlib.suppress(ModuleNotFoundError):  # matplotlib is an extra; the picture comes last
        write_results(run.path / "test", tested["tracks"], by_track(scored), about, pool.tags)
    run.write_summary(summary)
    return summary


def build_pretraining(recipe: PretrainingRecipe, tags: tuple[str, ...], epochs_done: int = 0) -> PretrainingModule:
    """The network of a recipe with new weights from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = InstrumentNet(recipe.model, tags)
    channels_last(network.backbone)
    return PretrainingModule(network, recipe.training, recipe.seed, epochs_done)


def describe(recipe: PretrainingRecipe, corpora: list[dict[str, Any]], command: str) -> dict[str, Any]:
    """Provenance of a pre-training; of paths only the last two parts are told."""
    return {
        "task": "tags of recordings",
        "command": command,
        "seed": recipe.seed,
        "recipe": recipe.with_paths(lambda path: Path(*path.parts[-2:])).to_plain(),
        "corpora": corpora,
        "versions": versions(),
    }


def _learn(
    recipe: PretrainingRecipe,
    run: RunFolder,
    chunks: TaggedChunks,
    validation: TaggedChunks,
    keeper: Keeper,
    console: Console | None,
) -> None:
    config = recipe.training
    done = run.epochs_done(config.epochs)
    module = build_pretraining(recipe, chunks.pool.tags, done)
    loader = chunk_loader(chunks, config.batch_size, config.batches_per_epoch, config.workers, done)
    numbers = spread(len(validation), config.validation_tracks)
    held_out = fixed_chunk_loader(validation, numbers, config.batch_size, config.workers)
    fit(recipe, run, module, [PhaseChange(run), keeper, ProgressBar(keeper, console)], loader, held_out, done)


@torch.inference_mode()
def score_test(recipe: PretrainingRecipe, checkpoint: Path, test: TaggedChunks, console: Console | None) -> Scored:
    """Scores that a checkpoint gives to the chunks of the test split; `songs` of the result are tracks.

    Raises
    ------
    OrganologyError
        If the checkpoint or a track cannot be used.
    """
    device = device_of(recipe)
    network = load_checkpoint(checkpoint)[0].to(device)
    channels_last(network.backbone)
    numbers = spread(len(test), recipe.training.test_tracks, recipe.training.test_chunks_per_track)
    loader = fixed_chunk_loader(test, numbers, 32, recipe.training.workers, keep=False)
    targets: list[NDArray[np.int8]] = []
    scores: list[NDArray[np.float32]] = []
    songs: list[str] = []
    for batch in track(loader, f"scoring {len(numbers)} chunks", console=console or Console(stderr=True)):
        waveform, tags, names = Batch(*batch)
        targets.append(tags.numpy())
        with autocast(device, recipe.training.precision):
            logits = network(waveform.to(device))
        scores.append(network.to_scores(logits.float()).cpu().numpy())
        songs += names
    return Scored(np.concatenate(targets), np.concatenate(scores), np.array(songs))


def by_track(scored: Scored) -> Scored:
    """Targets and mean scores of each track."""
    tracks, first, number = np.unique(scored.songs, return_index=True, return_inverse=True)
    sums = np.zeros((len(tracks), scored.scores.shape[1]))
    np.add.at(sums, number, scored.scores)
    means: NDArray[np.float32] = (sums / np.bincount(number)[:, None]).astype(np.float32)
    return Scored(scored.targets[first], means, tracks)


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    macro = evaluation.macro
    figures: dict[str, Any] = {"items": evaluation.n_items, "loss": rounded(evaluation.loss.value)}
    for name in ("roc_auc", "pr_auc"):
        figures[name] = rounded(macro[name].value)
        if evaluation.n_bootstrap:
            figures[f"{name}_95"] = [rounded(macro[name].low), rounded(macro[name].high)]
    return {**figures, "left_out": list(evaluation.left_out)}
