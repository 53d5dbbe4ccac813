"""Recipes as files: read, written, compared, changed from the command line. One reader for the recipes of all tasks.

Paths in a file are relative to the file's folder (`~` is the home folder), in the recipes that come with organology to
the working folder. A recipe that has been read holds paths
relative to the working folder, or absolute ones, ready to be opened; a saved one is relative to its new place.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from organology import config, recipes
from organology.atomic import written_whole
from organology.errors import ConfigError
from organology.training.config import LoopConfig, PathChange
from organology.training.distillation.recipe import DistillationRecipe
from organology.training.tag_pretraining.recipe import PretrainingRecipe
from organology.training.transfer.recipe import Recipe

log = logging.getLogger(__name__)


class AnyRecipe(Protocol):
    """What the recipes of all tasks have."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def training(self) -> LoopConfig: ...  # noqa: D102
    def with_paths(self, change: PathChange) -> Self: ...  # noqa: D102
    def to_plain(self) -> dict[str, Any]: ...  # noqa: D102


R = TypeVar("R", bound=AnyRecipe)

RENAMED = {"goes_on_with": "init_from", "training.start_decay": "training.l2_sp"}
"""Settings of earlier versions and their names today."""

REMOVED = {
    "training.label_smoothing": 0.0,
    "training.unfreeze_every_epochs": 0,
    "training.trainable_stages": None,
    "training.self_training.overlay": 0.0,
    "training.self_training.overlay_db": None,
}
"""Settings of earlier versions that are gone, and the values that turned them off (None: whatever it says)."""


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe of transfer: a file, or the name of one that comes with organology.

    Raises
    ------
    ConfigError
        One line with the file, the place and the reason.
    """
    return load_recipe_as(path, Recipe)


def load_pretraining_recipe(path: str | os.PathLike[str]) -> PretrainingRecipe | DistillationRecipe:
    """Read a recipe of pre-training; one that names a `teacher` is learned from that.

    Raises
    ------
    ConfigError
        One line with the file, the place and the reason.
    """
    values = config.read_yaml(recipes.file_of(path))
    if isinstance(values, dict) and "teacher" in values:
        return load_recipe_as(path, DistillationRecipe)
    return load_recipe_as(path, PretrainingRecipe)


def load_recipe_as(path: str | os.PathLike[str], kind: type[R], quiet: bool = False) -> R:
    """Read a recipe of a kind; `quiet`: without a word about settings that have been renamed.

    Raises
    ------
    ConfigError
        One line with the file, the place and the reason.
    """
    file = recipes.file_of(path)
    values = config.read_yaml(file)
    if isinstance(values, dict):
        values = _current(values, file, quiet)
    recipe = config.parse(values, kind, str(file))
    if not recipe.name:
        recipe = config.replace(recipe, name=file.stem)
    folder = recipes.base_of(file)
    recipe = recipe.with_paths(lambda p: Path(os.path.normpath(folder / p.expanduser())))
    if isinstance(recipe, Recipe):
        try:
            recipe.check_labels()
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"{file}: labels: {error}") from error
    return recipe


def _current(values: dict[str, Any], file: Path, quiet: bool) -> dict[str, Any]:
    """The plain values of a recipe of an earlier version as those of this one."""
    values = {k: dict(v) if isinstance(v, dict) else v for k, v in values.items()}
    training = values.get("training")
    if isinstance(training, dict) and isinstance(training.get("self_training"), dict):
        training["self_training"] = dict(training["self_training"])
    for old, new in RENAMED.items():
        section, key = _section(values, old)
        if section is None or key not in section:
            continue
        name = new.rpartition(".")[2]
        if name in section:
            raise ConfigError(f"{file}: {old} is the old name of {new}: leave it out")
        section[name] = section.pop(key)
        if not quiet and section[name] is not None:
            log.warning("%s: %s is now called %s", file, old, new)
    for old, off in REMOVED.items():
        section, key = _section(values, old)
        if section is not None and key in section:
            value = section.pop(key)
            if (off is not None and value != off) or (old.endswith("stages") and value is not None):
                raise ConfigError(f"{file}: {old} was removed; leave it out")
    return values


def _section(values: dict[str, Any], place: str) -> tuple[dict[str, Any] | None, str]:
    """The part of plain values that holds a setting, None if there is no such part, and the setting's key."""
    *sections, key = place.split(".")
    part: Any = values
    for name in sections:
        part = part.get(name) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else None, key


def override(
    recipe: R,
    *,
    corpora: Sequence[Path] | None = None,
    labels: str | None = None,
    pretrained: Path | None = None,
    seed: int | None = None,
    **training: Any,
) -> R:
    """A recipe with settings of the command line in place of its own; None leaves what it says.

    Of `mixing.corpus_weights` those are kept whose corpus is among `corpora`.

    Raises
    ------
    ConfigError
        If a value is not valid.
    CorpusError
        If one of `corpora` is no prepared corpus, and the recipe weighs corpora.
    """
    given = {"corpora": tuple(corpora) if corpora else None, "labels": labels, "pretrained": pretrained, "seed": seed}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    mixing = getattr(recipe, "mixing", None)
    if corpora and mixing is not None and mixing.corpus_weights:
        changes["mixing"] = dataclasses.replace(mixing, corpus_weights=_kept(mixing.corpus_weights, corpora))
    try:
        changes["training"] = config.replace(recipe.training, **training)
        changed = dataclasses.replace(recipe, **changes)  # type: ignore[type-var]
        if isinstance(changed, Recipe):
            changed.check_labels()
        return changed
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _kept(weights: dict[str, float], corpora: Sequence[Path]) -> dict[str, float]:
    from organology.corpora.table import read_table

    there = {name for folder in corpora for name in read_table(folder)["corpus"]}
    return {name: weight for name, weight in weights.items() if name in there}


def save_recipe(recipe: AnyRecipe, path: str | os.PathLike[str]) -> None:
    """Write a recipe so that `load_recipe_as` gives it back."""
    import yaml

    folder = Path(path).resolve().parent
    relative = recipe.with_paths(lambda p: Path(os.path.relpath(p.resolve(), folder)))
    with written_whole(path) as temporary:
        temporary.write_text(yaml.safe_dump(relative.to_plain(), sort_keys=False, allow_unicode=True), "utf-8")


def difference(one: AnyRecipe, other: AnyRecipe, ignored: tuple[str, ...]) -> str | None:
    """Place of the first setting in which two recipes differ, e.g. `training.batch_size`; None if there is none."""

    def flat(values: Any, place: str = "") -> dict[str, Any]:
        if not isinstance(values, dict):
            return {place: values}
        return {k: v for key, value in values.items() for k, v in flat(value, f"{place}.{key}".strip(".")).items()}

    first, second = (flat(recipe.with_paths(lambda p: p.resolve()).to_plain()) for recipe in (one, other))
    places = (place for place in {**first, **second} if not place.startswith(ignored))
    return next((place for place in places if first.get(place) != second.get(place)), None)
