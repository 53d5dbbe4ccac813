"""`organology find`: which recordings of a store have certain instruments."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from organology.cli.echo import echo
from organology.cli.recordings.options import GroupedCommand, wrong_option, wrong_options
from organology.counted import counted

if TYPE_CHECKING:
    from organology.labels import LabelSet
    from organology.library.report import FoundRows
    from organology.recognition.thresholds import Thresholds


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
        str | None, typer.Option(metavar="STORE", help="What `recognize --store` wrote.", show_default=False)
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
    from organology.batch.words import preset_of
    from organology.cluster.address import is_dataset
    from organology.library.report import found_format, write_found
    from organology.outputs.sinks import opened as opened_output
    from organology.outputs.sinks import output_path
    from organology.targets import check_output, with_companions

    with wrong_options():
        preset = preset_of(strict, sensitive)
    target = output_path(output)
    form = output_format.value if output_format is not None else found_format(target)
    if target is not None:
        check_output(target, () if is_dataset(store) else with_companions(store))
    is_counted = form == FindFormat.TABLE.value
    names_only = form in (FindFormat.PATHS.value, FindFormat.M3U.value)
    asked = _Asked(query, store, tuple(threshold or ()), min_seconds, preset, sort, limit, is_counted, names_only)
    found, labels, n_matching, n_all = _in_dataset(asked) if is_dataset(store) else _in_store(asked)
    with opened_output(target, durable=True, keeps_bytes=names_only) as stream:
        write_found(found, form, stream, query=query, labels=labels, null=null)
    if is_counted:
        n_shown = len(found.paths)
        found_in = f"{n_matching} of" if n_shown == n_matching else f"{n_shown} shown of {n_matching} found in"
        echo(f"{found_in} {counted(n_all, 'recording')}", err=True)


class _Asked(NamedTuple):
    """What is asked of which store; whether the number of all recordings, and no more than names are wanted."""

    query: str
    store: str
    thresholds: tuple[str, ...]
    min_seconds: float | None
    preset: str | None
    sort: str
    limit: int | None
    is_counted: bool
    names_only: bool


_Found = tuple["FoundRows", list[str], int, int]
"""Recordings, the labels that are named, how many match and how many there are."""


def _in_store(asked: _Asked) -> _Found:
    from organology.library.store import Store
    from organology.library.table import Library, sorted_rows

    with Store(asked.store, create=False) as opened:
        thresholds, by, labels = _resolved(asked, opened.label_set)
        with wrong_option(f"--{asked.preset or 'threshold'}"):
            library = Library.load(opened, thresholds, asked.min_seconds, asked.preset)
        matching = library.find(asked.query)
        found = matching.taken(sorted_rows(matching, by)[: asked.limit])
    for name in library.unreadable:
        echo(f"{asked.store}: {name}: its row is damaged, and left out; recognize it again", err=True)
    return found, labels, len(matching), len(library)


def _in_dataset(asked: _Asked) -> _Found:
    from organology.cluster.dataset import Dataset
    from organology.cluster.query.finder import Finder

    dataset = Dataset(asked.store)
    thresholds, by, labels = _resolved(asked, dataset.label_set)
    with wrong_option(f"--{asked.preset or 'threshold'}"):
        finder = Finder(dataset, thresholds, asked.min_seconds, asked.preset)
    with finder:
        found = finder.find(asked.query, by, asked.limit, names_only=asked.names_only)
        n_all = len(finder) if asked.is_counted else 0
    return found.rows, labels, found.n_matching, n_all


def _resolved(asked: _Asked, label_set: LabelSet) -> tuple[Thresholds | None, str, list[str]]:
    """Thresholds, the column to sort by, and the labels that the table shows."""
    from organology.batch.words import thresholds_of
    from organology.library.query.parser import parse
    from organology.library.query.tree import labels_of

    with wrong_option("--threshold"):
        thresholds = thresholds_of(asked.thresholds, label_set)
    with wrong_option("--sort"):
        by = _column(asked.sort, label_set.find)
    labels = labels_of(parse(asked.query, label_set), label_set)
    plain = by.lstrip("-")
    if plain in label_set.labels and plain not in labels:
        labels.append(plain)
    return thresholds, by, labels


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
