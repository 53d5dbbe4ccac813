"""Pre-training on tags: a network learns the tags of recordings, and is tested on whole tracks."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch.utils.data import DataLoader

from organology.corpora.tagging import TaggedChunks, TaggingPool
from organology.errors import CorpusError
from organology.evaluation import Evaluation, evaluate
from organology.model.network import InstrumentNet
from organology.model_metadata import label_set_of
from organology.training.callbacks.checkpoint import rounded
from organology.training.compute.memory_format import channels_last
from organology.training.data import fixed_loader
from organology.training.lightning import L
from organology.training.provenance import describe_run, describe_tagging
from organology.training.run import Task, device_of
from organology.training.run_folder import RunFolder
from organology.training.scoring.scores import Scored, score_checkpoint, write_results
from organology.training.tag_pretraining.data import ChunkDataset, evaluation_chunks, spread
from organology.training.tag_pretraining.module import PhaseChange, PretrainingModule
from organology.training.tag_pretraining.recipe import PretrainingRecipe

TEST_BATCH = 32


class TagTask(Task[PretrainingRecipe]):
    """Chunks of tagged recordings.

    Raises
    ------
    CorpusError
        If a folder is no prepared tagging corpus, or its recordings have no tags.
    """

    items = "chunks"

    def __init__(self, recipe: PretrainingRecipe) -> None:
        super().__init__(recipe)
        self.window_seconds = recipe.chunks.chunk_seconds
        self.corpora = describe_tagging(recipe.corpora)
        pool = TaggingPool.load(recipe.corpora, "train")
        if not pool.tags:
            raise CorpusError(f"{recipe.corpora[0]}: recordings without tags, of which there is nothing to learn")
        self.label_set = label_set_of(pool.tags)
        self.audio = ChunkDataset(TaggedChunks(pool, recipe.chunks, recipe.seed))
        self._validation = evaluation_chunks(recipe.corpora, "validation", recipe.chunks)
        self._test = evaluation_chunks(recipe.corpora, "test", recipe.chunks)

    def describe(self, command: str) -> dict[str, Any]:
        """Provenance."""
        return describe_run("tags of recordings", self.recipe, self.corpora, command)

    def module(self, epochs_done: int) -> PretrainingModule:
        """A network with new weights from the seed."""
        recipe = self.recipe
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            network = InstrumentNet(recipe.model, self.label_set)
        channels_last(network.backbone)
        return PretrainingModule(network, recipe.training, recipe.seed, epochs_done)

    def held_out(self) -> DataLoader[Any]:
        """One chunk of each of the validation's tracks."""
        config = self.recipe.training
        dataset, numbers = ChunkDataset(self._validation), spread(len(self._validation), config.validation_tracks)
        return fixed_loader(
            dataset, numbers, config.batch_size, config.workers, doing="reading chunks for validation", place=self.place
        )

    def callbacks(self, folder: RunFolder) -> list[L.Callback]:
        """The change from phase to phase."""
        return [PhaseChange(folder)]

    def test(self, folder: RunFolder, best: dict[str, Any], console: Console | None) -> dict[str, Any]:
        """Metrics of chunks and of tracks of the test split; those of tracks are written to `test/` too."""
        chunks = self._score_test(folder.best, console)
        tracks = by_track(chunks)
        tested = {"chunks": self._evaluate(chunks, 0), "tracks": self._evaluate(tracks, 1000)}
        about = {"run": self.recipe.name, "epoch": best["epoch"], "split": "test", "items": "tracks"}
        with contextlib.suppress(ModuleNotFoundError):  # matplotlib is an extra; the picture comes last
            write_results(folder.path / "test", tested["tracks"], tracks, about)
        return {"test": {name: _plain(metrics) for name, metrics in tested.items()}}

    def _evaluate(self, scored: Scored, n_bootstrap: int) -> Evaluation:
        labels = self.label_set
        return evaluate(scored.targets, scored.scores, scored.songs, n_bootstrap=n_bootstrap, labels=labels)

    def _score_test(self, checkpoint: Path, console: Console | None) -> Scored:
        """Scores of the chunks of the test split; `songs` of the result are tracks."""
        config = self.recipe.training
        numbers = spread(len(self._test), config.test_tracks, config.test_chunks_per_track)
        loader = fixed_loader(ChunkDataset(self._test), numbers, TEST_BATCH, config.workers, keep=False)
        device = device_of(self.recipe)
        return score_checkpoint(checkpoint, loader, len(numbers), device, config.precision, console, what="chunks")


def by_track(scored: Scored) -> Scored:
    """Targets and mean scores of each track."""
    tracks, first, number = np.unique(scored.songs, return_index=True, return_inverse=True)
    sums = np.zeros((len(tracks), scored.scores.shape[1]))
    np.add.at(sums, number, scored.scores)
    means: NDArray[np.float32] = (sums / np.bincount(number)[:, None]).astype(np.float32)
    return Scored(scored.targets[first], means, tracks)


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    macro = evaluation.macro
    values: dict[str, Any] = {"items": evaluation.n_items, "loss": rounded(evaluation.loss.value)}
    for name in ("roc_auc", "pr_auc"):
        values[name] = rounded(macro[name].value)
        if evaluation.n_bootstrap:
            values[f"{name}_95"] = [rounded(macro[name].low), rounded(macro[name].high)]
    return {**values, "left_out": list(evaluation.left_out)}
