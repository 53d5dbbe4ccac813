"""Recipes: YAML files read into frozen dataclasses, where an unknown key is an error."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from organology.config.yaml_reader import load_yaml
from organology.errors import ConfigError, one_line

FORBID = ConfigDict(extra="forbid")
"""Set `__pydantic_config__ = FORBID` in a configuration dataclass: unknown keys become errors."""

T = TypeVar("T")


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """Read a YAML file as plain Python values; see `yaml_reader` for its bounds.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not YAML.
    """
    try:
        return load_yaml(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {one_line(error)}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error


def parse(values: Any, kind: type[T], source: str) -> T:
    """Validate plain values as a configuration dataclass.

    Parameters
    ----------
    values
        Plain values, as YAML or JSON give them.
    kind : type
        A dataclass with `__pydantic_config__ = FORBID`.
    source : str
        Named in the error, e.g. the file.

    Raises
    ------
    ConfigError
        One line with the place and the reason of every fault.
    """
    try:
        valid: T = _adapter(kind).validate_python(values if values is not None else {})
        return valid
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'top level'}: {fault['msg']}"
            + (" (unknown key)" if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument") else "")
            for fault in error.errors()
        )
        raise ConfigError(f"{source}: {faults}") from error


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """A validator; they take milliseconds to make, so each is made once."""
    return _ADAPTERS.get(kind) or _ADAPTERS.setdefault(kind, TypeAdapter(kind))


def forget_validators() -> None:
    """Make all validators anew: what a configuration may hold has changed."""
    _ADAPTERS.clear()


def load(path: str | os.PathLike[str], kind: type[T]) -> T:
    """Read a YAML recipe into a configuration dataclass; see `parse`."""
    return parse(read_yaml(path), kind, str(path))


def to_plain(config: Any) -> Any:
    """A configuration dataclass as plain values that JSON and YAML can hold."""
    return _adapter(type(config)).dump_python(config, mode="json")


def replace(config: T, **changes: Any) -> T:
    """`dataclasses.replace` that leaves out changes that are None, for settings of the command line."""
    return dataclasses.replace(config, **{k: v for k, v in changes.items() if v is not None})  # type: ignore[type-var]
