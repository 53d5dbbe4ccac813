"""`organology find`: which recordings of a store have certain instruments."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from organology.cli.recordings.options import GroupedCommand, wrong_option, wrong_options


class FindFormat(StrEnum):
    """What is written: `library.report.FIND_FORMATS`."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PATHS = "paths"
    M3U = "m3u"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="find", cls=GroupedCommand)(find)


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
    strict: Annotated[
        bool,
        typer.Option("--strict", help="The model's strict thresholds: what is found is more surely there."),
    ] = False,
    sensitive: Annotated[
        bool,
        typer.Option("--sensitive", help="The model's sensitive thresholds: less is missed."),
    ] = False,
    min_seconds: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="A label counts where its segments add up to this, whatever the file's score.",
        ),
    ] = None,
    output_format: Annotated[
        FindFormat | None,
        typer.Option("--format", help="What is written.  [default: as --output ends, else table]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write, whole, in place of standard output."),
    ] = None,
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
    from organology.batch.words import preset_of, thresholds_of
    from organology.library.query.parser import parse
    from organology.library.query.tree import labels_of
    from organology.library.report import found_format, write_found
    from organology.library.store import Store
    from organology.library.table import Library, sorted_rows
    from organology.outputs.sinks import opened as opened_output
    from organology.outputs.sinks import output_path
    from organology.targets import check_output, with_companions

    with wrong_options():
        preset = preset_of(strict, sensitive)
    target = output_path(output)
    form = output_format.value if output_format is not None else found_format(target)
    if target is not None:
        check_output(target, with_companions(store))
    with Store(store, create=False) as opened:
        with wrong_option("--threshold"):
            thresholds = thresholds_of(threshold or (), opened.label_set)
        with wrong_option("--sort"):
            by = _column(sort, opened.label_set.find)
        labels = labels_of(parse(query, opened.label_set), opened.label_set)
        with wrong_option(f"--{preset or 'threshold'}"):
            library = Library.load(opened, thresholds, min_seconds, preset)
        matching = library.find(query)
        found = matching.taken(sorted_rows(matching, by)[:limit])
        plain = by.lstrip("-")
        if plain in opened.label_set.labels and plain not in labels:
            labels.append(plain)
        with opened_output(target, durable=True, keeps_bytes=form in ("paths", "m3u")) as stream:
            write_found(found, form, stream, query=query, labels=labels, null=null)
    for name in library.unreadable:
        typer.echo(f"{store}: {name}: its row is damaged, and left out; recognize it again", err=True)
    if form == FindFormat.TABLE.value:
        cut = f"{len(found)} shown of " if len(found) < len(matching) else ""
        typer.echo(f"{cut}{len(matching)} of {len(library)} recordings", err=True)


def _column(sort: str, find_labels: Callable[[str], tuple[str, ...]]) -> str:
    """What `--sort` names; a label as people say it."""
    sign = "-" if sort.startswith("-") else ""
    name = sort.removeprefix("-")
    if name in ("path", "duration"):
        return sort
    labels = find_labels(name)
    if len(labels) != 1:
        raise ValueError(f"{name!r} means {' and '.join(labels)}; name one of them")
    return f"{sign}{labels[0]}"
