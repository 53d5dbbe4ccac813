"""Arguments that name a member of a registry, which is looked at when the argument is read, not when help is shown."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

import typer


def one_of(names: Callable[[], Iterable[str]]) -> Callable[[str], str]:
    """A parser for `typer.Option(parser=…)` that takes the names of a registry's members.

    Parameters
    ----------
    names : callable
        Gives them; it may import what `--help` should not wait for.
    """

    def choice(text: str) -> str:
        known = list(names())
        if text in known:
            return text
        near = difflib.get_close_matches(text, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise typer.BadParameter(f"must be one of {', '.join(known)}, got {text!r}{hint}")

    return choice
