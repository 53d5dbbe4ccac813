"""Recognizing many files at once, as `organology recognize` does: find, recognize, write, tell what failed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from organology.audio.inputs import Input, expand
from organology.batch.executor import Batch
from organology.batch.progress import Screen
from organology.errors import OrganologyError, StoppedError
from organology.labels import default_set
from organology.library.store import Store
from organology.outputs.paths import OutputPaths
from organology.outputs.registry import FORMATS, Writer, WriterOptions, one_line_errors, open_writer
from organology.recognition.onnx_model import available_cores
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition
from organology.recognition.segments import SegmentSettings
from organology.recognition.thresholds import Thresholds, resolve_thresholds

if TYPE_CHECKING:
    from organology.batch.tag_writer import Tagger

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
    format : str
        One of `writers.FORMATS`.
    output : Path, optional
        A file, written whole, or a folder, see `writers.open_writer`. Default: standard output, as it comes.
    timeline, per_label, embed_audio : bool
        See `writers.WriterOptions`.
    tags : {"tell", "write"}, optional
        Write what plays into the recordings, or only tell what would be written; see `tags.write_tags`.
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
    labels : str, optional
        A label set, by its name or as a table, in place of the model's own, as far as the model can tell it.
    brief : bool
        Whether outputs have the segments of labels that play only for a while.
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
    format: str = "table"
    output: Path | None = None
    timeline: bool = False
    per_label: bool = False
    embed_audio: bool = False
    tags: Literal["tell", "write"] | None = None
    hop_seconds: float = 1.0
    split: bool = False
    plot: Path | None = None
    model: Path | None = None
    thresholds: Thresholds | None = None
    segment_settings: SegmentSettings = field(default_factory=SegmentSettings)
    only: Sequence[str] | None = None
    labels: str | None = None
    brief: bool = True
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
        names = OutputPaths(found.files, job.split)
        _check(job, names)
        with ExitStack() as stack:
            batch = _batch(job, n_files, stack) if found.files else None
            writer = stack.enter_context(_writer(job, batch, names))
            screen = Screen([item.size for item in found.files], shares_stdout=job.output is None)
            stack.enter_context(screen)
            if batch is not None and batch.recognizer.missing:
                missing = ", ".join(batch.recognizer.missing)
                screen.line(f"{batch.recognizer.label_set.name}: this model cannot tell {missing}")
            for name, reason in found.failures:
                screen.line(f"{name}: {reason}")
                writer.fail(name, reason)
            n_failed = 0 if batch is None else _recognized(job, batch, found.files, names, writer, screen)
            return len(found.failures) + n_failed
    except KeyboardInterrupt:
        raise StoppedError(_stopped(job, screen.n_done if screen else 0, n_files)) from None


def _check(job: Job, names: OutputPaths) -> None:
    """What can be told before the work, not after."""
    if job.tags is not None:
        import mutagen  # noqa: F401  # missing?
    if job.plot is None:
        return
    if job.plot.suffix.lower() in PICTURE_SUFFIXES and names.many:
        raise OrganologyError(f"{job.plot}: one picture for several recordings; name a folder")
    import matplotlib  # noqa: F401


def _batch(job: Job, n_files: int, stack: ExitStack) -> Batch:
    threads = job.threads or available_cores()
    jobs = max(1, min(job.jobs or threads, n_files))
    recognizer = Recognizer(job.model, max(1, threads // jobs), job.labels)
    if job.store is None:
        return Batch(recognizer, job.hop_seconds, job.split, jobs)
    store = stack.enter_context(Store(job.store))
    run = store.run(recognizer.digest, recognizer.model, recognizer.metadata, job.hop_seconds)
    return Batch(recognizer, job.hop_seconds, job.split, jobs, store, run, job.retry)


def _recognized(
    job: Job, batch: Batch, inputs: Sequence[Input], names: OutputPaths, writer: Writer, screen: Screen
) -> int:
    """Recognize and write every input; how many failed."""
    n_failed = 0
    metadata = batch.recognizer.metadata
    thresholds = resolve_thresholds(metadata.label_set, metadata.thresholds, job.thresholds)
    tagger = _tagger(job, batch, screen)
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
                if not FORMATS[job.format].has_notes:
                    for note in result.notes:
                        screen.line(f"{result.source}: note: {note}")
                _draw(job, names, result)
                n_failed += tagger is not None and not tagger.tag(outcome.item, result)
            seconds = max((one.duration for one in outcome.recognitions), default=0.0)
            screen.done(outcome.index, seconds, outcome.stored)
    if tagger is not None:
        tagger.close()
    return n_failed


def _judged(recognition: Recognition, thresholds: NDArray[np.float64], job: Job) -> Recognition:
    """A recognition with the thresholds, segments and labels that were asked for."""
    refined = recognition.refined(thresholds, job.segment_settings)
    shown = refined if job.only is None else refined.only(job.only)
    return shown if job.brief else shown.without_brief()


def _draw(job: Job, names: OutputPaths, recognition: Recognition) -> None:
    if job.plot is None:
        return
    from organology.outputs.plot import plot

    is_picture = job.plot.suffix.lower() in PICTURE_SUFFIXES
    path = job.plot if is_picture else names.path(recognition.source, job.plot, ".timeline.png")
    with one_line_errors(path):
        plot(recognition, path)


def _tagger(job: Job, batch: Batch, screen: Screen) -> Tagger | None:
    if job.tags is None:
        return None
    from organology.batch.tag_writer import Tagger

    return Tagger(job.tags, job.model, batch.store, screen.line)


def _stopped(job: Job, n_done: int, n_files: int) -> str:
    if job.store is None:
        return f"stopped: {n_done} of {n_files} files were done; with --store FILE such a run can be taken up again"
    return f"stopped: {n_done} of {n_files} files are done; the same command goes on from there ({job.store})"


def _writer(job: Job, batch: Batch | None, names: OutputPaths) -> AbstractContextManager[Writer]:
    about = {} if batch is None else {**_about(batch.recognizer), "hop_seconds": job.hop_seconds}
    label_set = default_set() if batch is None else batch.recognizer.label_set
    options = WriterOptions(
        timeline=job.timeline,
        labels=() if job.only is None else tuple(job.only),
        per_label=job.per_label,
        embed_audio=job.embed_audio,
        label_set=label_set,
    )
    return open_writer(job.format, job.output, options, about, names)


def _about(recognizer: Recognizer) -> dict[str, object]:
    metadata = recognizer.metadata
    return {
        "name": recognizer.model,
        "sample_rate": metadata.sample_rate,
        "window_seconds": metadata.window_seconds,
        "pooling": metadata.pooling,
    }
