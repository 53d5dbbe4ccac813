"""The recipes that come with organology, as YAML files: `organology recipes list` names them.

A command takes a recipe of its own by a file's path, or one of these by its name: `organology train demo`. Paths in
these files are relative to the working folder, so a copy of one there means the same.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from organology.errors import ConfigError

FOLDER = Path(__file__).resolve().parent
_SUFFIXES = (".yaml", ".yml")


def names() -> tuple[str, ...]:
    """Names of the recipes, sorted: `demo`, `bradl2023/table1`, …"""
    return tuple(sorted(file.relative_to(FOLDER).with_suffix("").as_posix() for file in FOLDER.rglob("*.yaml")))


def file_of(recipe: str | os.PathLike[str]) -> Path:
    """The file of a recipe.

    Parameters
    ----------
    recipe : path-like
        A file; or the name of a recipe that comes with organology, with or without `recipes/` in front and `.yaml`
        behind. A file goes before a name.

    Raises
    ------
    ConfigError
        If it ends like no file, and no recipe has this name.

    Examples
    --------
    >>> file_of("mine.yaml").as_posix(), file_of("demo").name, file_of("recipes/demo.yaml") == file_of("demo")
    ('mine.yaml', 'demo.yaml', True)
    """
    path = Path(recipe)
    if path.is_file() or path.is_absolute():
        return path
    name = path.as_posix().removeprefix("recipes/")
    inside = FOLDER / (name if name.endswith(_SUFFIXES) else f"{name}.yaml")
    if ".." not in path.parts and inside.is_file():
        return inside
    if path.suffix in _SUFFIXES:
        return path
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"; did you mean {near[0]}?" if near else "; organology recipes list names them"
    raise ConfigError(f"{path}: no such file, and no recipe of this name{hint}")


def is_recipe(text: str | os.PathLike[str]) -> bool:
    """Whether a text is the path of a YAML file, or the name of a recipe that comes with organology."""
    path = Path(text)
    return path.suffix.lower() in _SUFFIXES or (path.as_posix() in names() and not path.is_dir())


def base_of(file: Path) -> Path:
    """The folder that paths in a recipe are relative to: the file's, of a recipe that comes with organology `.`."""
    return Path() if file.resolve().is_relative_to(FOLDER) else file.parent


def title(name: str) -> str:
    """The first sentence of the comment at a recipe's head."""
    head = " ".join(_comment(file_of(name)))
    return head.partition(". ")[0].rstrip(".")


def _comment(file: Path) -> Iterator[str]:
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("#") or not line.strip("# "):
            return
        yield line.strip("# ")
