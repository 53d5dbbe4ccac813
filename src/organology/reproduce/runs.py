"""Arms: what has to be trained, by what it is known, and where it lies.

```
OUT/
├── arms/NAME-HASH/
│   ├── arm.json       the arm's settings, in short
│   ├── run/           the training; see `training.run_folder`
│   └── scores/        scores of fixed mixtures and of real recordings, one file a set
├── pretraining/       where the recipe has the backbone pre-trained
├── mixtures/          the test and validation mixtures, made once; may be deleted
└── report/            a folder an experiment
```

The hash is one of all settings that affect the weights, with the content of the tables and of the pre-trained
weights in place of their paths: what has changed is another arm, and the same arm is found by every experiment.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from organology import config
from organology.atomic import written_whole
from organology.corpora.table import TABLE_NAME
from organology.corpora.tagging.table import TABLE_NAME as TRACKS_NAME
from organology.errors import ConfigError
from organology.reproduce.recipe import Changes, ExperimentRecipe
from organology.training import Recipe
from organology.training.run_folder import RunFolder

_SPEED_ONLY = (
    ("training", "workers"),
    ("training", "device"),
    ("training", "embedding_cache"),
    ("training", "mixture_cache"),
    ("mixing", "cache_megabytes"),
)
"""Settings that change nothing but the speed."""


@dataclass(frozen=True)
class RunSpec:
    """One training of an experiment.

    Attributes
    ----------
    recipe : Recipe
        Complete, with the arm's transfer method, `p_musical` and seed.
    key : str
        The hash.
    changes : tuple of (str, Any)
        The other settings that the experiment varies, by their place, and the arm's values.
    """

    recipe: Recipe
    key: str
    changes: Changes = ()

    @property
    def transfer(self) -> str:
        """Transfer method."""
        return self.recipe.training.transfer

    @property
    def p_musical(self) -> float:
        """Probability of a musical mixture in training."""
        return self.recipe.mixing.p_musical

    @property
    def seed(self) -> int:
        """Of mixtures, new weights and dropout."""
        return self.recipe.seed

    def __str__(self) -> str:
        return f"{self.transfer}, p_musical {self.p_musical:g}{described(self.changes)}, seed {self.seed}"

    def to_dict(self) -> dict[str, Any]:
        """What sets it apart from the others, as plain values."""
        plain = {"transfer": self.transfer, "p_musical": self.p_musical, "seed": self.seed, "key": self.key}
        return {**plain, "changes": dict(self.changes)} if self.changes else plain


@dataclass(frozen=True)
class ArmFolder:
    """Paths in the folder of an arm."""

    path: Path

    @property
    def run(self) -> RunFolder:
        """The training."""
        return RunFolder(self.path / "run")

    def scores(self, name: str) -> Path:
        """Scores of a set of mixtures or recordings."""
        return self.path / "scores" / f"{name}.npz"

    @property
    def lock(self) -> Path:
        """Held by the process that works on it."""
        return self.path / ".lock"

    def is_trained(self) -> bool:
        """Whether the training has come to its end."""
        return self.run.summary.is_file()

    def describe(self, arm: RunSpec) -> None:
        """Write `arm.json`, if it is not there."""
        if not (self.path / "arm.json").is_file():
            with written_whole(self.path / "arm.json") as temporary:
                temporary.write_text(json.dumps(arm.to_dict(), indent=2, allow_nan=False) + "\n", "utf-8")


def folder_of(out: Path, arm: RunSpec) -> ArmFolder:
    """Where an arm lies in an output folder; the same arm of another experiment may have given it another name."""
    arms = out / "arms"
    named = arms / f"{arm.recipe.name}-{arm.key}"
    others = () if named.is_dir() else sorted(arms.glob(f"*-{arm.key}"))
    return ArmFolder(next(iter(others), named))


def described(changes: Changes) -> str:
    """Changes as text behind the name of an arm: `, head_learning_rate 0.001`; a setting of null is `none`."""
    return "".join(f", {place.rpartition('.')[2]} {'none' if value is None else value}" for place, value in changes)


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A recipe with settings, by their place, in place of its own.

    Raises
    ------
    ConfigError
        If there is no such setting, or a value is not valid.
    """
    if not changes:
        return recipe
    plain = recipe.to_plain()
    for place, value in changes.items():
        *sections, name = place.split(".")
        part = plain
        for section in sections:
            part = part.setdefault(section, {}) if isinstance(part, dict) else {}
            if not isinstance(part, dict):
                raise ConfigError(f"arms: {place}: {section} is no section of a recipe")
        part[name] = value
    return config.parse(plain, Recipe, "arms")


