"""What the verbs on recordings share: help in groups, options that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand

from organology.cli.echo import echo
from organology.errors import OptionError
from organology.outputs.formats import FORMATS


class GroupedCommand(TyperCommand):
    """A verb whose help shows options in groups: their `rich_help_panel`; those without one come last."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                panel = getattr(parameter, "rich_help_panel", None)
                is_argument = parameter.param_type_name == "argument"
                groups.setdefault("Arguments" if is_argument else panel or "Other", []).append(record)
        rest = groups.pop("Other", [])
        last = "Other" if len(groups) > 1 else "Options"
        for name, records in [*groups.items(), (last, rest)]:
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


@contextmanager
def wrong_options() -> Iterator[None]:
    """Turn options that do not fit into wrong use of the command line, with exit status 2."""
    try:
        yield
    except OptionError as error:
        raise typer.BadParameter(error.reason, param_hint=error.option) from None


@contextmanager
def wrong_option(option: str) -> Iterator[None]:
    """Turn a value that does not fit into wrong use of an option, with exit status 2."""
    try:
        yield
    except ValueError as error:
        reason = error.reason if isinstance(error, OptionError) else str(error)
        raise typer.BadParameter(reason, param_hint=option) from None


def list_formats(asked: bool) -> None:
    """Print every format of results, its files' suffix and what it holds, and end."""
    if not asked:
        return
    width = max(map(len, FORMATS))
    for name, form in FORMATS.items():
        holds = "a file a recording" if form.alone else ""
        echo(f"{name:<{width}}  {form.suffix:<13}  {form.what:<45}  {holds}".rstrip())
    raise typer.Exit
