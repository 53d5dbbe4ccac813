"""`organology tags`: what `recognize --write-tags` has written into recordings, and how it is taken out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from organology.cli.echo import echo

_Paths = Annotated[list[str], typer.Argument(metavar="PATH", help="Recordings, or folders of them.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    about = "Show the tags that `recognize --write-tags` wrote, and remove them."
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    group.command(name="show")(show)
    group.command(name="remove")(remove)
    app.add_typer(group, name="tags")


def show(paths: _Paths) -> None:
    """List what the tags of recordings say: labels, and which model."""
    from organology.filetags.writing import read_model, read_tags

    def line(name: str) -> str:
        model = read_model(name)
        return f"{name}: {'; '.join(read_tags(name)) or 'nothing'}{f' ({model})' if model else ''}"

    _each(paths, line)


def remove(
    paths: _Paths,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else it is only listed.")] = False,
) -> None:
    """Take our tags out of recordings; all others stay."""
    from pathlib import Path

    from organology.filetags.writing import remove_tags
    from organology.leftovers import sweep_once

    def line(name: str) -> str:
        if yes:
            sweep_once(Path(name).absolute().parent)
        change = remove_tags(name, dry_run=not yes)
        return change.describe(yes) if change.is_change else f"{name}: no tag of ours"

    _each(paths, line)
    if not yes:
        echo("nothing was written; with --yes the tags are removed", err=True)


def _each(paths: list[str], line: Callable[[str], str]) -> None:
    """Print a line for each recording; any error of one is its line, and the rest goes on."""
    from organology.audio.inputs import expand
    from organology.errors import OrganologyError, one_line, show_traceback

    found = expand(paths)
    failures = [f"{name}: {reason}" for name, reason in found.failures]
    for item in found.files:
        try:
            echo(line(item.name))
        except OrganologyError as error:
            failures.append(str(error))
        except Exception as error:
            show_traceback(error)
            failures.append(f"{item.name}: {one_line(error)}")
    for failure in failures:
        echo(failure, err=True)
    if failures:
        raise typer.Exit(1)
