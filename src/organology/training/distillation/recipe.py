"""Recipes of pre-training by a teacher: audio without labels, network, how it learns."""

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
from organology.config import FORBID, read_yaml
from organology.corpora.tagging import ChunkConfig
from organology.mixing import MixingConfig
from organology.model import ModelConfig
from organology.training.recipe_files import load_recipe_as, override_recipe
from organology.training.transfer.recipe import TrainingConfig, check_input


@dataclass(frozen=True)
class TeachingConfig:
    """How the network learns a teacher's scores. The defaults are ours.

    Attributes
    ----------
    epochs, batches_per_epoch, batch_size : int
        Audio is drawn at random, so an epoch is a number of batches: what lies between two validations.
    optimizer : {"adam", "adamw"}
    learning_rate : float
        Of all weights.
    schedule : {"step", "cosine"}
    step_epochs : int
    step_factor, final_factor, warmup_epochs : float
        As in `TrainingConfig`.
    weight_decay : float
    gradient_clip : float or None
        Norm that the gradient is scaled down to.
    weight_average : float or None
        Decay of an exponential moving average of the weights, once a step; it is what is validated and kept.
    validation_mixtures : int
        Chunks of the validation split that are scored after each epoch, the same ones each time.
    test_mixtures : int
        Chunks of the test split that are scored at the end.
    test_split : {"test", "validation"}
        "validation": for corpora without a test split; other chunks of it than those that chose the best epoch.
    present_from : float
        For ROC-AUC and PR-AUC a label counts as present where the teacher's score is at least this.
    min_items : int
        These areas are told of the labels that are so present in at least so many chunks, and absent in as many.
    workers, threads, device, precision, compile
        As in `TrainingConfig`.
    """

    __pydantic_config__ = FORBID
    epochs: int = 100
    batches_per_epoch: int = 120
    batch_size: int = 16
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 0.001
    schedule: Literal["step", "cosine"] = "cosine"
    step_epochs: int = 20
    step_factor: float = 0.3
    final_factor: float = 0.01
    warmup_epochs: float = 1.0
    weight_decay: float = 0.0
    gradient_clip: float | None = 1.0
    weight_average: float | None = None
    validation_mixtures: int = 320
    test_mixtures: int = 1000
    test_split: Literal["test", "validation"] = "test"
    present_from: float = 0.1
    min_items: int = 5
    workers: int = 2
    threads: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    compile: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate has to be above 0, not {self.learning_rate}")
        if not 0 < self.present_from < 1:
            raise ValueError(f"present_from lies between 0 and 1, not {self.present_from}")
        for name in ("test_mixtures", "min_items"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} has to be 1 or more, not {getattr(self, name)}")
        self.as_training()

    def as_training(self) -> TrainingConfig:
        """These settings as those of a training from scratch.

        Raises
        ------
        ValueError
            If one is not valid.
        """
        own = ("learning_rate", "test_mixtures", "test_split", "present_from", "min_items")
        shared = (f.name for f in dataclasses.fields(self) if f.name not in own)
        values = {name: getattr(self, name) for name in shared}
        return TrainingConfig(transfer="scratch", head_learning_rate=self.learning_rate, **values)


@dataclass(frozen=True)
class TeachingRecipe:
    """A pre-training by a teacher: audio, network, and how it learns.

    Attributes
    ----------
    teacher : path
        The published `.pt` file of EfficientAT mn04_as, whose 527 scores are learned. This path and those below are
        relative to the recipe's folder.
    corpora : tuple of path
        Prepared corpora of stems, of which mixtures are made; their labels are not looked at (but `mixing.balance`
        may draw by them).
    recordings : tuple of path
        Prepared tagging corpora, of which chunks are read; their tags are not looked at.
    recording_share : float
        Share of the chunks of recordings, where there are both.
    name : str
        Of the run; left out: the recipe's file name.
    seed : int
        Of the audio, the new weights, dropout.
    mixing : MixingConfig
    chunks : ChunkConfig or None
        Of the recordings; None: as long as the mixtures.
    model : ModelConfig
    training : TeachingConfig
    """

    __pydantic_config__ = FORBID
    teacher: Path
    corpora: tuple[Path, ...] = ()
    recordings: tuple[Path, ...] = ()
    recording_share: float = 0.5
    name: str = ""
    seed: int = 0
    mixing: MixingConfig = field(default_factory=MixingConfig)
    chunks: ChunkConfig | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TeachingConfig = field(default_factory=TeachingConfig)

    def __post_init__(self) -> None:
        if not self.corpora and not self.recordings:
            raise ValueError("corpora and recordings name no prepared folder")
        if not 0 <= self.recording_share <= 1:
            raise ValueError(f"recording_share is from 0 to 1, not {self.recording_share}")
        if self.seed < 0:
            raise ValueError(f"seed has to be 0 or more, not {self.seed}")
        if self.mixing.sample_rate != SAMPLE_RATE:
            raise ValueError(f"mixing.sample_rate has to be {SAMPLE_RATE}, which the teacher takes")
        if self.model.head == "anchored":
            raise ValueError("model.head: 'anchored' knows only the taxonomy's labels")
        if self.chunk_config.draw != "random":
            raise ValueError("chunks.draw has to be random")
        if self.chunk_config.chunk_frames != self.mixing.chunk_frames:
            raise ValueError("chunks.chunk_seconds and mixing.chunk_seconds have to be the same")
        check_input(self.model, "mixing", self.mixing.sample_rate, self.mixing.chunk_frames)

    @property
    def chunk_config(self) -> ChunkConfig:
        """How chunks of recordings are drawn."""
        return self.chunks or ChunkConfig(chunk_seconds=self.mixing.chunk_seconds)

    def with_paths(self, change: Any) -> TeachingRecipe:
        """The recipe with `change` (path -> path) applied to every path in it."""
        return dataclasses.replace(
            self,
            teacher=change(self.teacher),
            corpora=tuple(change(path) for path in self.corpora),
            recordings=tuple(change(path) for path in self.recordings),
        )

    def to_plain(self) -> dict[str, Any]:
        """Plain values for YAML and JSON; paths with `/`."""
        plain: dict[str, Any] = config.to_plain(self.with_paths(lambda path: Path(path.as_posix())))
        return plain


def has_teacher(path: str | os.PathLike[str]) -> bool:
    """Whether a recipe of pre-training names a teacher, and so is a `TeachingRecipe`.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not YAML.
    """
    values = read_yaml(path)
    return isinstance(values, dict) and "teacher" in values


def load_teaching_recipe(path: str | os.PathLike[str]) -> TeachingRecipe:
    """Read a recipe; its paths come back relative to the working folder or absolute, ready to be opened.

    Raises
    ------
    ConfigError
        One line with the file, the place and the reason.
    """
    return load_recipe_as(path, TeachingRecipe)


def override_teaching(
    recipe: TeachingRecipe, corpora: Sequence[Path] | None = None, seed: int | None = None, **training: Any
) -> TeachingRecipe:
    """A recipe with settings of the command line; None leaves what the recipe says.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """
    return override_recipe(recipe, corpora, seed, training)
