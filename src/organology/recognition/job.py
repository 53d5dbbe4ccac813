"""Recognizing many files at once, as `organology recognize` does: find, recognize, write, tell what failed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TextIO

import numpy as np
from numpy.typing import NDArray

from organology.errors import OrganologyError, StoppedError
from organology.files import written_whole
from organology.recognition.batch import Batch
from organology.recognition.inputs import Input, expand
from organology.recognition.modelfile import available_cores, digest
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition
from organology.recognition.screen import Screen
from organology.recognition.segments import SegmentSettings
from organology.recognition.store import Store
from organology.recognition.table import TableWriter
from organology.recognition.thresholds import Thresholds, levels_of
from organology.recognition.writers import CsvWriter, JsonWriter, Writer
from organology.taxonomy import LABELS

Format = Literal["table", "csv", "json"]

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
"""A `plot` that ends so is a file; every other one is a folder."""


@dataclass(frozen=True)
class Job:
    """What to recognize and what to write.

    Attributes
    ----------
    paths : sequence of str
        Files, folders, patterns, playlists, `-`, `@LIST`: see `inputs.expand`.
    lists : sequence of str
        Files that list paths, one a line.
    null : bool
        NUL bytes, not line ends, divide them.
    recursive, hidden : bool
        Whether folders are searched with all below them, and for hidden files too.
    format : {"table", "csv", "json"}
    output : Path, optional
        Where it is written, whole. Default: standard output, as it comes.
    timeline : bool
        The scores of every window too (json), or in place of the file's (csv).
    hop_seconds : float
        Distance of the windows.
    split : bool
        One result a channel in place of one of their mean.
    plot : Path, optional
        Picture for the only file, or folder for pictures.
    model : Path, optional
        Default: the shipped model.
    thresholds : float, mapping or sequence, optional
        In place of the model's: one for all labels, some by label, or all 15.
    segment_settings : SegmentSettings
    only : sequence of str, optional
        Labels to be told; the others are left out of every output.
    jobs : int, optional
        Files worked on at once. Default: as many as `threads`, or as there are files.
    threads : int, optional
        In all. Default: as many as this process may run on.
    store : Path, optional
        Of a `Store`: what is in it is not done again.
    retry : bool
        Try again what the store says could not be recognized.
    """

    paths: Sequence[str]
    lists: Sequence[str] = ()
    null: bool = False
    recursive: bool = True
    hidden: bool = False
    format: Format = "table"
    output: Path | None = None
    timeline: bool = False
    hop_seconds: float = 1.0
    split: bool = False
    plot: Path | None = None
    model: Path | None = None
    thresholds: Thresholds | None = None
    segment_settings: SegmentSettings = field(default_factory=SegmentSettings)
    only: Sequence[str] | None = None
    jobs: int | None = None
    threads: int | None = None
    store: Path | None = None
    retry: bool = False


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
    StoreError
        If the store cannot be used.
    OrganologyError
        If something cannot be written, or `plot` names one picture for several files.
    StoppedError
        If the user stops it (Ctrl-C); says what was done.
    """
    screen: Screen | None = None
    n_files = 0
    try:
        found = expand(job.paths, job.lists, null=job.null, recursive=job.recursive, hidden=job.hidden)
        n_files = len(found.files)
        _check(job, n_files)
        with ExitStack() as stack:
            batch = _batch(job, n_files, stack) if found.files else None
            stream = stack.enter_context(_opened(job.output))
            writer = stack.enter_context(_writer(job, stream, batch.recognizer if batch else None))
            screen = Screen([item.size for item in found.files], shares_stdout=stream is sys.stdout)
            stack.enter_context(screen)
            for name, reason in found.failures:
                screen.line(f"{name}: {reason}")
                writer.fail(name, reason)
            n_failed = 0 if batch is None else _recognized(job, batch, found.files, writer, screen)
            return len(found.failures) + n_failed
    except KeyboardInterrupt:
        raise StoppedError(_stopped(job, screen.n_done if screen else 0, n_files)) from None


def _check(job: Job, n_files: int) -> None:
    """What can be told before the work, not after."""
    if job.plot is None:
        return
    if job.plot.suffix.lower() in PICTURE_SUFFIXES and n_files > 1:
        raise OrganologyError(f"{job.plot}: one picture for {n_files} files; name a folder")
    import matplotlib  # noqa: F401  # missing?


def _batch(job: Job, n_files: int, stack: ExitStack) -> Batch:
    threads = job.threads or available_cores()
    jobs = max(1, min(job.jobs or threads, n_files))
    recognizer = Recognizer(job.model, max(1, threads // jobs))
    if job.store is None:
        return Batch(recognizer, job.hop_seconds, job.split, jobs)
    store = stack.enter_context(Store(job.store))
    run = store.run(digest(job.model), recognizer.model, recognizer.metadata, job.hop_seconds)
    return Batch(recognizer, job.hop_seconds, job.split, jobs, store, run, job.retry)


def _recognized(job: Job, batch: Batch, inputs: Sequence[Input], writer: Writer, screen: Screen) -> int:
    """Recognize and write every input; how many failed."""
    n_failed = 0
    pictures = _Pictures(job.plot)
    thresholds = levels_of(batch.recognizer.metadata.thresholds, job.thresholds)
    with closing(batch.outcomes(inputs, screen.share)) as outcomes:
        for outcome in outcomes:
            if outcome.error is not None:
                n_failed += 1
                screen.line(f"{outcome.item.name}: {outcome.reason}")
                writer.fail(outcome.item.name, outcome.reason)
            for recognition in outcome.recognitions:
                result = _judged(recognition, thresholds, job)
                with screen.paused():
                    writer.add(result)
                if job.format == "csv":
                    for note in result.notes:
                        screen.line(f"{result.source}: note: {note}")
                pictures.draw(result, outcome.item)
            seconds = max((one.duration for one in outcome.recognitions), default=0.0)
            screen.done(outcome.index, seconds, outcome.stored)
    return n_failed


def _judged(recognition: Recognition, thresholds: NDArray[np.float64], job: Job) -> Recognition:
    """A recognition with the thresholds, segments and labels that were asked for."""
    if job.segment_settings != recognition.segment_settings or not np.array_equal(thresholds, recognition.thresholds):
        recognition = replace(recognition, thresholds=thresholds, segment_settings=job.segment_settings)
    return recognition if job.only is None else recognition.only(job.only)


def _stopped(job: Job, n_done: int, n_files: int) -> str:
    if job.store is None:
        return f"stopped: {n_done} of {n_files} files were done; with --store FILE such a run can be taken up again"
    return f"stopped: {n_done} of {n_files} files are done; the same command goes on from there ({job.store})"


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
        return CsvWriter(stream, job.timeline, LABELS if job.only is None else job.only)
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

    def draw(self, recognition: Recognition, item: Input) -> None:
        if self._target is None:
            return
        from organology.recognition.plot import plot

        path = self._path(item)
        with _told(path):
            plot(recognition, path)

    def _path(self, item: Input) -> Path:
        assert self._target is not None
        if self._target.suffix.lower() in PICTURE_SUFFIXES:
            return self._target
        place = Path(item.name).relative_to(item.root)
        folder = self._target / place.parent
        names = [place.stem, place.name, *(f"{place.name}-{i}" for i in range(2, len(self._taken) + 3))]
        path = next(path for name in names if (path := folder / f"{name}.timeline.png") not in self._taken)
        self._taken.add(path)
        return path
