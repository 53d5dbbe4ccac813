"""The results of an evaluation: where they go, and on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from organology.cli.echo import echo

if TYPE_CHECKING:
    from organology.evaluation import Evaluation

WIDE = 150
"""Columns that a table with intervals needs."""


def results_folder(out: Path | None, checkpoint: Path, what: str) -> Path:
    """The folder of the results, which is made.

    Raises
    ------
    OrganologyError
        If it cannot be, or nothing can be written to it.
    """
    from organology.errors import OrganologyError
    from organology.targets import check_writable

    place = checkpoint.resolve()
    folder = out or place.parent / f"{place.stem}-{what}"
    try:
        check_writable(folder, folder=True)
    except OrganologyError as error:
        raise OrganologyError(f"{error}; --out names another folder") from error
    return folder


def show(result: Evaluation, folder: Path) -> None:
    """Print tables and macro means."""
    from rich.console import Console

    from organology.evaluation import rich_table, summary

    console = Console()
    for name in result.decisions:
        if console.is_terminal or name == next(iter(result.decisions)):
            console.print(f"\nthresholds: {name}")
            console.print(rich_table(result, name, intervals=console.width >= WIDE))
    for line in summary(result):
        echo(line)
    echo(f"written: {folder}")
