"""What mixing reads of a recipe: the corpora and the settings of mixing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict

from organology import config
from organology.mixing.config import MixingConfig


@dataclass(frozen=True)
class MixRecipe:
    """The part of a recipe that mixing needs.

    Other keys at the top level (`model`, `training` …) belong to other rooms and are passed over; an unknown key
    within `mixing` is an error.

    Attributes
    ----------
    corpora : tuple of Path
        Prepared corpora. In the file they are relative to its folder.
    mixing : MixingConfig
    """

    __pydantic_config__ = ConfigDict(extra="ignore")
    corpora: tuple[Path, ...] = ()
    mixing: MixingConfig = field(default_factory=MixingConfig)


def load_recipe(path: str | os.PathLike[str]) -> MixRecipe:
    """Read a recipe; the paths of its corpora come out relative to the working folder, or absolute.

    Raises
    ------
    ConfigError
        If the file cannot be read or its `corpora` or `mixing` are not valid.
    """
    recipe = config.load(path, MixRecipe)
    folder = Path(path).parent
    return MixRecipe(tuple(folder / corpus for corpus in recipe.corpora), recipe.mixing)
