"""`organology prepare`: one verb a corpus."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from organology.corpora.base import Corpus
    from organology.corpora.issues import Listener
    from organology.corpora.prepare import PrepareConfig
    from organology.corpora.report import Report


class Split(StrEnum):
    """What is kept together in one split."""

    ARTIST = "artist"
    SONG = "song"


class SlakhSplit(StrEnum):
    """The same, or the splits as the publisher has them."""

    ARTIST = "artist"
    SONG = "song"
    REDUX = "redux"
    PUBLISHED = "published"


class AudioFormat(StrEnum):
    """Of the prepared audio."""

    FLAC = "flac"
    WAV = "wav"


Root = Annotated[Path, typer.Argument(metavar="ROOT", help="The corpus's folder, as its publisher lays it out.")]
Out = Annotated[Path, typer.Option("--out", help="The prepared corpus; a run that was stopped goes on here.")]
Keep = Annotated[Split, typer.Option("--split", help="Keep artists together in one split, or songs alone.")]
Fractions = Annotated[str, typer.Option(help="Of train, validation and test; also 0.65/0.175/0.175.")]
Seed = Annotated[int, typer.Option(help="Of the splits.")]
Jobs = Annotated[int, typer.Option(min=0, help="Songs at once; 0: as many as there are processors.")]
Format = Annotated[AudioFormat, typer.Option("--audio-format", help="Of the prepared audio.")]
Name = Annotated[str, typer.Option(help="Name of the corpus in the table, to tell own corpora apart.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first stem that cannot be used.")]
KeepBleed = Annotated[bool, typer.Option("--keep-bleed", help="Use songs whose stems bleed into each other, too.")]

_FRACTIONS = "0.65,0.175,0.175"
_KEPT: dict[Split, Literal["artist", "song"]] = {Split.ARTIST: "artist", Split.SONG: "song"}

group = typer.Typer(help="Prepare a corpus: mono, 32 kHz, with labels, splits and activity.", no_args_is_help=True)


@group.command()
def stems(
    root: Root,
    out: Out,
    split: Keep = Split.ARTIST,
    fractions: Fractions = _FRACTIONS,
    seed: Seed = 0,
    jobs: Jobs = 0,
    audio_format: Format = AudioFormat.FLAC,
    name: Name = "",
    strict: Strict = False,
) -> None:
    """Your own folder of songs with stems: labels from a stems.csv, or from the names."""
    from organology.corpora.readers.stems.reader import CORPUS

    _prepare(CORPUS, root, out, _config(_KEPT[split], fractions, seed, audio_format, name), jobs, strict)


@group.command()
def medleydb(
    root: Root,
    out: Out,
    keep_bleed: KeepBleed = False,
    split: Keep = Split.ARTIST,
    fractions: Fractions = _FRACTIONS,
    seed: Seed = 0,
    jobs: Jobs = 0,
    audio_format: Format = AudioFormat.FLAC,
    name: Name = "",
    strict: Strict = False,
) -> None:
    """MedleyDB, 1 and 2.0; songs with bleed are dropped."""
    from organology.corpora.readers.medleydb import corpus

    _prepare(corpus(keep_bleed), root, out, _config(_KEPT[split], fractions, seed, audio_format, name), jobs, strict)


@group.command("mixing-secrets")
def mixing_secrets(
    root: Root,
    out: Out,
    keep_bleed: KeepBleed = False,
    split: Keep = Split.ARTIST,
    fractions: Fractions = _FRACTIONS,
    seed: Seed = 0,
    jobs: Jobs = 0,
    audio_format: Format = AudioFormat.FLAC,
    name: Name = "",
    strict: Strict = False,
) -> None:
    """Mixing Secrets, with the metadata of Gururani and Lerch (2017); songs with bleed are dropped."""
    from organology.corpora.readers.mixing_secrets import corpus

    _prepare(corpus(keep_bleed), root, out, _config(_KEPT[split], fractions, seed, audio_format, name), jobs, strict)


@group.command()
def slakh(
    root: Root,
    out: Out,
    split: Annotated[
        SlakhSplit, typer.Option(help="Draw by artist or song; or the publisher's: of the redux, or as published.")
    ] = SlakhSplit.ARTIST,
    fractions: Fractions = _FRACTIONS,
    seed: Seed = 0,
    jobs: Jobs = 0,
    audio_format: Format = AudioFormat.FLAC,
    name: Name = "",
    strict: Strict = False,
) -> None:
    """Slakh2100 (redux, original) and BabySlakh."""
    from organology.corpora.readers.slakh.reader import corpus

    drawn = split in (SlakhSplit.ARTIST, SlakhSplit.SONG)
    source = corpus() if drawn else corpus("redux" if split is SlakhSplit.REDUX else "published")
    kept: Literal["artist", "song"] = "song" if split is SlakhSplit.SONG else "artist"
    _prepare(source, root, out, _config(kept, fractions, seed, audio_format, name), jobs, strict)


@group.command()
def jamendo(
    root: Root,
    out: Out,
    split: Annotated[int, typer.Option(min=0, max=4, help="Which of the publisher's five splits.")] = 0,
    audio: Annotated[Path | None, typer.Option(help="Folder of the mp3 files, where they are not below ROOT.")] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Convert nothing: read the mp3 files as they lie.")
    ] = False,
    jobs: Jobs = 0,
    audio_format: Format = AudioFormat.FLAC,
    name: Name = "",
    strict: Strict = False,
) -> None:
    """MTG-Jamendo, its 50 top tags: for pre-training."""
    from organology.corpora.readers.jamendo import prepare_jamendo
    from organology.corpora.tagging.report import lines

    with _Progress("tracks") as listener:
        report = prepare_jamendo(
            root,
            out,
            split=split,
            audio=audio,
            in_place=in_place,
            audio_format=audio_format.value,
            name=name,
            jobs=jobs or os.cpu_count() or 1,
            strict=strict,
            listener=listener,
        )
    _tell(report, lines)


@group.command()
def recordings(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="A folder with audio in it, in folders of any depth.")],
    out: Out,
    fractions: Fractions = "0.9,0.1,0",
    seed: Seed = 0,
    licence: Annotated[str, typer.Option(help="Of all of them, for the table.")] = "",
    min_seconds: Annotated[float, typer.Option(min=0, help="Leave out shorter ones, such as sound effects.")] = 0.0,
    in_place: Annotated[bool, typer.Option("--in-place", help="Convert nothing: read the files as they lie.")] = False,
    jobs: Jobs = 0,
    audio_format: Format = AudioFormat.FLAC,
    name: Name = "",
    strict: Strict = False,
) -> None:
    """Any recordings, without labels: for self-training, or to be taught by a teacher."""
    from organology.corpora.readers.recordings import prepare_recordings
    from organology.corpora.tagging.report import lines

    with _Progress("recordings") as listener:
        report = prepare_recordings(
            root,
            out,
            fractions=_fractions(fractions),
            seed=seed,
            licence=licence,
            min_seconds=min_seconds,
            in_place=in_place,
            audio_format=audio_format.value,
            name=name,
            jobs=jobs or os.cpu_count() or 1,
            strict=strict,
            listener=listener,
        )
    _tell(report, lines)


def _config(
    split: Literal["artist", "song"], fractions: str, seed: int, audio_format: AudioFormat, name: str
) -> PrepareConfig:
    from organology.corpora.prepare import PrepareConfig

    return PrepareConfig(split, _fractions(fractions), seed, audio_format.value, name)


def _fractions(text: str) -> tuple[float, float, float]:
    from organology.errors import ConfigError

    try:
        train, validation, test = (float(part) for part in text.replace("/", ",").split(","))
    except ValueError:
        raise ConfigError(f"--fractions {text}: three numbers are needed, as {_FRACTIONS}") from None
    return train, validation, test


def _prepare(corpus: Corpus, root: Path, out: Path, config: PrepareConfig, jobs: int, strict: bool) -> None:
    from organology.corpora.prepare import prepare
    from organology.corpora.report import lines

    with _Progress("songs") as listener:
        report = prepare(corpus, root, out, config, jobs=jobs or os.cpu_count() or 1, strict=strict, listener=listener)
    _tell(report, lines)


def _tell(report: Report, lines: Callable[[Report], list[str]]) -> None:
    from organology.corpora.report import grouped

    for line in grouped([issue for issue in report.issues if issue.severity in ("dropped", "note")]):
        typer.echo(line, err=True)
    for line in lines(report):
        typer.echo(line)
    if not report.complete:
        raise typer.Exit(1)


class _Progress:
    """A progress bar on stderr as a `Listener`; a context manager. What is refused or fails is told at once."""

    def __init__(self, things: str) -> None:
        self._things = things

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

        from organology.corpora.issues import Issue, Listener

        console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
        columns = (
            TextColumn("preparing"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[songs]}/{task.fields[all]} " + self._things),
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

            def issue(self, issue: Issue) -> None:
                if issue.severity in ("failed", "refused"):
                    console.print(f"{issue.severity}: {issue}")

        progress.start()
        return Bar()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(group, name="prepare")
