"""Recipes: all settings of a run in one YAML file."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from organology import config
from organology.config import FORBID
from organology.mixing import MixingConfig
from organology.model import ModelConfig
from organology.taxonomy import LABELS

Transfer = Literal["scratch", "frozen", "finetuned"]


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def check_input(model: ModelConfig, place: str, sample_rate: int, chunk_frames: int) -> None:
    """Check that a network can take chunks of a rate and a length.

    Raises
    ------
    ValueError
        If not; `place` is the section of the recipe that says so.
    """
    frontend, blocks = model.frontend_config, len(model.channels)
    _check(
        sample_rate == frontend.sample_rate,
        f"{place} is at {sample_rate} Hz, the model's front end at {frontend.sample_rate} Hz",
    )
    frames = frontend.n_frames(chunk_frames)
    _check(
        model.backbone != "short-chunk" or frames >= 2**blocks,
        f"{place}.chunk_seconds is too short: {frames} frames, and {blocks} blocks need {2**blocks}",
    )


@dataclass(frozen=True)
class SoftTargets:
    """Scores of the published AudioSet tagger as further targets: "Distilling the knowledge in a neural network".

    The loss becomes `(1 - weight) * BCE(labels) + weight * BCE(teacher's scores)`, which keeps a fine-tuned network
    from forgetting what the mixtures do not hold (Hinton et al., 2015; not in the paper of this project).

    Attributes
    ----------
    teacher : path
        The published `.pt` file of EfficientAT mn04_as; in a recipe relative to the recipe's folder.
    weight : float
        0 ... 1.
    """

    __pydantic_config__ = FORBID
    teacher: Path
    weight: float = 0.5

    def __post_init__(self) -> None:
        _check(0 <= self.weight <= 1, f"soft_targets.weight is from 0 to 1, not {self.weight}")


@dataclass(frozen=True)
class SelfTraining:
    """Recordings without labels among the mixtures, with what a finished model says of them as targets.

    The network that learns begins as this model, head included.

    A music tagger may have a say in these targets, and so hand on what it learned from real music; see `Committee`. The
    loss becomes `(1 - weight) * loss(mixtures) + weight * BCE(targets of recordings)`. "Self-training with noisy
    student" (Xie et al., 2020) and distillation; not in the paper of this project.

    Attributes
    ----------
    recordings : tuple of path
        Prepared tagging corpora; their tags are not looked at. In a recipe these paths are relative to the recipe's
        folder.
    model : path
        Checkpoint folder of the finished model.
    tagger : path or None
        Published weights of musicnn on MTG-Jamendo (`musicnn.pth`).
    tagger_share : float
        Of the tagger in the targets of the labels that it has a say in.
    tagger_labels : tuple of str
        The labels that it has a say in; empty: all that it has tags for.
    per_batch : int
        Recordings in a batch, beside its `batch_size` mixtures.
    weight : float
        0 ... 1.
    gain_db : (float, float)
        Recordings are made louder by so much, drawn evenly.
    overlay : float
        Probability that a recording gets one of the batch's mixtures on top; the labels of both are then its targets.
    overlay_db : (float, float)
        Level of that mixture over the recording's, drawn evenly.
    """

    __pydantic_config__ = FORBID
    recordings: tuple[Path, ...]
    model: Path
    tagger: Path | None = None
    tagger_share: float = 0.5
    tagger_labels: tuple[str, ...] = ()
    per_batch: int = 8
    weight: float = 1 / 3
    gain_db: tuple[float, float] = (-12.0, 3.0)
    overlay: float = 0.0
    overlay_db: tuple[float, float] = (-3.0, 6.0)

    def __post_init__(self) -> None:
        _check(len(self.recordings) > 0, "self_training.recordings names no prepared folder")
        for name in ("tagger_share", "weight", "overlay"):
            _check(0 <= getattr(self, name) <= 1, f"self_training.{name} is from 0 to 1, not {getattr(self, name)}")
        _check(self.per_batch >= 1, f"self_training.per_batch has to be 1 or more, not {self.per_batch}")
        for name in ("gain_db", "overlay_db"):
            lowest, highest = getattr(self, name)
            _check(lowest <= highest, f"self_training.{name} is a lowest and a highest gain")
        for label in self.tagger_labels:
            _check(label in LABELS, f"self_training.tagger_labels: {label!r} is no label")

    def with_paths(self, change: Any) -> SelfTraining:
        """The same with `change` (path -> path) applied to every path."""
        return dataclasses.replace(
            self,
            recordings=tuple(change(path) for path in self.recordings),
            model=change(self.model),
            tagger=change(self.tagger) if self.tagger else None,
        )


@dataclass(frozen=True)
class TrainingConfig:
    """How the network learns. Defaults are the paper's; options beyond it are off.

    Attributes
    ----------
    transfer : {"scratch", "frozen", "finetuned"}
    epochs, batches_per_epoch, batch_size : int
        Mixtures are made on the fly, so an epoch is a number of batches: 120 of 16 in the paper.
    optimizer : {"adam", "adamw"}
    head_learning_rate : float
        Of the fully connected layers; with `scratch` of the backbone too.
    backbone_learning_rate : float
        Of a fine-tuned backbone.
    schedule : {"step", "cosine"}
        "step": times `step_factor` every `step_epochs`. "cosine": half a cosine from 1 down to `final_factor` over
        all epochs.
    step_epochs : int
    step_factor, final_factor : float
    warmup_epochs : float
        The rates rise from 0 over so many epochs, with either schedule.
    weight_decay : float
    start_decay : float
        Decay of the weights toward their first values, once a step times the learning rate; see `StartDecay`.
    gradient_clip : float or None
        Norm that the gradient is scaled down to.
    validation_mixtures : int
        The same ones after each epoch, of the validation split.
    validation_p_musical : float
        Probability of a musical mixture among them; the paper validates on musical ones only.
    thresholds : {"per_label", "single"}
        Which thresholds, tuned on the validation mixtures, the checkpoint carries; both stand in its provenance.
    workers : int
        Processes that make mixtures; 0 makes them in the training process. It changes no result.
    threads : int or None
        Threads of torch on the CPU; None: as many as it takes by itself. Where other work goes on, 1 is far quicker.
    device : {"auto", "cpu", "cuda"}
    precision : {"32-true", "16-mixed", "bf16-mixed"}
    compile : bool
        Run the network through `torch.compile`.
    soft_targets : SoftTargets or None
    self_training : SelfTraining or None
    label_smoothing : float
        Targets become `y (1 - s) + s / 2`.
    weight_average : float or None
        Decay of an exponential moving average of the weights, once a step; it is what is validated and kept.
    unfreeze_after_epochs : int
        A fine-tuned backbone is kept for so many epochs first.
    unfreeze_every_epochs : int
        Then one more of its stages learns every so many epochs, the last stage first; 0: all at once.
    trainable_stages : int or None
        Only so many of the backbone's last stages ever learn.
    freeze_batch_norm : bool
        Keep the running means and variances of a fine-tuned backbone.
    """

    __pydantic_config__ = FORBID
    transfer: Transfer = "finetuned"
    epochs: int = 150
    batches_per_epoch: int = 120
    batch_size: int = 16
    optimizer: Literal["adam", "adamw"] = "adam"
    head_learning_rate: float = 0.01
    backbone_learning_rate: float = 0.0001
    schedule: Literal["step", "cosine"] = "step"
    step_epochs: int = 20
    step_factor: float = 0.3
    final_factor: float = 0.0
    warmup_epochs: float = 0.0
    weight_decay: float = 0.0
    start_decay: float = 0.0
    gradient_clip: float | None = None
    validation_mixtures: int = 480
    validation_p_musical: float = 1.0
    thresholds: Literal["per_label", "single"] = "per_label"
    workers: int = 2
    threads: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    compile: bool = False
    soft_targets: SoftTargets | None = None
    self_training: SelfTraining | None = None
    label_smoothing: float = 0.0
    weight_average: float | None = None
    unfreeze_after_epochs: int = 0
    unfreeze_every_epochs: int = 0
    trainable_stages: int | None = None
    freeze_batch_norm: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batches_per_epoch", "validation_mixtures", "step_epochs"):
            _check(getattr(self, name) >= 1, f"{name} has to be 1 or more, not {getattr(self, name)}")
        _check(self.batch_size >= 2, f"batch_size has to be 2 or more (batch norm), not {self.batch_size}")
        for name in ("head_learning_rate", "backbone_learning_rate"):
            value = getattr(self, name)
            _check(0 < value < math.inf, f"{name} has to be above 0, not {value}")
        for name in (
            "weight_decay",
            "start_decay",
            "warmup_epochs",
            "workers",
            "unfreeze_after_epochs",
            "unfreeze_every_epochs",
        ):
            _check(0 <= getattr(self, name) < math.inf, f"{name} has to be 0 or more, not {getattr(self, name)}")
        for name in ("step_factor", "final_factor", "validation_p_musical"):
            _check(0 <= getattr(self, name) <= 1, f"{name} is from 0 to 1, not {getattr(self, name)}")
        _check(0 <= self.label_smoothing < 1, f"label_smoothing is from 0 to below 1, not {self.label_smoothing}")
        _check(self.weight_average is None or 0 < self.weight_average < 1, "weight_average lies between 0 and 1")
        _check(self.gradient_clip is None or self.gradient_clip > 0, "gradient_clip has to be above 0, or null")
        _check(self.threads is None or self.threads >= 1, "threads has to be 1 or more, or null")
        _check(self.trainable_stages is None or self.trainable_stages >= 1, "trainable_stages has to be 1 or more")
        scratch = self.transfer == "scratch"
        _check(not (scratch and self.self_training), "self_training goes on with a model: transfer cannot be scratch")

    @property
    def mixtures_per_epoch(self) -> int:
        """Mixtures that are made for an epoch of training."""
        return self.batches_per_epoch * self.batch_size


@dataclass(frozen=True)
class Recipe:
    """A run: data, network, and how it learns.

    Attributes
    ----------
    corpora : tuple of path
        Prepared folders; in a recipe relative to the recipe's folder.
    name : str
        Of the run; left out: the recipe's file name.
    seed : int
        Of the mixtures, the new weights, dropout.
    pretrained : path or None
        Where the backbone comes from, for `frozen` and `finetuned`: a checkpoint folder, or the published `.pt` file
        of EfficientAT; relative to the recipe's folder.
    goes_on_with : path or None
        A checkpoint folder whose whole network, head included, training goes on with, in place of `pretrained`.
    mixing : MixingConfig
    model : ModelConfig
    training : TrainingConfig
    """

    __pydantic_config__ = FORBID
    corpora: tuple[Path, ...]
    name: str = ""
    seed: int = 0
    pretrained: Path | None = None
    goes_on_with: Path | None = None
    mixing: MixingConfig = field(default_factory=MixingConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        _check(len(self.corpora) > 0, "corpora names no prepared folder")
        _check(self.seed >= 0, f"seed has to be 0 or more, not {self.seed}")
        own = self.training.self_training is not None
        _check(not (own and self.pretrained), "self_training.model is what it begins with: leave out pretrained")
        _check(not (own and self.goes_on_with), "self_training.model is what it begins with: leave out goes_on_with")
        _check(not (self.goes_on_with and self.pretrained), "goes_on_with has all weights: leave out pretrained")
        scratch = self.training.transfer == "scratch"
        _check(not (self.goes_on_with and scratch), "goes_on_with has all weights: transfer cannot be scratch")
        check_input(self.model, "mixing", self.mixing.sample_rate, self.mixing.chunk_frames)

    @property
    def first_network(self) -> Path | None:
        """The checkpoint folder whose whole network training begins with."""
        own = self.training.self_training
        return own.model if own else self.goes_on_with

    def with_paths(self, change: Any) -> Recipe:
        """The recipe with `change` (path -> path) applied to every path in it."""
        soft, own = self.training.soft_targets, self.training.self_training
        training = dataclasses.replace(
            self.training,
            soft_targets=soft and dataclasses.replace(soft, teacher=change(soft.teacher)),
            self_training=own and own.with_paths(change),
        )
        return dataclasses.replace(
            self,
            corpora=tuple(change(path) for path in self.corpora),
            pretrained=change(self.pretrained) if self.pretrained else None,
            goes_on_with=change(self.goes_on_with) if self.goes_on_with else None,
            training=training,
        )

    def to_plain(self) -> dict[str, Any]:
        """Plain values for YAML and JSON; paths with `/`."""
        plain: dict[str, Any] = config.to_plain(self.with_paths(lambda path: Path(path.as_posix())))
        return plain
