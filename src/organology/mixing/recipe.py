"""What mixing reads of a recipe: the corpora, the label set and the settings of mixing."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict

from organology import config, recipes
from organology.labels import LabelSet, default_set
from organology.mixing.config import MixingConfig


@dataclass(frozen=True)
class MixRecipe:
    """The part of a recipe that mixing needs.

    Other keys at the top level (`model`, `training` …) are for other commands and are skipped; an unknown key within
    `mixing` is an error.

    Attributes
    ----------
    corpora : tuple of Path
        Prepared corpora. In the file they are relative to its folder.
    mixing : MixingConfig
    labels : str or None
        Label set: a name, or the path of a table, in the file relative to its folder; None: the default set.
    """

    __pydantic_config__ = ConfigDict(extra="ignore")
    corpora: tuple[Path, ...] = ()
    mixing: MixingConfig = field(default_factory=MixingConfig)
    labels: str | None = None

    @property
    def label_set(self) -> LabelSet:
        """The label set that `labels` names.

        Raises
        ------
        ConfigError
            If there is none.
        """
        return LabelSet.load(self.labels) if self.labels else default_set()


def load_recipe(path: str | os.PathLike[str]) -> MixRecipe:
    """Read a recipe; its paths come out relative to the working folder, or absolute.

    Raises
    ------
    ConfigError
        If the file cannot be read or its `corpora` or `mixing` are not valid.
    """
    file = recipes.file_of(path)
    recipe = config.load(file, MixRecipe)
    folder = recipes.base_of(file)
    labels = recipe.labels
    if labels and (Path(labels).suffix or len(Path(labels).parts) > 1):  # a table's path, not the name of a set
        labels = str(folder / labels)
    return MixRecipe(tuple(folder / corpus for corpus in recipe.corpora), recipe.mixing, labels)
