"""YAML files laid over each other: bases, scales, backbones.

Beside its own keys a file may have

* `base`: another file, over which this one is laid;
* `scales`: by name, what differs at that scale (with a `base` of its own, if it likes);
* `backbones`: by name, what differs with that backbone.

Mappings are laid over each other key by key; anything else is replaced. Paths are relative to the file they stand
in; in the recipes that come with organology only those of other recipes are, the rest to the working folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from organology import config, recipes
from organology.errors import ConfigError

PAPER_SCALE = "paper"
"""The scale of a file as it stands."""

_RECIPES = frozenset(("base", "recipe"))
_PATHS = frozenset(("corpora", "pretrained", "teacher", "folder", "stems", "mixture_cache", "embedding_cache"))


def read_layers(file: Path, scale: str = PAPER_SCALE, backbone: str | None = None) -> dict[str, Any]:
    """Read a file over its bases, at a scale, with a backbone.

    Parameters
    ----------
    file : path
    scale : str
        "paper", or one of the file's `scales`.
    backbone : str, optional
        Left out: the one that the file then says.

    Returns
    -------
    dict
        Plain values, with paths relative to the working folder, or absolute.

    Raises
    ------
    ConfigError
        If a file cannot be read, is its own base, or has no such scale.
    """
    values = _lay(file, scale)
    backbones = values.pop("backbones", {})
    if backbone is not None:
        values = merge(values, {"model": {"backbone": backbone}})
    return merge(values, backbones.get(values.get("model", {}).get("backbone", "short-chunk")) or {})


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another; mappings within are merged, anything else is replaced.

    Examples
    --------
    >>> merge({"a": 1, "b": {"c": 2, "d": [3]}}, {"b": {"d": [4]}})
    {'a': 1, 'b': {'c': 2, 'd': [4]}}
    """
    merged = dict(under)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = merge(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged


def _lay(file: Path, scale: str) -> dict[str, Any]:
    """A file over its bases, at a scale; `backbones` still in it."""
    values = _read(file)
    scales = values.pop("scales", None) or {}
    if scale != PAPER_SCALE:
        if scale not in scales:
            raise ConfigError(f"{file}: no scale {scale!r}; there are {', '.join([PAPER_SCALE, *scales])}")
        chosen = scales[scale] or {}
        if "base" in chosen:
            chosen = merge(
                _lay(recipes.file_of(chosen["base"]), PAPER_SCALE), {k: v for k, v in chosen.items() if k != "base"}
            )
        values = merge(values, chosen)
    return values


def _read(file: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file over its bases, paths resolved, scales still in it."""
    if file in above:
        raise ConfigError(f"{file}: is its own base")
    values = config.read_yaml(file)
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: has to be a mapping of keys")
    values = _resolve(values, file.parent, recipes.base_of(file))
    base = values.pop("base", None)
    return values if base is None else merge(_read(recipes.file_of(base), (*above, file)), values)


def _resolve(values: Any, folder: Path, base: Path) -> Any:
    """Values with the paths among them made relative to the working folder.

    `folder` is where paths of recipes begin, `base` where all others do.
    """

    def path(text: Any) -> Any:
        if isinstance(text, list):
            return [path(each) for each in text]
        return os.path.normpath(base / Path(text).expanduser()) if isinstance(text, str) else text

    def recipe(text: str) -> str:
        there = os.path.normpath(folder / Path(text).expanduser())
        return text if text in recipes.names() and not Path(there).is_file() else there

    if isinstance(values, list):
        return [_resolve(value, folder, base) for value in values]
    if not isinstance(values, dict):
        return values
    return {
        key: recipe(value)
        if key in _RECIPES and isinstance(value, str)
        else path(value)
        if key in _PATHS and not _holds_mappings(value)
        else _resolve(value, folder, base)
        for key, value in values.items()
    }


def _holds_mappings(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value))
