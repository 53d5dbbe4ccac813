"""Recipes of experiments: the paper's numbers once, and what differs at another scale.

A file has the keys of a training recipe, those of `ExperimentRecipe`, and those of `layers`.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from organology import config, recipes
from organology.config import FORBID
from organology.errors import ConfigError
from organology.reproduce.config_compose import PAPER_SCALE, read_layers
from organology.training import Recipe
from organology.training.transfer import Transfer

Experiment = Literal["pretrain", "table1", "figure3", "figure4", "sweep"]
EXPERIMENTS: tuple[Experiment, ...] = ("pretrain", "table1", "figure3", "figure4")
GROUP = "bradl2023"
"""Of the recipes that come with organology."""

Changes = tuple[tuple[str, Any], ...]
"""Settings by their place in a recipe, as `training.batch_size`, with their values."""


@dataclass(frozen=True)
class ArmsConfig:
    """What is varied: every transfer method with every `p_musical` and every value of other settings.

    Attributes
    ----------
    transfer : tuple of {"scratch", "frozen", "finetuned"}
    p_musical : tuple of float
    vary : dict of str to tuple
        Any other settings, by their place in the recipe, and the values that each takes:
        `training.head_learning_rate: [0.01, 0.001]`, `training.freeze_batch_norm: [false, true]`, `corpora: [...]`.
    of_transfer : dict of str to dict
        Settings of a transfer method that differ from those of the others, by their place:
        `scratch: {model.options.norm_momentum: 0.1}`.
    """

    __pydantic_config__ = FORBID
    transfer: tuple[Transfer, ...] = ("finetuned",)
    p_musical: tuple[float, ...] = (0.4,)
    vary: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    of_transfer: dict[str, dict[str, Any]] = field(default_factory=dict)

    def variants(self) -> tuple[Changes, ...]:
        """Every combination of the varied settings; one without changes where none is varied."""
        each = [[(place, value) for value in values] for place, values in self.vary.items()]
        return tuple(itertools.product(*each))

    def __post_init__(self) -> None:
        for place, values in self.vary.items():
            if not values:
                raise ValueError(f"arms.vary.{place}: names one value or more")
        unknown = set(self.of_transfer) - set(get_args(Transfer))
        if unknown:
            raise ValueError(f"arms.of_transfer: {', '.join(sorted(unknown))} is no transfer method")
        own = {"training.transfer", "mixing.p_musical", "seed"} & set(self.vary)
        if own:
            raise ValueError(f"arms.vary: {', '.join(sorted(own))} is varied by transfer, p_musical or seeds")
        if not self.transfer or not self.p_musical:
            raise ValueError("arms: transfer and p_musical each name one value or more")
        if not all(0 <= p <= 1 for p in self.p_musical):
            raise ValueError(f"arms.p_musical: from 0 to 1, not {self.p_musical}")


@dataclass(frozen=True)
class TestConfig:
    """What the trained networks are tested with.

    Attributes
    ----------
    mixtures : tuple of int
        Sizes of the test sets: the first so many mixtures of one row. The paper's has 120.
    tuning_mixtures : int
        Thresholds are tuned on so many mixtures of the validation split.
    p_musical : float
        Of both; the paper tests on musical mixtures only.
    bootstrap : int
        Resamples of the songs.
    clips_hop_seconds : float
        Distance of the windows of real recordings.
    """

    __test__ = False
    __pydantic_config__ = FORBID
    mixtures: tuple[int, ...] = (120, 2000)
    tuning_mixtures: int = 1000
    p_musical: float = 1.0
    bootstrap: int = 1000
    clips_hop_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not self.mixtures or min(self.mixtures) < 1 or self.tuning_mixtures < 1 or self.bootstrap < 1:
            raise ValueError("test: mixtures, tuning_mixtures and bootstrap have to be 1 or more")
        if not 0 <= self.p_musical <= 1 or self.clips_hop_seconds <= 0:
            raise ValueError("test: p_musical is from 0 to 1, clips_hop_seconds above 0")


@dataclass(frozen=True)
class PretrainingStep:
    """Where pre-trained weights come from when none are given.

    Attributes
    ----------
    verb : {"pretrain", "train"}
        Which verb of `organology` follows the recipe: tags (or a teacher) or mixtures.
    recipe : path
    """

    __pydantic_config__ = FORBID
    verb: Literal["pretrain", "train"]
    recipe: Path


@dataclass(frozen=True)
class PrepareStep:
    """A corpus that is prepared where it is missing.

    Attributes
    ----------
    folder : path
        Of the prepared corpus.
    stems : path
        Its source, with a `stems.csv` or folders that `organology prepare stems` reads.
    """

    __pydantic_config__ = FORBID
    folder: Path
    stems: Path


@dataclass(frozen=True)
class ExperimentRecipe:
    """An experiment at one scale.

    Attributes
    ----------
    experiment : {"pretrain", "table1", "figure3", "figure4", "sweep"}
        "sweep": any arms, each against the first; it is a recipe of your own.
    scale : str
    name : str
        Of the recipe's file; the report lies under it.
    arms : ArmsConfig
    seeds : tuple of int
        Each arm is trained once with each; they replace the seed of `setup`.
    test : TestConfig
    pretraining : PretrainingStep or None
        None: `setup.pretrained` is taken as it is.
    prepare : tuple of PrepareStep
    setup : Recipe
        What all arms share; their transfer method, `p_musical` and seed are put in its place.
    """

    __pydantic_config__ = FORBID
    experiment: Experiment
    setup: Recipe
    scale: str = PAPER_SCALE
    name: str = ""
    arms: ArmsConfig = field(default_factory=ArmsConfig)
    seeds: tuple[int, ...] = (0,)
    test: TestConfig = field(default_factory=TestConfig)
    pretraining: PretrainingStep | None = None
    prepare: tuple[PrepareStep, ...] = ()

    def __post_init__(self) -> None:
        if not self.seeds or min(self.seeds) < 0:
            raise ValueError("seeds: one or more, each 0 or more")


def find_recipe(name: str) -> Path:
    """The file of an experiment: a path that ends in `.yaml`, or the name of one that comes with organology.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if name in EXPERIMENTS:
        return recipes.file_of(f"{GROUP}/{name}")
    if name.endswith((".yaml", ".yml")) or name in recipes.names():
        return recipes.file_of(name)
    raise ConfigError(f"no experiment {name!r}; there are {', '.join(EXPERIMENTS)}, or give a recipe's .yaml file")


