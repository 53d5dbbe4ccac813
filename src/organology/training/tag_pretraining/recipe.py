"""Recipes of pre-training: tagged recordings, network, how it learns."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from organology import config
from organology.audio import SAMPLE_RATE
from organology.config import FORBID
from organology.corpora.tagging import ChunkConfig
from organology.model import ModelConfig
from organology.training.recipe_files import load_recipe_as, override_recipe
from organology.training.transfer.recipe import TrainingConfig, check_input

Optimizer = Literal["adam", "adamw", "sgd"]


@dataclass(frozen=True)
class Phase:
    """A stretch of the training with one optimizer and one learning rate.

    Attributes
    ----------
    optimizer : {"adam", "adamw", "sgd"}
        "sgd": with Nesterov's momentum of 0.9.
    learning_rate : float
    after_epochs : int
        The phase begins when so many epochs are done, from the weights with the lowest validation loss so far and
        with a fresh optimizer. It lasts until the next one.
    """

    __pydantic_config__ = FORBID
    optimizer: Optimizer
    learning_rate: float
    after_epochs: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate has to be above 0, not {self.learning_rate}")
        if self.after_epochs < 0:
            raise ValueError(f"after_epochs has to be 0 or more, not {self.after_epochs}")


WON = (Phase("adam", 1e-4), Phase("sgd", 1e-3, 80), Phase("sgd", 1e-4, 100), Phase("sgd", 1e-5, 120))
"""Won, Ferraro, Bogdanov and Serra (2020), as in their published code."""


@dataclass(frozen=True)
class PretrainingConfig:
    """How the network learns tags. Defaults: Won et al. (2020), which the paper's CNN is taken from.

    Attributes
    ----------
    epochs, batches_per_epoch, batch_size : int
        Chunks are drawn at random, so an epoch is a number of batches; 2 000 of 16 are as many chunks as
        MTG-Jamendo's training split has tracks.
    phases : tuple of Phase
        In order; the first one begins after 0 epochs.
    weight_decay : float
    gradient_clip : float or None
        Norm that the gradient is scaled down to.
    validation_tracks : int or None
        After each epoch one chunk of so many tracks of the validation split is scored, the same ones each time, spread
        evenly over the split; None, or more than there are: of every track.
    test_tracks : int or None
        The same of the test split, for the figures at the end.
    test_chunks_per_track : int
        Scores of a track are the mean over so many chunks of it. Won et al. take 16.
    workers : int
        Processes that read chunks; 0 reads them in the training process. It changes no result.
    threads : int or None
        Threads of torch on the CPU; None: as many as it takes by itself.
    device : {"auto", "cpu", "cuda"}
    precision : {"32-true", "16-mixed", "bf16-mixed"}
    compile : bool
        Run the network through `torch.compile`.
    """

    __pydantic_config__ = FORBID
    epochs: int = 200
    batches_per_epoch: int = 2000
    batch_size: int = 16
    phases: tuple[Phase, ...] = WON
    weight_decay: float = 0.0001
    gradient_clip: float | None = None
    validation_tracks: int | None = 2000
    test_tracks: int | None = None
    test_chunks_per_track: int = 4
    workers: int = 2
    threads: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    compile: bool = False

    def __post_init__(self) -> None:
        for name in ("validation_tracks", "test_tracks", "test_chunks_per_track"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} has to be 1 or more, not {value}")
        starts = [phase.after_epochs for phase in self.phases]
        if not starts or starts[0] != 0 or starts != sorted(set(starts)):
            raise ValueError(f"phases begin after 0 epochs and each after the one before, not after {starts}")
        self.as_training()

    def phase(self, epoch: int) -> Phase:
        """The phase of an epoch, counted from 0."""
        return next(phase for phase in reversed(self.phases) if phase.after_epochs <= epoch)

    def as_training(self) -> TrainingConfig:
        """These settings as those of a training from scratch; rates and optimizers are the phases'.

        Raises
        ------
        ValueError
            If one is not valid.
        """
        shared = ("epochs", "batches_per_epoch", "batch_size", "weight_decay", "gradient_clip", "workers", "threads",
                  "device", "precision", "compile")  # fmt: skip
        values = {name: getattr(self, name) for name in shared}
        return TrainingConfig(transfer="scratch", schedule="step", step_factor=1.0, **values)


@dataclass(frozen=True)
class PretrainingRecipe:
    """A pre-training: tagged recordings, network, and how it learns.

    Attributes
    ----------
    corpora : tuple of path
        Prepared tagging corpora with the same tags; in a recipe relative to the recipe's folder.
    name : str
        Of the run; left out: the recipe's file name.
    seed : int
        Of the chunks, the new weights, dropout.
    chunks : ChunkConfig
        How chunks are drawn; for validation and test they are taken in turn.
    model : ModelConfig
    training : PretrainingConfig
    """

    __pydantic_config__ = FORBID
    corpora: tuple[Path, ...]
    name: str = ""
    seed: int = 0
    chunks: ChunkConfig = field(default_factory=ChunkConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: PretrainingConfig = field(default_factory=PretrainingConfig)

    def __post_init__(self) -> None:
        if not self.corpora:
            raise ValueError("corpora names no prepared folder")
        if self.seed < 0:
            raise ValueError(f"seed has to be 0 or more, not {self.seed}")
        if self.chunks.draw != "random":
            raise ValueError("chunks.draw has to be random: training in the order of the table learns badly")
        if self.model.head == "anchored":
            raise ValueError("model.head: 'anchored' knows only the taxonomy's labels, no tags")
        check_input(self.model, "chunks", SAMPLE_RATE, self.chunks.chunk_frames)

    def with_paths(self, change: Any) -> PretrainingRecipe:
        """The recipe with `change` (path -> path) applied to every path in it."""
        return dataclasses.replace(self, corpora=tuple(change(path) for path in self.corpora))

    def to_plain(self) -> dict[str, Any]:
        """Plain values for YAML and JSON; paths with `/`."""
        plain: dict[str, Any] = config.to_plain(self.with_paths(lambda path: Path(path.as_posix())))
        return plain


def load_pretraining_recipe(path: str | os.PathLike[str]) -> PretrainingRecipe:
    """Read a recipe; its paths come back relative to the working folder or absolute, ready to be opened.

    Raises
    ------
    ConfigError
        One line with the file, the place and the reason.
    """
    return load_recipe_as(path, PretrainingRecipe)


def override_pretraining(
    recipe: PretrainingRecipe, corpora: Sequence[Path] | None = None, seed: int | None = None, **training: Any
) -> PretrainingRecipe:
    """A recipe with settings of the command line; None leaves what the recipe says.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """
    return override_recipe(recipe, corpora, seed, training)
