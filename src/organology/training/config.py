"""What the recipes of all tasks have in common; no torch is imported here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from organology import config
from organology.labels import LabelSet, default_set, label_sets
from organology.model.config import ModelConfig

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["32-true", "16-mixed", "bf16-mixed", "64-true"]
Schedule = Literal["step", "cosine"]
Strategy = Literal["auto", "ddp"]

T = TypeVar("T")
PathChange = Callable[[Path], Path]


def check(condition: bool, message: str) -> None:
    """Raise ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def check_share(name: str, value: float) -> None:
    """Check that a share or a probability is within 0 ... 1."""
    check(0 <= value <= 1, f"{name} must be from 0 to 1, got {value}")


def check_at_least(least: int, name: str, value: float) -> None:
    """Check that a number is not below the least one and not infinite."""
    check(least <= value < math.inf, f"{name} must be {least} or more, got {value}")


def check_above_zero(name: str, value: float) -> None:
    """Check that a number is above 0 and not infinite."""
    check(0 < value < math.inf, f"{name} must be above 0, got {value}")


def check_input(model: ModelConfig, place: str, sample_rate: int, chunk_frames: int) -> None:
    """Check that a network can take chunks of a rate and a length.

    Raises
    ------
    ValueError
        If not; `place` is the section of the recipe that holds the chunks' settings.
    """
    frontend, least = model.frontend_config, model.smallest_input
    check(
        sample_rate == frontend.sample_rate,
        f"{place} is at {sample_rate} Hz, the model's front end at {frontend.sample_rate} Hz",
    )
    frames = frontend.n_frames(chunk_frames)
    check(frames >= least, f"{place}.chunk_seconds is too short: {frames} frames, the backbone needs {least}")


def map_paths(value: T, change: PathChange) -> T:
    """A configuration with `change` applied to every `Path` in it, however deep.

    Examples
    --------
    >>> map_paths((Path("a"), 3), lambda path: "songs" / path)[0].as_posix()
    'songs/a'
    """
    if isinstance(value, Path):
        return change(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(map_paths(part, change) for part in value)  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        changed = {name: map_paths(part, change) for name, part in fields.items()}
        return dataclasses.replace(value, **{k: v for k, v in changed.items() if v != fields[k]})
    return value


def set_or_path(labels: str | Path | None) -> str | Path | None:
    """What a recipe names as its labels: the name of a shipped set as it is, a file as a path."""
    if isinstance(labels, str) and labels not in label_sets() and (Path(labels).suffix or len(Path(labels).parts) > 1):
        return Path(labels)
    return labels


def load_set(labels: str | Path | None) -> LabelSet:
    """The label set that a recipe names; None: the default one.

    Raises
    ------
    ConfigError
        If there is no such set, or its table is at fault.
    """
    return default_set() if labels is None else LabelSet.load(labels)


class BaseRecipe:
    """What the recipe of every task can do; a recipe is a frozen dataclass with `corpora`, `name`, `seed`, `training`.

    Paths in a recipe's file are relative to the file's folder. `load_recipe` makes them ones that can be opened, and
    `save_recipe` relative again, all by `with_paths`.
    """

    def with_paths(self, change: PathChange) -> Self:
        """The recipe with `change` (path -> path) applied to every path in it."""
        return map_paths(self, change)

    def to_plain(self) -> dict[str, Any]:
        """Plain values for YAML and JSON; paths with `/`."""
        plain: dict[str, Any] = config.to_plain(self.with_paths(lambda path: Path(path.as_posix())))
        return plain


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """Settings of the training loop, which every task has.

    Attributes
    ----------
    epochs, batches_per_epoch, batch_size : int
        Audio is drawn at random, so an epoch is a number of batches: what lies between two validations.
    weight_decay : float
    gradient_clip : float or None
        Norm that the gradient is scaled down to.
    workers : int
        Processes that make the audio; 0 makes it in the training process. It changes no result.
    threads : int or None
        Threads of torch on the CPU; None: as many as it takes by itself. Where other work runs, 1 is far quicker.
    device : {"auto", "cpu", "cuda"}
    devices, num_nodes : int
        Processes on each machine (with CUDA: GPUs), and machines. A batch is shared out among all processes; it holds
        the same items, however many there are.
    strategy : {"auto", "ddp"}
        Lightning's `ddp` is what `auto` takes where there are several processes.
    precision : {"32-true", "16-mixed", "bf16-mixed", "64-true"}
        "64-true" is slow: the same figures with any number of threads and processes. In single precision Adam makes
        the rounding grow.
    compile : bool
        Run the network through `torch.compile`.
    """

    __pydantic_config__ = config.FORBID
    epochs: int = 150
    batches_per_epoch: int = 120
    batch_size: int = 16
    weight_decay: float = 0.0
    gradient_clip: float | None = None
    workers: int = 2
    threads: int | None = None
    device: Device = "auto"
    devices: int = 1
    num_nodes: int = 1
    strategy: Strategy = "auto"
    precision: Precision = "32-true"
    compile: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batches_per_epoch", "devices", "num_nodes"):
            check_at_least(1, name, getattr(self, name))
        check(self.batch_size >= 2, f"batch_size must be 2 or more (batch norm), got {self.batch_size}")
        self._check_shares("batch_size", self.batch_size)
        for name in ("weight_decay", "workers"):
            check_at_least(0, name, getattr(self, name))
        check(self.gradient_clip is None or self.gradient_clip > 0, "gradient_clip must be above 0, or null")
        check(self.threads is None or self.threads >= 1, "threads must be 1 or more, or null")

    def _check_shares(self, name: str, items: int) -> None:
        check(
            items % self.processes == 0,
            f"{name} must be a multiple of devices x num_nodes ({self.processes}), got {items}",
        )

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return self.devices * self.num_nodes

    @property
    def items_per_epoch(self) -> int:
        """Items (mixtures, chunks) of an epoch of training."""
        return self.batches_per_epoch * self.batch_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScheduleConfig(LoopConfig):
    """Settings of a loop whose learning rates follow a schedule, and whose weights may be averaged.

    Attributes
    ----------
    schedule : {"step", "cosine"}
        "step": times `step_factor` every `step_epochs`. "cosine": half a cosine from 1 down to `final_factor` over
        all epochs.
    step_epochs : int
    step_factor, final_factor : float
    warmup_epochs : float
        The rates rise from 0 over so many epochs, with either schedule.
    weight_average : float or None
        Decay of an exponential moving average of the weights, once a step; the average is validated and kept.
    """

    __pydantic_config__ = config.FORBID
    schedule: Schedule = "step"
    step_epochs: int = 20
    step_factor: float = 0.3
    final_factor: float = 0.0
    warmup_epochs: float = 0.0
    weight_average: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(1, "step_epochs", self.step_epochs)
        check_at_least(0, "warmup_epochs", self.warmup_epochs)
        for name in ("step_factor", "final_factor"):
            check_share(name, getattr(self, name))
        average = self.weight_average
        check(average is None or 0 < average < 1, f"weight_average must be above 0 and below 1, got {average}")