def load_experiment(
    path: str | os.PathLike[str], scale: str = PAPER_SCALE, backbone: str | None = None
) -> ExperimentRecipe:
    """Read the recipe of an experiment at a scale.

    Parameters
    ----------
    path : path-like
    scale : str
        "paper", or one of the file's `scales`.
    backbone : str, optional
        Left out: the one that the recipe then says.

    Raises
    ------
    ConfigError
        One line with the file, the place and the reason.
    """
    values = read_layers(recipes.file_of(path), scale, backbone)
    own = {"experiment", "arms", "seeds", "test", "pretraining", "prepare"}
    place = f"{path} ({scale})"
    setup = {key: value for key, value in values.items() if key not in own}
    parts = {key: value for key, value in values.items() if key in own}
    named = {**parts, "scale": scale, "name": Path(path).stem, "setup": setup}
    recipe = config.parse(named, ExperimentRecipe, place)
    if recipe.setup.training.processes > 1:  # Lightning starts the others with the command line of the first
        raise ConfigError(f"{place}: training.devices, training.num_nodes: must be 1: experiments train in one process")
    return recipe


def override(
    recipe: ExperimentRecipe,
    *,
    corpora: list[Path] | None = None,
    epochs: int | None = None,
    workers: int | None = None,
) -> ExperimentRecipe:
    """The recipe with settings of the command line; None leaves what it says.

    With another number of epochs the learning rates fall at the same shares of the whole.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """
    setup = recipe.setup
    changes: dict[str, Any] = {} if workers is None else {"workers": workers}
    if epochs is not None:
        steps = max(1, round(setup.training.step_epochs * epochs / setup.training.epochs))
        changes |= {"epochs": epochs, "step_epochs": steps}
    try:
        training = replace(setup.training, **changes)
        setup = replace(setup, corpora=tuple(corpora) if corpora else setup.corpora, training=training)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return replace(recipe, setup=setup)


def read_seeds(text: str | None) -> tuple[int, ...]:
    """Seeds of the command line, "0,1,2"; none of None.

    Raises
    ------
    ConfigError
        If a part is not a number of 0 or more.

    Examples
    --------
    >>> read_seeds("0, 2")
    (0, 2)
    """
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise ConfigError(f"--seeds {text}: numbers of 0 or more are needed, as 0,1,2")
    return tuple(dict.fromkeys(int(part) for part in parts))
