"""`organology store`: what a store of recognitions holds, and how it is tidied."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo
from organology.counted import counted

_Store = Annotated[Path, typer.Argument(metavar="STORE", help="What `recognize --store` wrote.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    about = "Look into a store of recognitions, and tidy it."
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    group.command(name="info")(info)
    group.command(name="moved")(moved)
    group.command(name="prune")(prune)
    group.command(name="feed")(feed)
    group.command(name="export")(export)
    group.command(name="import")(import_)
    app.add_typer(group, name="store")


def info(store: _Store) -> None:
    """Say what a store holds."""
    from organology.library.moves import moved_files
    from organology.library.store import Store
    from organology.library.table import Library

    with Store(store, create=False) as opened:
        echo(f"{store}: {store.stat().st_size / 1e6:.1f} MB")
        for run in opened.runs():
            good, bad = opened.count(run)
            echo(f"{run.model}, windows every {run.hop_seconds:g} s: {counted(good, 'file')} recognized, {bad} not")
        n_moved = len(moved_files(opened))
        if n_moved:
            echo(f"{counted(n_moved, 'file')} moved, and known by their content (`organology store moved`)")
        library = Library.load(opened)
    echo(f"{library.durations.sum() / 3600:.1f} hours in {counted(len(library), 'recording')}; of these play")
    width = max(map(len, library.label_set.labels))
    for i, label in enumerate(library.label_set.labels):
        echo(f"  {label:{width}} {int(library.plays[:, i].sum()):8}")


def moved(store: _Store) -> None:
    """List files that were recognized before they were moved: where they were, a tab, where they are."""
    from organology.library.moves import moved_files
    from organology.library.store import Store
    from organology.outputs.sinks import opened as opened_output

    with Store(store, create=False) as opened, opened_output(None, keeps_bytes=True) as stream:
        for old, new in moved_files(opened):
            stream.write(f"{old}\t{new}\n")


def prune(
    store: _Store,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else it is only listed.")] = False,
) -> None:
    """Forget files that are gone (also those on a disk that is not mounted now)."""
    from organology.library.store import Store
    from organology.outputs.sinks import opened as opened_output

    with Store(store, create=yes) if yes and store.is_file() else Store(store, create=False) as opened:
        gone = opened.prune(dry_run=not yes)
    with opened_output(None, keeps_bytes=True) as stream:
        stream.writelines(f"{path}\n" for path in gone)
    echo(f"{counted(len(gone), 'file')} {'forgotten' if yes else 'gone; --yes forgets them'}", err=True)


def feed(
    store: _Store,
    query: Annotated[
        str, typer.Argument(metavar="[QUERY]", help="As of `organology find`; none: all.", show_default=False)
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write, whole, in place of standard output."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only what was recognized from then on: 2026-03-01, 2026-03-01T10:00Z."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The music folder: only what is in it, with paths relative to it."),
    ] = None,
    root_url: Annotated[str, typer.Option(metavar="URL", help="Where that folder is served.")] = "",
    feed_url: Annotated[str, typer.Option(metavar="URL", help="Where the feed will be.")] = "",
    page_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="So many recordings a page; further pages are FILE-2, FILE-3 …"),
    ] = None,
    tags: Annotated[
        bool, typer.Option("--tags", help="Also title, artist, album and MusicBrainz identifiers, out of the files.")
    ] = False,
    title: Annotated[str, typer.Option(metavar="TEXT", help="Of the feed.")] = "Instruments",
) -> None:
    """Write what plays in each recording as a JSON Feed, for players and media servers, the latest first."""
    from organology.cli.recordings.options import wrong_options
    from organology.library.feed import FeedOptions, parse_moment, write_feed
    from organology.library.store import Store
    from organology.library.table import Library
    from organology.outputs.sinks import output_path
    from organology.targets import check_output, with_companions

    with wrong_options():
        moment = None if since is None else parse_moment(since)
        options = FeedOptions(moment, root, root_url, feed_url, page_size, tags)
    target = output_path(output)
    if target is not None:
        check_output(target, with_companions(store))
    with Store(store, create=False) as opened:
        library = Library.load(opened)
        found = library.find(query)
        n_items = write_feed(found, target, options, title)
    for name in sorted(set(library.unreadable)):
        echo(f"{store}: {name}: its row is damaged, and left out; recognize it again", err=True)
    if target is not None:
        echo(f"{target}: {n_items} of {len(library)} recordings", err=True)


_Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="A folder or an address (s3://…) of Parquet files.")]


def export(
    store: Annotated[str, typer.Argument(metavar="STORE", help="What `recognize --store` wrote, or another dataset.")],
    dataset: _Dataset,
) -> None:
    """Copy what a store holds into a Parquet dataset, but what that has already.

    A dataset is copied into fewer and larger files, with the latest row of each recording.
    """
    from organology.cluster.address import is_dataset
    from organology.cluster.dataset import Dataset
    from organology.cluster.transfer import export_store, merge_dataset
    from organology.library.store import Store

    if is_dataset(store):
        n_rows = merge_dataset(Dataset(store), Dataset(dataset))
    else:
        with Store(store, create=False) as opened:
            n_rows = export_store(opened, Dataset(dataset))
    echo(f"{counted(n_rows, 'recording')} into {dataset}", err=True)


def import_(dataset: _Dataset, store: _Store) -> None:
    """Copy what a Parquet dataset holds into a store, in place of what that has of the same files."""
    from organology.cluster.dataset import Dataset
    from organology.cluster.transfer import import_dataset
    from organology.library.store import Store

    with Store(store) as opened:
        n_files = import_dataset(Dataset(dataset), opened)
    echo(f"{counted(n_files, 'file')} into {store}", err=True)
