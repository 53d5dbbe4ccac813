"""Recognizing many files at once, as `organology recognize` does: find, recognize, write, tell what failed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from organology import audio
from organology.errors import AudioError, OrganologyError
from organology.files import written_whole
from organology.recognition.modelfile import available_cores
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition
from organology.recognition.screen import Screen
from organology.recognition.table import TableWriter
from organology.recognition.writers import CsvWriter, JsonWriter, Writer

Format = Literal["table", "csv", "json"]

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
"""A `plot` that ends so is a file; every other one is a folder."""


@dataclass(frozen=True)
class Job:
    """What to recognize and what to write.

    Attributes
    ----------
    paths : sequence of str
        Files and folders.
    format : {"table", "csv", "json"}
    output : Path, optional
        Where it is written, whole. Default: standard output, as it comes.
    timeline : bool
        The scores of every window too (json), or in place of the file's (csv).
    hop_seconds : float
        Distance of the windows.
    plot : Path, optional
        Picture for the only file, or folder for pictures.
    model : Path, optional
        Default: the shipped model.
    threshold : float, optional
        One for all labels in place of the model's.
    threads : int, optional
        In all; several files are worked on at once. Default: as many as this process may run on.
    """

    paths: Sequence[str]
    format: Format = "table"
    output: Path | None = None
    timeline: bool = False
    hop_seconds: float = 1.0
    plot: Path | None = None
    model: Path | None = None
    threshold: float | None = None
    threads: int | None = None


@dataclass(frozen=True)
class _Input:
    name: str
    root: Path  # the folder that was given, or that of the file

    @property
    def size(self) -> int:
        try:
            return Path(self.name).stat().st_size
        except OSError:
            return 0


def run(job: Job) -> int:
    """Do a job.

    Every input that cannot be used costs one line on standard error, "PATH: reason"; the rest goes on.

    Returns
    -------
    int
        How many inputs could not be used.

    Raises
    ------
    ModelError
        If the model cannot be used.
    OrganologyError
        If something cannot be written, or `plot` names one picture for several files.
    """
    inputs, failures = _expanded(job.paths)
    if job.plot is not None and job.plot.suffix.lower() in PICTURE_SUFFIXES and len(inputs) > 1:
        raise OrganologyError(f"{job.plot}: one picture for {len(inputs)} files; name a folder")
    if job.plot is not None:
        import matplotlib  # noqa: F401  # missing? then before the work, not after
    n_threads = job.threads or available_cores()
    workers = max(1, min(n_threads, len(inputs)))
    recognizer = Recognizer(job.model, n_threads // workers) if inputs else None
    with (
        _opened(job.output) as stream,
        _writer(job, stream, recognizer) as writer,
        Screen([item.size for item in inputs], shares_stdout=stream is sys.stdout) as screen,
    ):
        for name, reason in failures:
            screen.line(f"{name}: {reason}")
            writer.fail(name, reason)
        if recognizer is None:
            return len(failures)
        return len(failures) + _recognized(job, recognizer, inputs, workers, writer, screen)


def _recognized(
    job: Job, recognizer: Recognizer, inputs: Sequence[_Input], workers: int, writer: Writer, screen: Screen
) -> int:
    """Recognize and write every input; how many failed."""
    n_failed = 0
    pictures = _Pictures(job.plot)
    places = {item.name: i for i, item in enumerate(inputs)}
    results = recognizer.recognize_many(
        places, job.hop_seconds, job.threshold, workers, lambda name, share: screen.share(places[name], share)
    )
    with closing(results):
        for i, (name, result) in enumerate(results):
            if isinstance(result, AudioError):
                n_failed += 1
                screen.line(str(result))
                writer.fail(name, str(result).removeprefix(f"{name}: "))
                screen.done(i, 0.0)
                continue
            with screen.paused():
                writer.add(result)
            if job.format == "csv":
                for note in result.notes:
                    screen.line(f"{name}: note: {note}")
            pictures.draw(result, inputs[i])
            screen.done(i, result.duration)
    return n_failed


def _expanded(paths: Sequence[str]) -> tuple[list[_Input], list[tuple[str, str]]]:
    """Files behind the paths, each once and in order, and the paths without any."""
    inputs: dict[str, _Input] = {}
    failures: list[tuple[str, str]] = []
    for path in paths:
        is_folder = os.path.isdir(path)  # noqa: PTH112  # keeps the path as it was given
        try:
            found = audio.find(path)
        except AudioError as error:
            failures.append((path, str(error).removeprefix(f"{Path(path)}: ")))
            continue
        for file in found:
            name = file.as_posix() if is_folder else path
            inputs.setdefault(name, _Input(name, Path(path) if is_folder else file.parent))
    return list(inputs.values()), failures


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        # A name that is not UTF-8 must not end the job.
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    with (
        _told(output),
        written_whole(output) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        yield stream


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of writing as one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OrganologyError(f"{path}: cannot be written: {error.strerror or error}") from error


def _writer(job: Job, stream: TextIO, recognizer: Recognizer | None) -> Writer:
    if job.format == "csv":
        return CsvWriter(stream, job.timeline)
    if job.format == "json":
        about = {} if recognizer is None else {**_about(recognizer), "hop_seconds": job.hop_seconds}
        return JsonWriter(stream, job.timeline, about)
    return TableWriter(stream)


def _about(recognizer: Recognizer) -> dict[str, object]:
    metadata = recognizer.metadata
    return {
        "name": recognizer.model,
        "sample_rate": metadata.sample_rate,
        "window_seconds": metadata.window_seconds,
        "pooling": metadata.pooling,
    }


class _Pictures:
    """Draws timelines; in a folder they lie as the files lie in theirs, NAME.timeline.png, none over another."""

    def __init__(self, target: Path | None) -> None:
        self._target = target
        self._taken: set[Path] = set()

    def draw(self, recognition: Recognition, item: _Input) -> None:
        if self._target is None:
            return
        from organology.recognition.plot import plot

        path = self._path(item)
        with _told(path):
            plot(recognition, path)

    def _path(self, item: _Input) -> Path:
        assert self._target is not None
        if self._target.suffix.lower() in PICTURE_SUFFIXES:
            return self._target
        place = Path(item.name).relative_to(item.root)
        folder = self._target / place.parent
        names = [place.stem, place.name, *(f"{place.name}-{i}" for i in range(2, len(self._taken) + 3))]
        path = next(path for name in names if (path := folder / f"{name}.timeline.png") not in self._taken)
        self._taken.add(path)
        return path
