"""Recipes as files: read, written, compared; and what the two kinds of recipe have in common."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar

from organology import config
from organology.atomic import written_whole
from organology.errors import ConfigError
from organology.training.transfer.recipe import Recipe


class HowToRun(Protocol):
    """What a `TrainingConfig` and a `PretrainingConfig` both say."""

    @property
    def epochs(self) -> int: ...  # noqa: D102
    @property
    def batches_per_epoch(self) -> int: ...  # noqa: D102
    @property
    def threads(self) -> int | None: ...  # noqa: D102
    @property
    def device(self) -> Literal["auto", "cpu", "cuda"]: ...  # noqa: D102
    @property
    def precision(self) -> Literal["32-true", "16-mixed", "bf16-mixed"]: ...  # noqa: D102
    @property
    def gradient_clip(self) -> float | None: ...  # noqa: D102


class AnyRecipe(Protocol):
    """What a `Recipe` and a `PretrainingRecipe` both are."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def training(self) -> HowToRun: ...  # noqa: D102
    def with_paths(self, change: Any) -> Self: ...  # noqa: D102
    def to_plain(self) -> dict[str, Any]: ...  # noqa: D102


R = TypeVar("R", bound=AnyRecipe)


def load_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe; its paths come back relative to the working folder or absolute, ready to be opened.

    Raises
    ------
    ConfigError
        One line with the file, the place and the reason.
    """
    return load_recipe_as(path, Recipe)


def load_recipe_as(path: str | os.PathLike[str], kind: type[R]) -> R:
    """Read a recipe of a kind; see `load_recipe`."""
    file = Path(path)
    recipe = config.load(file, kind)
    if not recipe.name:
        recipe = config.replace(recipe, name=file.stem)
    return recipe.with_paths(lambda p: Path(os.path.normpath(file.parent / p.expanduser())))


def override_recipe(recipe: R, corpora: Sequence[Path] | None, seed: int | None, training: dict[str, Any]) -> R:
    """A recipe with corpora, a seed and settings of `training` in place of its own; None leaves what it says.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """
    try:
        return config.replace(
            recipe,
            corpora=tuple(corpora) if corpora else None,
            seed=seed,
            training=config.replace(recipe.training, **training),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error


def save_recipe(recipe: AnyRecipe, path: str | os.PathLike[str]) -> None:
    """Write a recipe so that `load_recipe` gives it back; its paths become relative to the file's folder."""
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


def require_files(recipe: Recipe) -> None:
    """Check that what a recipe names is there.

    Raises
    ------
    ConfigError
        If a transfer lacks its pre-trained weights, or a named file is missing.
    """
    own = recipe.training.self_training
    if recipe.training.transfer != "scratch" and recipe.first_network is None:
        if recipe.pretrained is None:
            raise ConfigError(f"{recipe.name}: {recipe.training.transfer} needs `pretrained` weights (or --pretrained)")
        if not recipe.pretrained.exists():
            raise ConfigError(f"{recipe.pretrained}: no such pre-trained weights")
    soft = recipe.training.soft_targets
    if soft is not None and not soft.teacher.is_file():
        raise ConfigError(f"{soft.teacher}: no such teacher")
    if recipe.first_network is not None and not recipe.first_network.is_dir():
        raise ConfigError(f"{recipe.first_network}: no such checkpoint folder")
    if own is not None and own.tagger is not None and not own.tagger.is_file():
        raise ConfigError(f"{own.tagger}: no such music tagger")
