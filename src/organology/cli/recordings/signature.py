"""The parameters of `organology recognize`, made from the fields of `batch.options.Job`."""

from __future__ import annotations

import inspect
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from organology.batch.options import Job, shown_fields

_TYPES: dict[str, Any] = {
    "bool": bool,
    "str": str,
    "float": float,
    "float | None": float | None,
    "int | None": int | None,
    "str | None": str | None,
    "Path | None": Path | None,
    "Path | str | None": str | None,
}


def parameters_of(types: dict[str, Any]) -> list[inspect.Parameter]:
    """A parameter for each field.

    Parameters
    ----------
    types : dict
        By field, where the command line takes another type; else sequences are options that may be repeated.
    """
    found = []
    for field, shown in shown_fields():
        kind = types.get(field.name, _TYPES.get(str(field.type), list[str] | None))
        if shown.group:
            about: Any = typer.Option(
                *(shown.flags or (f"--{field.name.replace('_', '-')}",)),
                metavar=shown.metavar,
                help=shown.help,
                rich_help_panel=shown.group,
                min=shown.least,
                max=shown.most,
            )
        else:
            about = typer.Argument(metavar=shown.metavar, help=shown.help, show_default=False)
        default = None if field.default == () else field.default
        if isinstance(kind, type) and issubclass(kind, Enum):
            default = kind(default)
        found.append(
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, about]
            )
        )
    return found


def job_from(given: dict[str, Any]) -> Job:
    """The job that the parsed parameters ask for."""
    names = {field.name for field, _ in shown_fields()}
    values = {name: value.value if isinstance(value, Enum) else value for name, value in given.items() if name in names}
    values["paths"], values["lists"] = values["paths"] or (), values["lists"] or ()
    return Job(**values)
