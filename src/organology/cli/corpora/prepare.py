"""`organology prepare`: a verb for each corpus of the registry."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from organology.batch.options import LOCAL, RAY
from organology.cli.echo import echo
from organology.outputs.terminal.printable import printable

if TYPE_CHECKING:
    from organology.corpora.base import Corpus
    from organology.corpora.conversion.workers import SongEngine
    from organology.corpora.issues import Listener
    from organology.corpora.registry import CorpusEntry, Setting
    from organology.corpora.report import Report
    from organology.corpora.tagging.base import TaggingCorpus


class AudioFormat(StrEnum):
    """Of the prepared audio."""

    FLAC = "flac"
    WAV = "wav"


class SplitBy(StrEnum):
    """What is kept together in one split."""

    ARTIST = "artist"
    SONG = "song"


class Engine(StrEnum):
    """Who converts the audio."""

    LOCAL = LOCAL
    RAY = RAY


_FRACTIONS = "0.65,0.175,0.175"
_SPLIT_HELP = "Keep artists together in one split, or songs alone"

Root = Annotated[Path, typer.Argument(metavar="ROOT", help="The corpus's folder, as its publisher lays it out.")]
Out = Annotated[Path, typer.Option("--out", help="The prepared corpus; a run that was stopped goes on here.")]
Fractions = Annotated[str, typer.Option(help="Of train, validation and test; also 0.65/0.175/0.175.")]
Seed = Annotated[int, typer.Option(help="Of the splits.")]
InPlace = Annotated[bool, typer.Option("--in-place", help="Convert nothing: read the files as they lie.")]
MinSeconds = Annotated[float, typer.Option(min=0, help="Leave out shorter ones, such as sound effects.")]
Jobs = Annotated[int, typer.Option(min=0, help="Songs at once; 0: as many as there are processors.")]
Format = Annotated[AudioFormat, typer.Option("--audio-format", help="Of the prepared audio.")]
Name = Annotated[str, typer.Option(help="Name of the corpus in the table, to tell own corpora apart.")]
EngineOption = Annotated[
    Engine, typer.Option("--engine", help="Who converts the audio: processes of this machine, or Ray (extra cluster).")
]
Address = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="The Ray cluster to join, not this machine alone.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first stem that cannot be used.")]

_REQUIRED = inspect.Parameter.empty
_OF_STEMS: dict[str, tuple[Any, Any]] = {"fractions": (Fractions, _FRACTIONS), "seed": (Seed, 0)}
_OF_TAGS: dict[str, tuple[Any, Any]] = {"in_place": (InPlace, False), "min_seconds": (MinSeconds, 0.0)}
_OF_ALL: dict[str, tuple[Any, Any]] = {
    "jobs": (Jobs, 0),
    "audio_format": (Format, AudioFormat.FLAC),
    "name": (Name, ""),
    "strict": (Strict, False),
    "engine": (EngineOption, Engine.LOCAL),
    "address": (Address, None),
}


def make_group() -> typer.Typer:
    """The verb with all corpora that are registered by now."""
    from organology.corpora.registry import CORPORA

    group = typer.Typer(help="Prepare a corpus: mono, 32 kHz, with labels, splits and activity.", no_args_is_help=True)
    for entry in CORPORA.values():
        group.command(entry.name, help=entry.help)(_command(entry))
    return group


def _command(entry: CorpusEntry) -> Callable[..., None]:
    """What the command line calls for a corpus; its options are those that all share and its own settings."""
    of_kind = {"split": _split_of(entry), **_OF_STEMS} if entry.holds == "stems" else _OF_TAGS
    options = {
        "root": (Root, _REQUIRED),
        "out": (Out, _REQUIRED),
        **{setting.name: (_annotation(setting), setting.default) for setting in entry.settings},
        **of_kind,
        **_OF_ALL,
    }

    def command(**given: Any) -> None:
        from organology.extras import require
        from organology.targets import check_output

        require("polars")  # for the table, which comes last
        check_output(given["out"], [given["root"]], folder=True)
        engine, address = given.pop("engine"), given.pop("address")
        if given.get("in_place") and engine == Engine.RAY:
            raise typer.BadParameter("--in-place converts nothing: it goes without --engine ray", param_hint="--engine")
        given["engine"] = _engine(engine, address, given["jobs"])
        settings = {setting.name: given.pop(setting.name) for setting in entry.settings}
        if entry.holds == "stems":
            _prepare_stems(entry, settings, **given)
        else:
            _prepare_tracks(entry, settings, **given)

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {name: annotation for name, (annotation, _) in options.items()}
    return command


def _split_of(entry: CorpusEntry) -> tuple[Any, Any]:
    if not entry.published_splits:
        return Annotated[SplitBy, typer.Option("--split", help=f"{_SPLIT_HELP}.")], SplitBy.ARTIST
    names = (*SplitBy, *entry.published_splits)
    choices = StrEnum("Split", {name.upper(): name for name in names})  # type: ignore[misc]
    return Annotated[choices, typer.Option("--split", help=f"{_SPLIT_HELP}; or take the publisher's splits.")], choices(
        "artist"
    )


def _annotation(setting: Setting) -> Any:
    kind: Any = setting.kind if setting.default is not None else setting.kind | None
    least, most = setting.least, setting.most
    if setting.kind is bool:
        return Annotated[kind, typer.Option(f"--{setting.name.replace('_', '-')}", help=setting.help)]
    return Annotated[kind, typer.Option(help=setting.help, min=least, max=most)]


def _prepare_stems(
    entry: CorpusEntry,
    settings: dict[str, Any],
    *,
    root: Path,
    out: Path,
    split: str,
    fractions: str,
    seed: int,
    jobs: int,
    audio_format: AudioFormat,
    name: str,
    strict: bool,
    engine: SongEngine | None,
) -> None:
    from organology.corpora.prepare import PrepareConfig, prepare
    from organology.corpora.report import lines
    from organology.corpora.splits import parse_fractions

    if split in entry.published_splits:
        settings["split"] = str(split)
    by: Literal["artist", "song"] = "song" if split == "song" else "artist"
    config = PrepareConfig(by, parse_fractions(fractions), seed, audio_format.value, name)
    corpus: Corpus = entry.corpus(**settings)  # type: ignore[assignment]
    with _ProgressBar("songs") as listener:
        report = prepare(
            corpus, root, out, config, jobs=_processes(jobs), strict=strict, listener=listener, engine=engine
        )
    _show(report, lines)


def _prepare_tracks(
    entry: CorpusEntry,
    settings: dict[str, Any],
    *,
    root: Path,
    out: Path,
    in_place: bool,
    min_seconds: float,
    jobs: int,
    audio_format: AudioFormat,
    name: str,
    strict: bool,
    engine: SongEngine | None,
) -> None:
    from organology.corpora.tagging.prepare import TaggingConfig, prepare_tagging
    from organology.corpora.tagging.report import lines

    config = TaggingConfig(in_place, audio_format.value, name, min_seconds)
    corpus: TaggingCorpus = entry.corpus(**settings)  # type: ignore[assignment]
    with _ProgressBar("tracks") as listener:
        report = prepare_tagging(
            corpus, root, out, config, jobs=_processes(jobs), strict=strict, listener=listener, engine=engine
        )
    _show(report, lines)


def _engine(engine: Engine, address: str | None, jobs: int) -> SongEngine | None:
    """What converts the audio; None: processes of this machine."""
    if engine == Engine.RAY:
        from organology.cluster.preparing import songs_on_ray

        return songs_on_ray(address, _processes(jobs))
    if address is not None:
        raise typer.BadParameter("goes with --engine ray", param_hint="--address")
    return None


def _processes(jobs: int) -> int:
    return jobs or os.cpu_count() or 1


def _show(report: Report, lines: Callable[[Report], list[str]]) -> None:
    from organology.corpora.report import grouped

    for line in grouped([issue for issue in report.issues if issue.severity in ("dropped", "note")]):
        echo(line, err=True)
    for line in lines(report):
        echo(line)
    if not report.complete:
        raise typer.Exit(1)


class _ProgressBar:
    """A progress bar on stderr as a `Listener`; a context manager. What is refused or fails is shown at once."""

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

        from organology.corpora.issues import BAD, Issue, Listener

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
                if issue.severity in BAD:
                    console.print(printable(f"{issue.severity}: {issue}"))

        progress.start()
        return Bar()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.add_typer(make_group(), name="prepare")