def make_run_spec(
    setup: Recipe,
    transfer: str,
    p_musical: float,
    seed: int,
    changes: Changes = (),
    of_transfer: Mapping[str, Any] | None = None,
) -> RunSpec:
    """An arm of an experiment.

    Parameters
    ----------
    setup : Recipe
    transfer : str
    p_musical : float
    seed : int
    changes : tuple of (str, Any)
        Other settings that the experiment varies.
    of_transfer : mapping, optional
        Settings that arms of this transfer method have.

    Raises
    ------
    ConfigError
        If a setting is not valid, or the pre-trained weights that it needs are missing.
    CorpusError
        If a corpus is not there.
    """
    try:
        own = changed(setup, {**(of_transfer or {}), **dict(changes)})
        recipe = replace(
            own,
            name=f"{transfer}-p{p_musical:g}{_slug(changes)}-seed{seed}",
            seed=seed,
            pretrained=None if transfer == "scratch" else own.pretrained,
            mixing=replace(own.mixing, p_musical=float(p_musical)),
            training=replace(own.training, transfer=transfer),  # type: ignore[arg-type]
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return RunSpec(recipe, fingerprint(recipe), changes)


def _slug(changes: Changes) -> str:
    """Changes as part of a folder's name, short and without special characters."""
    text = re.sub(r"[^A-Za-z0-9.]+", "_", described(changes)).strip("_")
    return f"-{text[:60]}" if text else ""


def arms_of(
    recipe: ExperimentRecipe, setup: Recipe, names: tuple[str, ...] = (), seeds: tuple[int, ...] = ()
) -> list[RunSpec]:
    """The arms of an experiment, seed by seed.

    Parameters
    ----------
    recipe : ExperimentRecipe
    setup : Recipe
        That of the recipe, with options of the command line and pre-trained weights.
    names : tuple of str
        Transfer methods, or values of `p_musical` (others than the recipe's too), to which to keep; none: all.
    seeds : tuple of int
        None: the recipe's.

    Raises
    ------
    OrganologyError
        If a name is no arm, or an arm cannot be made.
    """
    transfers, shares = choose(recipe, names)
    return [
        make_run_spec(setup, transfer, p_musical, seed, changes, recipe.arms.of_transfer.get(transfer))
        for seed, transfer, p_musical, changes in itertools.product(
            seeds or recipe.seeds, transfers, shares, recipe.arms.variants()
        )
    ]


def choose(recipe: ExperimentRecipe, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Transfer methods and values of `p_musical` that names of arms stand for.

    Raises
    ------
    ConfigError
        If a name is neither a method of the recipe nor a number from 0 to 1.
    """
    transfers = tuple(name for name in names if name in recipe.arms.transfer)
    shares: list[float] = []
    for name in names:
        if name in transfers:
            continue
        try:
            shares.append(float(name.removeprefix("p=")))
        except ValueError:
            shares.append(-1.0)
        if not 0 <= shares[-1] <= 1:
            known = [*recipe.arms.transfer, *(f"{p:g}" for p in recipe.arms.p_musical)]
            raise ConfigError(f"--arms: no arm {name!r} in {recipe.experiment}; there are {', '.join(known)}")
    return transfers or recipe.arms.transfer, tuple(dict.fromkeys(shares)) or recipe.arms.p_musical


def fingerprint(recipe: Recipe) -> str:
    """Eight hexadecimal digits of everything that affects the weights.

    Settings that are at their defaults do not count, so that an arm stays what it is when a new setting is invented.

    Raises
    ------
    CorpusError, ConfigError
        If a table or a file of weights is not there.
    """
    plain = {**recipe.to_plain(), "mixing": recipe.mixing.to_key()}
    for section, name in _SPEED_ONLY:
        plain[section].pop(name)
    plain.pop("name")
    plain["corpora"] = [content_hash(folder / TABLE_NAME) for folder in recipe.corpora]
    plain["pretrained"] = None if recipe.pretrained is None else weights_hash(recipe.pretrained)
    soft = recipe.training.soft_targets
    if soft is not None:
        plain["training"]["soft_targets"]["teacher"] = content_hash(soft.teacher)
    own = recipe.training.self_training
    if own is not None:
        plain["training"]["self_training"] |= {
            "recordings": [content_hash(folder / TRACKS_NAME) for folder in own.recordings],
            "model": weights_hash(own.model),
            "tagger": own.tagger and content_hash(own.tagger),
        }
    text = json.dumps(unlike(plain, _defaults()), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@cache
def _defaults() -> dict[str, Any]:
    return Recipe(corpora=(Path(),)).to_plain()


def unlike(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The values that are not the default ones."""
    both = {name: (value, defaults.get(name)) for name, value in values.items()}
    return {
        name: unlike(value, default) if isinstance(value, dict) and isinstance(default, dict) else value
        for name, (value, default) in both.items()
        if value != default
    }


def weights_hash(path: Path) -> str:
    """SHA-256 of a file of weights, or of those in a checkpoint folder.

    Raises
    ------
    ConfigError
        If there are none.
    """
    return content_hash(path / "model.safetensors" if path.is_dir() else path)


def content_hash(path: Path) -> str:
    """SHA-256 of a file.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
