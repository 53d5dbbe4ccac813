"""`organology corpus`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from organology.cli.echo import echo, echo_lines
from organology.counted import counted
from organology.outputs.terminal.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from organology.corpora.checking.check import Check

group = typer.Typer(help="What corpora there are, and what is in a folder.", no_args_is_help=True)


@group.command("list")
def list_corpora(
    name: Annotated[str, typer.Argument(help="One corpus: the folder it expects, its citation.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Which corpora can be read, and how to get them."""
    import json

    from organology.corpora.registry import CORPORA, find

    rows = []
    for entry in [find(name)] if name else CORPORA.values():
        corpus = entry.corpus()
        rows.append(
            {
                "name": entry.name,
                "title": corpus.title,
                "holds": entry.holds,
                "licence": corpus.licence,
                "how_to_get": corpus.how_to_get,
                "citation": corpus.citation,
                "tree": corpus.tree,
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False))
        return
    for i, row in enumerate(rows):
        if i:
            echo()
        echo(f"{row['name']}: {row['title']} ({row['holds']})")
        for key in ("licence", "citation", "how_to_get") if name else ("licence", "how_to_get"):
            if row[key]:
                echo(f"  {key.replace('_', ' ')}: {row[key]}")
        if name:
            echo_lines("\n" + row["tree"])


@group.command()
def check(
    roots: Annotated[list[Path], typer.Argument(metavar="ROOT...", help="Corpora as published, or prepared ones.")],
    corpus: Annotated[str, typer.Option(help="Of which corpus the folders are; default: by the tree.")] = "",
    minutes: Annotated[bool, typer.Option(help="Read the lengths of all files.")] = True,
    labels: Annotated[str, typer.Option(help="Label set to count stems by: its name, or a table.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Name every file that has an issue.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, a list with an entry a folder.")] = False,
) -> None:
    """What is in a folder: songs and minutes by label and split, what is missing, masked or not mapped."""
    import json

    from organology.corpora.checking.check import check as look
    from organology.errors import OrganologyError
    from organology.labels import DEFAULT, LabelSet

    label_set = LabelSet.load(labels or DEFAULT)
    results, failed = [], False
    for root in roots:
        try:
            results.append(look(root, corpus, minutes, label_set))
        except OrganologyError as error:
            echo(f"error: {error}", err=True)
            failed = True
    if as_json:
        typer.echo(json.dumps([result.to_dict() for result in results], indent=1, ensure_ascii=False, allow_nan=False))
    else:
        from rich.console import Console

        console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        for result in results:
            _print(console, result, everything)
    if failed or not all(result.complete for result in results):
        raise typer.Exit(1)


def _print(console: Console, result: Check, everything: bool) -> None:
    from organology.corpora.report import grouped

    total = result.total
    console.print(printable(f"{result.root}: {result.corpus}, {result.form}"))
    song, item = ("song", "stem") if result.holds == "stems" else ("track", "track")
    stems = f"{counted(total['stems'], 'stem')}, " if result.holds == "stems" else ""
    length = "length not read" if total["minutes"] is None else f"{total['minutes']:.1f} minutes ({result.seconds})"
    console.print(f"{counted(total['songs'], song)}, {stems}{counted(total['artists'], 'artist')}, {length}")
    for licence, count in result.licences.items():
        console.print(printable(f"licence: {licence or 'unknown'} ({counted(count, item)})"))
    if total["songs"]:
        _whole(console, _counts(result, f"{song}s"))
    if result.masked:
        _whole(console, _masked(result))
    for line in grouped(result.issues, everything):
        console.print(printable(line))
    console.print("")


def _whole(console: Console, table: Table) -> None:
    """Print a table as wide as it is, also where that is wider than the screen."""
    from rich.measure import Measurement

    needed = Measurement.get(console, console.options.update(max_width=1000), table).maximum
    console.width = max(console.width, needed)
    console.print(table)


def _counts(result: Check, unit: str) -> Table:
    from rich.table import Table

    used = [split for split, part in result.splits.items() if part["songs"]]
    figures = [unit, "stems", "minutes"] if result.holds == "stems" else [unit, "minutes"]
    table = Table("", box=None, pad_edge=False)
    for split in used:
        for figure in figures:
            table.add_column(f"{split}\n{figure}" if figure == unit else f"\n{figure}", justify="right")
    for name in next(iter(result.splits.values()))["labels"]:
        parts = [result.splits[split]["labels"][name] for split in used]
        if any(part["songs"] for part in parts):
            table.add_row(name, *(cell for part in parts for cell in _cells(part, len(figures))))
    table.add_row("all", *(cell for split in used for cell in _cells(result.splits[split], len(figures))))
    return table


def _cells(part: dict[str, Any], count: int) -> list[str]:
    minutes = "" if part["minutes"] is None else f"{part['minutes']:.1f}"
    return [str(part["songs"]), str(part["stems"]), minutes] if count == 3 else [str(part["songs"]), minutes]


def _masked(result: Check) -> Table:
    from rich.table import Table

    table = Table("masked: word", "stems", "unknown", box=None, pad_edge=False)
    for word, values in result.masked.items():
        table.add_row(printable(word) or "(none)", str(values["stems"]), ", ".join(values["unknown"]))
    return table


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(group, name="corpus")
