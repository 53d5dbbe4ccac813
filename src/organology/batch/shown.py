"""How the command line shows a field of a dataclass of options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """How the command line shows a field.

    Attributes
    ----------
    help : str
    group : str
        "" is an argument.
    flags : tuple of str
        Default: the field's name.
    metavar : str, optional
    least, most : float, optional
        The range of a number.
    """

    help: str
    group: str = ""
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    least: float | None = None
    most: float | None = None


def shown(
    default: T,
    help_text: str,
    group: str = "",
    *flags: str,
    metavar: str | None = None,
    least: float | None = None,
    most: float | None = None,
) -> T:
    """A field with a default; its metadata have the `Option` as `option`."""
    made: Any = field(default=default, metadata={"option": Option(help_text, group, flags, metavar, least, most)})
    return made  # type: ignore[no-any-return]
