"""The folder of a run.

```
RUN/
├── recipe.yaml        the recipe as it was followed, options of the command line included
├── last.ckpt          state after the last finished epoch, to resume from
├── best/              checkpoint of the epoch with the lowest validation loss
├── logs/              metrics.csv, a row an epoch, and TensorBoard events
└── summary.json       metrics, once the run has ended
```
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from organology.atomic import written_whole
from organology.errors import ConfigError, ModelError
from organology.leftovers import is_leftover
from organology.training.recipes import AnyRecipe, difference, load_recipe_as, save_recipe

_STATE = {"epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers", "callbacks", "loops"}

MAY_CHANGE = (
    "name",
    "training.workers",
    "training.epochs",
    "training.device",  # and `training.devices`
    "training.num_nodes",
    "training.strategy",
    "training.embedding_cache",
    "training.mixture_cache",
    "mixing.cache_megabytes",
)
"""Settings that a resumed run may have otherwise than it began with."""


@dataclass(frozen=True)
class RunFolder:
    """Paths in the folder of a run."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The recipe as it was followed."""
        return self.path / "recipe.yaml"

    @property
    def last(self) -> Path:
        """State after the last finished epoch."""
        return self.path / "last.ckpt"

    @property
    def best(self) -> Path:
        """Checkpoint of the best epoch."""
        return self.path / "best"

    @property
    def logs(self) -> Path:
        """Logs."""
        return self.path / "logs"

    @property
    def summary(self) -> Path:
        """Metrics of the whole run."""
        return self.path / "summary.json"

    def begin(self, recipe: AnyRecipe, resume: bool) -> None:
        """Make the folder, or check that it holds the run to be resumed.

        Where there is nothing to resume the run begins, so that one command line can be given again and again.

        Raises
        ------
        ConfigError
            If it is there already and is not to be resumed, or holds something else.
        """
        if not self._is_free():
            if not resume:
                raise ConfigError(f"{self.path}: there is a run already; --resume goes on with it, --out names another")
            if not self.recipe.is_file():
                raise ConfigError(f"{self.path}: no run to resume (recipe.yaml is missing)")
            place = difference(recipe, load_recipe_as(self.recipe, type(recipe), quiet=True), MAY_CHANGE)
            if place is not None:
                raise ConfigError(f"{self.recipe}: cannot resume: the run began with another {place}")
        save_recipe(recipe, self.recipe)  # first of all: a run that has it can be resumed
        self.logs.mkdir(exist_ok=True)

    def _is_free(self) -> bool:
        """Whether nothing is here but what a run leaves that was killed as it began."""
        if not self.path.is_dir():
            return not self.path.exists()
        return all(
            is_leftover(self.path, entry.name) or (entry == self.logs and entry.is_dir() and not any(entry.iterdir()))
            for entry in self.path.iterdir()
        )

    def epochs_done(self, at_most: int) -> int:
        """Epochs in `last.ckpt`; 0 without it.

        Raises
        ------
        ConfigError
            If they are more than `at_most`.
        ModelError
            If the file cannot be read.
        """
        import torch

        if not self.last.exists():
            return 0
        try:
            # Only tensors and plain values are unpickled.
            state = torch.load(self.last, map_location="cpu", weights_only=True, mmap=True)
        except Exception as error:  # whatever torch makes of a damaged file
            raise ModelError(f"{self.last}: not a state to resume from") from error
        if not isinstance(state, dict) or not state.keys() >= _STATE or not isinstance(state["epoch"], int):
            raise ModelError(f"{self.last}: not a state to resume from")
        done = state["epoch"] + 1
        if done > at_most:
            raise ConfigError(f"{self.last}: the run has {done} epochs already, more than {at_most}")
        return done

    def write_history(self, history: list[dict[str, float]]) -> None:
        """Write `logs/metrics.csv`."""
        with written_whole(self.logs / "metrics.csv") as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(history[0]))
            writer.writeheader()
            writer.writerows(history)

    def write_summary(self, values: dict[str, Any]) -> None:
        """Write `summary.json`."""
        with written_whole(self.summary) as temporary:
            temporary.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", "utf-8")
