"""`organology prepare`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from organology.corpora.prepare import Listener


class Split(StrEnum):
    """What is kept together in one split."""

    ARTIST = "artist"
    SONG = "song"


class AudioFormat(StrEnum):
    """Of the prepared audio."""

    FLAC = "flac"
    WAV = "wav"


def prepare(
    corpus: Annotated[str, typer.Argument(help="stems: your own folder of songs with stems.")],
    root: Annotated[Path, typer.Argument(help="The corpus's folder.")],
    out: Annotated[Path, typer.Option("--out", help="The prepared corpus; a run that was stopped goes on here.")],
    split: Annotated[Split, typer.Option(help="Keep artists together in one split, or songs alone.")] = Split.ARTIST,
    fractions: Annotated[
        str, typer.Option(help="Of train, validation and test; also 0.65/0.175/0.175.")
    ] = "0.65,0.175,0.175",
    seed: Annotated[int, typer.Option(help="Of the splits.")] = 0,
    jobs: Annotated[int, typer.Option(min=0, help="Songs at once; 0: as many as there are processors.")] = 0,
    audio_format: Annotated[AudioFormat, typer.Option(help="Of the prepared audio.")] = AudioFormat.FLAC,
    name: Annotated[str, typer.Option(help="Name of the corpus in the table, to tell own corpora apart.")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first stem that cannot be used.")] = False,
) -> None:
    """Prepare stems: mono, 32 kHz, with labels, splits and activity, in one table."""
    from organology.corpora import reader
    from organology.corpora.prepare import PrepareConfig
    from organology.corpora.prepare import prepare as run
    from organology.corpora.report import lines

    source = reader(corpus)
    config = PrepareConfig(split.value, _fractions(fractions), seed, audio_format.value, name)
    with _Progress() as listener:
        report = run(source, root, out, config, jobs=jobs or os.cpu_count() or 1, strict=strict, listener=listener)
    for line in lines(report):
        typer.echo(line)
    if not report.complete:
        raise typer.Exit(1)


def _fractions(text: str) -> tuple[float, float, float]:
    from organology.errors import ConfigError

    try:
        train, validation, test = (float(part) for part in text.replace("/", ",").split(","))
    except ValueError:
        raise ConfigError(f"--fractions {text}: three numbers are needed, as 0.65,0.175,0.175") from None
    return train, validation, test


class _Progress:
    """A progress bar on stderr as a `Listener`; a context manager."""

    def __enter__(self) -> Listener:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        from organology.corpora.base import Remark
        from organology.corpora.prepare import Listener

        console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
        columns = (
            TextColumn("preparing"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[songs]}/{task.fields[all]} songs"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._progress = progress = Progress(*columns, console=console)

        class Bar(Listener):
            def __init__(self) -> None:
                self.task, self.songs = progress.add_task("", total=None, songs=0, all="?"), 0

            def started(self, songs: int, size: int) -> None:
                progress.update(self.task, total=max(size, 1), all=songs)

            def finished(self, song: str, size: int) -> None:
                self.songs += 1
                progress.update(self.task, advance=size, songs=self.songs)

            def remark(self, remark: Remark) -> None:
                console.print(f"{remark.fate}: {remark}")

        progress.start()
        return Bar()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("prepare")(prepare)
