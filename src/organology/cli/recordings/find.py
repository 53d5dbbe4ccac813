"""`organology find`: which recordings of a store have certain instruments; `organology store`: what is in it."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from organology.cli.recordings.options import GroupedCommand, checked_label, thresholds_of


class FindFormat(StrEnum):
    """What is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PATHS = "paths"
    M3U = "m3u"


_Store = Annotated[Path, typer.Argument(metavar="STORE", help="What `recognize --store` wrote.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command(name="find", cls=GroupedCommand)(find)
    told = "Look into a store of recognitions, and tidy it."
    group = typer.Typer(help=told, no_args_is_help=True, rich_markup_mode=None)
    group.command(name="info")(info)
    group.command(name="prune")(prune)
    app.add_typer(group, name="store")


def find(
    query: Annotated[
        str, typer.Argument(metavar="[QUERY]", help="Such as 'violin and not drums'; none: all.", show_default=False)
    ] = "",
    store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `recognize --store` wrote.", show_default=False)
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LABEL=]X",
            help="In place of the model's: one for all labels (0.4), or for one (violin=0.4); may be repeated.",
        ),
    ] = None,
    min_seconds: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="A label counts where its segments add up to this, whatever the file's score.",
        ),
    ] = None,
    output_format: Annotated[FindFormat, typer.Option("--format", help="What is written.")] = FindFormat.TABLE,
    null: Annotated[bool, typer.Option("--null", "-0", help="paths: NUL bytes end them (xargs -0).")] = False,
    sort: Annotated[
        str,
        typer.Option(metavar="BY", help="path, duration or a label (highest score first); -BY turns it round."),
    ] = "path",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
) -> None:
    """Find recordings in a store by what plays in them.

    A query has labels, and, or, not, parentheses, and comparisons: violin > 0.8, singer.seconds >= 30,
    drums.share < 10%, duration > 3:00, path ~ "*/live/*".
    """
    if store is None:
        raise typer.BadParameter("is needed", param_hint="--store")
    thresholds = thresholds_of(threshold)
    by = sort if sort.lstrip("-") in ("path", "duration") else _by_label(sort)
    from organology.library.query.parser import parse
    from organology.library.query.tree import labels_of
    from organology.library.report import write_found
    from organology.library.store import Store
    from organology.library.table import Library, sorted_rows
    from organology.taxonomy import LABELS

    labels = labels_of(parse(query))
    levels = dict.fromkeys(LABELS, thresholds) if isinstance(thresholds, float) else thresholds
    with Store(store, create=False) as opened:
        library = Library.load(opened, levels, min_seconds)
        found = library.find(query)
        found = found.taken(sorted_rows(found, by)[:limit])
    if by.lstrip("-") in LABELS and by.lstrip("-") not in labels:
        labels.append(by.lstrip("-"))
    _reconfigure("surrogateescape" if output_format in (FindFormat.PATHS, FindFormat.M3U) else "backslashreplace")
    try:
        write_found(found, output_format.value, sys.stdout, query=query, labels=labels, null=null)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, e.g. `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    if output_format is FindFormat.TABLE:
        typer.echo(f"{len(found)} of {len(library)} recordings", err=True)


def info(store: _Store) -> None:
    """Tell what a store holds."""
    from organology.library.store import Store
    from organology.library.table import Library
    from organology.taxonomy import LABELS

    with Store(store, create=False) as opened:
        typer.echo(f"{store}: {store.stat().st_size / 1e6:.1f} MB")
        for run in opened.runs():
            good, bad = opened.count(run)
            typer.echo(f"{run.model}, windows every {run.hop_seconds:g} s: {good} files recognized, {bad} not")
        library = Library.load(opened)
    typer.echo(f"{library.durations.sum() / 3600:.1f} hours in {len(library)} recordings; of these play")
    for i, label in enumerate(LABELS):
        typer.echo(f"  {label:16} {int(library.plays[:, i].sum()):8}")


def prune(
    store: _Store,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else it is only told.")] = False,
) -> None:
    """Forget files that are gone (also those on a disk that is not mounted now)."""
    from organology.library.store import Store

    with Store(store, create=yes) if yes and store.is_file() else Store(store, create=False) as opened:
        gone = opened.prune(dry_run=not yes)
    _reconfigure("surrogateescape")
    for path in gone:
        typer.echo(path)
    typer.echo(f"{len(gone)} files {'forgotten' if yes else 'are gone; --yes forgets them'}", err=True)


def _by_label(sort: str) -> str:
    sign = "-" if sort.startswith("-") else ""
    return sign + checked_label(sort.removeprefix("-"), "--sort")


def _reconfigure(errors: str) -> None:
    # A name that is not UTF-8 must not end the output.
    reconfigure: Any = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=errors)
