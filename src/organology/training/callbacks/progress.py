"""What is shown while a run goes on."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from organology.training.callbacks.checkpoint import BestCheckpoint
from organology.training.lightning import L
from organology.training.module import TrainingModule


class _Rate(ProgressColumn):
    """Mixtures, or whatever the items are, a second."""

    def __init__(self, batch_size: int, items: str) -> None:
        super().__init__()
        self._batch_size, self._items = batch_size, items

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed * self._batch_size:.1f} {self._items}/s", style="dim")


class ProgressBar(L.Callback):
    """One bar for the whole run with loss, rates and time left, and a line for each finished epoch.

    Where the console is no terminal only lines are written, a first one that says what is to come.

    Parameters
    ----------
    kept : BestCheckpoint
    console : rich.console.Console, optional
        Left out: standard error.
    """

    def __init__(self, kept: BestCheckpoint, console: Console | None = None) -> None:
        self._kept, self._console = kept, console or Console(stderr=True)
        self._progress: Progress | None = None
        self._best_epoch = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Begin the bar, at the epoch that is resumed."""
        config = pl_module.config
        total = config.epochs * config.batches_per_epoch
        self._best_epoch = self._kept.best.get("epoch", 0)
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(config.batch_size, pl_module.items),
            TextColumn("{task.fields[loss]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
            speed_estimate_period=120,
        )
        done = trainer.current_epoch * config.batches_per_epoch
        self._task = self._progress.add_task("", total=total, completed=done, epoch=self._epoch(trainer), loss="")
        self._progress.start()
        if not self._console.is_terminal:
            self._console.print(
                f"training: {config.epochs} epochs of {config.batches_per_epoch} batches, a line after each epoch",
                highlight=False,
                soft_wrap=True,
            )

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Move the bar on."""
        if self._progress is None:
            return
        module: TrainingModule[Any] = pl_module
        rates = "/".join(f"{rate:.1e}" for rate in module.learning_rates().values())
        self._progress.update(
            self._task,
            completed=trainer.current_epoch * module.config.batches_per_epoch + batch_idx + 1,
            epoch=self._epoch(trainer),
            loss=f"loss {module.mean_loss:.4f}  learning rates {rates}",
        )

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Write the line of the epoch."""
        row = self._kept.history[-1]
        best = self._kept.best.get("epoch", 0)
        mark = "  best" if best == row["epoch"] else ""
        parts = [
            f"epoch {self._epoch(trainer)}",
            f"loss {row['loss/train']:.4f}",
            f"validation: loss {row['loss/validation']:.4f}",
            *(f"{name} {row[key]:.4f}" for name, key in _METRICS if not math.isnan(row[key])),
            f"{row[f'{pl_module.items}_per_second']:.1f} {pl_module.items}/s",
        ]
        self._console.print("  ".join(parts) + mark, highlight=False, soft_wrap=True)

    def teardown(self, trainer: L.Trainer, pl_module: Any, stage: str) -> None:
        """Take the bar away, after errors too."""
        if self._progress is not None:
            self._progress.stop()

    def _epoch(self, trainer: L.Trainer) -> str:
        return f"{trainer.current_epoch + 1}/{trainer.max_epochs}"


_METRICS = (("ROC-AUC", "roc_auc/validation"), ("PR-AUC", "pr_auc/validation"), ("F1", "f1/validation"))
