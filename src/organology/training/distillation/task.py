"""Pre-training by a teacher: a network learns its scores of any audio, and is tested against it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch.utils.data import DataLoader

from organology.errors import ConfigError
from organology.model.network import InstrumentNet
from organology.model_metadata import label_set_of
from organology.training.callbacks.checkpoint import rounded
from organology.training.compute.memory_format import channels_last
from organology.training.data import EVALUATION_SEED, fixed_loader
from organology.training.distillation.data import AudioDataset, held_out_audio, training_audio
from organology.training.distillation.module import (
    DistillationModule,
    binarized,
    scored_columns,
    soft_loss,
    teacher_metrics,
)
from organology.training.distillation.recipe import DistillationRecipe
from organology.training.provenance import describe_corpora, describe_run, describe_tagging
from organology.training.run import Task, device_of
from organology.training.run_folder import RunFolder
from organology.training.scoring.scores import Scored, score_checkpoint, write_results
from organology.training.teachers.published import open_teacher

PRIOR_ITEMS = 32
TEST_BATCH = 32
TEST_SEED = EVALUATION_SEED + 2
"""Of the mixtures of the test: others than those whose loss chose the epoch, where both are of one split."""


class DistillationTask(Task[DistillationRecipe]):
    """Mixtures, chunks of recordings, or both by turns, with the scores of a teacher.

    Raises
    ------
    OrganologyError
        If the teacher, a corpus or a file of audio cannot be used.
    """

    def __init__(self, recipe: DistillationRecipe) -> None:
        super().__init__(recipe)
        if not recipe.teacher.is_file():
            raise ConfigError(f"{recipe.teacher}: no such teacher")
        self._teacher = open_teacher(recipe.teacher, recipe.teacher_tags)
        self.label_set, self.window_seconds = label_set_of(self._teacher.labels), recipe.mixing.chunk_seconds
        self.corpora = [*describe_corpora(recipe.corpora), *describe_tagging(recipe.recordings)]
        self.audio: AudioDataset = training_audio(recipe)
        self._validation = held_out_audio(recipe, "validation")
        self._test = held_out_audio(recipe, recipe.training.test_split, TEST_SEED)

    def describe(self, command: str) -> dict[str, Any]:
        """Provenance."""
        task, teacher = f"{self._teacher.knows} of a teacher", self._teacher.describe()
        return describe_run(task, self.recipe, self.corpora, command, teacher=teacher)

    def module(self, epochs_done: int) -> DistillationModule:
        """A network with new weights from the seed, and a head of the teacher's labels.

        The biases of the head are the log-odds of the teacher's mean scores of the first `PRIOR_ITEMS` of the audio, so
        that learning does not begin with finding out that most of AudioSet's 527 labels are nearly always absent (after
        Lin et al., "Focal loss for dense object detection", 2017, section 3.3).
        """
        recipe = self.recipe
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            network = InstrumentNet(recipe.model, self.label_set)
        output = next(m for m in reversed(list(network.head.modules())) if isinstance(m, torch.nn.Linear))
        with torch.no_grad():
            scores = self._teacher.scores(torch.stack([self.audio[i].waveform for i in range(PRIOR_ITEMS)]))
            output.bias.copy_(scores.mean(dim=0).clamp(1e-5, 1 - 1e-5).logit())
        channels_last(network.backbone)
        return DistillationModule(network, recipe.training, recipe.seed, self._teacher)

    def held_out(self) -> DataLoader[Any]:
        """Audio of the validation split."""
        config = self.recipe.training
        numbers = range(config.validation_mixtures)
        return fixed_loader(
            self._validation,
            numbers,
            config.batch_size,
            config.workers,
            doing="mixing for validation",
            place=self.place,
        )

    def test(self, folder: RunFolder, best: dict[str, Any], console: Console | None) -> dict[str, Any]:
        """Metrics against the teacher; written to `test/` too."""
        scored = self._score_test(folder.best, console)
        test = self._metrics(scored, folder.path / "test", best["epoch"])
        return {"test": test, "teacher": self._teacher.describe()}

    def _score_test(self, checkpoint: Path, console: Console | None) -> Scored:
        """Scores of the test's audio; `targets` are the teacher's scores."""
        config, n_items = self.recipe.training, self.recipe.training.test_mixtures
        loader = fixed_loader(self._test, range(n_items), TEST_BATCH, config.workers, keep=False)
        arguments = (checkpoint, loader, n_items, device_of(self.recipe), config.precision, console)
        return score_checkpoint(*arguments, teacher=self._teacher.scores)

    def _metrics(self, scored: Scored, folder: Path, epoch: int) -> dict[str, Any]:
        config, labels, taught = self.recipe.training, self._teacher.labels, scored.targets
        metrics = teacher_metrics(taught, scored.scores, config, labels, scored.songs, 1000)
        targets = binarized(taught, config)
        columns = scored_columns(targets, config.min_items)
        part = Scored(targets[:, columns], scored.scores[:, columns], scored.songs)
        about = {"run": self.recipe.name, "epoch": epoch, "split": config.test_split}
        with contextlib.suppress(ModuleNotFoundError):  # matplotlib is an extra; the picture comes last
            write_results(folder, metrics, part, {**about, "present_from": config.present_from})
        areas = {name: metrics.macro[name] for name in ("roc_auc", "pr_auc")}
        return {
            "split": config.test_split,
            "mixtures": metrics.n_items,
            "loss": rounded(metrics.loss.value),
            "lowest_possible_loss": rounded(soft_loss(taught, taught)),
            **{name: rounded(area.value) for name, area in areas.items()},
            **{f"{name}_95": [rounded(area.low), rounded(area.high)] for name, area in areas.items()},
            "labels_scored": len(metrics.labels) - len(metrics.left_out),
            "present_from": config.present_from,
            "min_items": config.min_items,
        }
