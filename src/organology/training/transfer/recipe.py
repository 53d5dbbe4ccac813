"""Recipes of transfer: mixtures of stems, network, how it learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from organology.config import FORBID
from organology.labels import LabelSet
from organology.mixing.config import MixingConfig
from organology.model.config import ModelConfig
from organology.training.config import (
    BaseRecipe,
    ScheduleConfig,
    check,
    check_above_zero,
    check_at_least,
    check_input,
    check_share,
    load_set,
    set_or_path,
)
from organology.training.teachers.config import SelfTraining, SoftTargets
from organology.training.transfer import Transfer


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(ScheduleConfig):
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
    l2_sp : float
        Decay of the weights toward their first values, once a step times the learning rate; see `callbacks.l2_sp`.
    validation_mixtures : int
        The same ones after each epoch, of the validation split.
    validation_p_musical : float
        Probability of a musical mixture among them; the paper validates on musical ones only.
    thresholds : {"per_label", "single"}
        Which thresholds, tuned on the validation mixtures, the checkpoint carries; both stand in its provenance.
    soft_targets : SoftTargets or None
    self_training : SelfTraining or None
    unfreeze_after_epochs : int
        A fine-tuned backbone is kept for so many epochs first.
    freeze_batch_norm : bool
        Keep the running means and variances of a fine-tuned backbone.
    keep_unheard : bool
        Labels that no stem of the training split has are left out of the loss: it would teach that they never play.
    embedding_cache : path or None
        With `frozen`: a folder in which the embeddings of mixtures are kept, and from which the head then learns. Any
        number of runs may share it. Weights are those of a run without it, up to rounding.
    mixture_cache : path or None
        A folder in which mixtures are kept, half a megabyte each, for runs that learn from the same ones. It changes
        nothing but the speed.

    The others are those of `ScheduleConfig`.
    """

    __pydantic_config__ = FORBID
    transfer: Transfer = "finetuned"
    optimizer: Literal["adam", "adamw"] = "adam"
    head_learning_rate: float = 0.01
    backbone_learning_rate: float = 0.0001
    l2_sp: float = 0.0
    validation_mixtures: int = 480
    validation_p_musical: float = 1.0
    thresholds: Literal["per_label", "single"] = "per_label"
    soft_targets: SoftTargets | None = None
    self_training: SelfTraining | None = None
    unfreeze_after_epochs: int = 0
    freeze_batch_norm: bool = False
    keep_unheard: bool = False
    embedding_cache: Path | None = None
    mixture_cache: Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("head_learning_rate", "backbone_learning_rate"):
            check_above_zero(name, getattr(self, name))
        check_at_least(1, "validation_mixtures", self.validation_mixtures)
        for name in ("l2_sp", "unfreeze_after_epochs"):
            check_at_least(0, name, getattr(self, name))
        check_share("validation_p_musical", self.validation_p_musical)
        if self.self_training is not None:
            self._check_shares("self_training.per_batch", self.self_training.per_batch)
        scratch = self.transfer == "scratch"
        check(not (scratch and self.self_training), "self_training continues a model: transfer cannot be scratch")
        if self.embedding_cache is not None:
            check(self.transfer == "frozen", f"embedding_cache is for frozen backbones, transfer is {self.transfer}")
            heard = self.soft_targets or self.self_training
            check(not heard, "embedding_cache: a teacher needs the audio: leave out soft_targets and self_training")


@dataclass(frozen=True)
class Recipe(BaseRecipe):
    """A run: data, network, and how it learns.

    Attributes
    ----------
    corpora : tuple of path
        Prepared folders.
    name : str
        Of the run; left out: the recipe's file name.
    seed : int
        Of the mixtures, the new weights, dropout.
    labels : str, path or None
        The label set to learn: the name of a shipped one, or a table of one's own. None: the default set, `bradl15`;
        to evaluate and tune, the model's own.
    pretrained : path or None
        Where the backbone comes from, for `frozen` and `finetuned`: a checkpoint folder, or the published `.pt` file
        of EfficientAT.
    init_from : path or None
        A checkpoint folder whose whole network, head included, the training starts from, in place of `pretrained`.
    mixing : MixingConfig
    model : ModelConfig
    training : TrainingConfig
    """

    __pydantic_config__ = FORBID
    corpora: tuple[Path, ...]
    name: str = ""
    seed: int = 0
    labels: str | Path | None = None
    pretrained: Path | None = None
    init_from: Path | None = None
    mixing: MixingConfig = field(default_factory=MixingConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", set_or_path(self.labels))
        check(len(self.corpora) > 0, "corpora names no prepared folder")
        check_at_least(0, "seed", self.seed)
        own = self.training.self_training is not None
        check(not (own and self.pretrained), "self_training.model is where it starts: leave out pretrained")
        check(not (own and self.init_from), "self_training.model is where it starts: leave out init_from")
        check(not (self.init_from and self.pretrained), "init_from has all weights: leave out pretrained")
        scratch = self.training.transfer == "scratch"
        check(not (self.init_from and scratch), "init_from has all weights: transfer cannot be scratch")
        check_input(self.model, "mixing", self.mixing.sample_rate, self.mixing.chunk_frames)

    @property
    def first_network(self) -> Path | None:
        """The checkpoint folder whose whole network the training starts from."""
        own = self.training.self_training
        return own.model if own else self.init_from

    @cached_property
    def label_set(self) -> LabelSet:
        """The label set to learn.

        Raises
        ------
        ConfigError
            If there is no such set, or its table is at fault.
        """
        return load_set(self.labels)

    def check_labels(self) -> None:
        """Check that the labels that the recipe names are of its set.

        Raises
        ------
        ConfigError, ValueError
            If there is no such set, or one is none of its labels.
        """
        own, label_set = self.training.self_training, self.label_set
        if own is not None:
            label_set.check(own.tagger_labels)
