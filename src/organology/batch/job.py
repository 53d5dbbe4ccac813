"""Recognizing many files at once, as `organology recognize` does: find, recognize, write, say what failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from organology import audio
from organology.atomic import sweep_once
from organology.audio.inputs import Input, expand
from organology.batch.executor import Batch, FileResult
from organology.batch.options import Job, labels_of, thresholds_of
from organology.batch.progress import ProgressReporter
from organology.batch.tag_writer import FileTagWriter
from organology.errors import OptionError, OrganologyError, StoppedError, one_line, show_traceback
from organology.library.store import Store
from organology.outputs.paths import OutputPaths
from organology.outputs.registry import FORMATS, Writer, WriterOptions, format_of, open_writer
from organology.outputs.sinks import FolderWriter, one_line_errors, output_path
from organology.recognition.onnx_model import available_cores
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition
from organology.recognition.thresholds import resolve_thresholds
from organology.targets import check_output, with_companions

__all__ = ["PICTURE_SUFFIXES", "Job", "run", "with_format"]

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
"""A `plot` that ends so is a file; every other one is a folder."""


@dataclass(frozen=True)
class _Decisions:
    """What makes the recognition that is asked for of the recognizer's; resolved once."""

    job: Job
    thresholds: NDArray[np.float64]
    labels: tuple[str, ...] | None

    @staticmethod
    def of(job: Job, recognizer: Recognizer) -> _Decisions:
        label_set = recognizer.metadata.label_set
        given = thresholds_of(job.thresholds, label_set)
        try:
            thresholds = resolve_thresholds(label_set, recognizer.metadata.thresholds, given)
        except ValueError as error:
            raise OptionError("--threshold", str(error)) from None
        return _Decisions(job, thresholds, labels_of(job.only, label_set))

    def apply(self, recognition: Recognition) -> Recognition:
        refined = recognition.refined(self.thresholds, self.job.segment_settings)
        shown = refined if self.labels is None else refined.only(self.labels)
        return shown if self.job.brief else shown.without_brief()


def with_format(job: Job) -> Job:
    """The job with `-` as standard output, and with the format that its output asks for, if none is given.

    Raises
    ------
    OrganologyError
        If the name of the output asks for no format.
    """
    output = output_path(job.output)
    return replace(job, output=output, format=job.format or format_of(output))


def run(job: Job) -> int:
    """Do a job.

    Every input that cannot be used costs one line on standard error, "PATH: reason"; the rest goes on.

    Returns
    -------
    int
        How many inputs could not be used, or written.

    Raises
    ------
    ModelError
        If the model cannot be used.
    StoreError
        If the store cannot be used.
    OptionError
        If an option does not fit the model.
    OrganologyError
        If something cannot be written, would be written over an input, or `plot` names one picture for several files.
    StoppedError
        If the user stops it (Ctrl-C); says what was done.
    """
    reporter: ProgressReporter | None = None
    n_files = 0
    job = with_format(job)
    try:
        found = expand(job.paths, job.lists, null=job.null, recursive=job.recursive, hidden=job.hidden)
        n_files = len(found.files)
        names = OutputPaths(found.files, job.split, also_read=_read_by(job))
        _check(job, names)
        with ExitStack() as stack:
            batch = _batch(job, n_files, stack) if found.files else None
            decisions = None if batch is None else _Decisions.of(job, batch.recognizer)
            writer = stack.enter_context(_writer(job, batch, decisions, names))
            reporter = ProgressReporter(
                [item.size for item in found.files],
                shares_stdout=job.output is None,
                quiet=job.quiet,
                length_of=lambda index: _length_of(found.files[index]),
            )
            stack.enter_context(reporter)
            if batch is not None and batch.recognizer.missing:
                missing = ", ".join(batch.recognizer.missing)
                reporter.note(f"{batch.recognizer.label_set.name}: this model cannot tell {missing}")
            for name, reason in found.failures:
                reporter.line(f"{name}: {reason}")
                writer.fail(name, reason)
            if batch is None or decisions is None:
                return len(found.failures)
            return len(found.failures) + _Work(job, batch, decisions, names, writer, reporter).do(found.files)
    except KeyboardInterrupt:
        raise StoppedError(_stopped(job, reporter.n_done if reporter else 0, n_files)) from None


def _read_by(job: Job) -> list[str]:
    """What the job reads besides the recordings: lists, playlists, the store, the model."""
    listed = [path.removeprefix("@") for path in (*job.paths, *job.lists)]
    return [*listed, *with_companions(job.store_file), *([] if job.model is None else [str(job.model)])]


def _check(job: Job, names: OutputPaths) -> None:
    """Refuse before the work what could not be done after it."""
    if job.write_tags:
        import mutagen  # noqa: F401  # missing?
    for output in (job.output, job.plot):
        if output is None:
            continue
        if names.holds(output) and not output.is_dir():
            raise OrganologyError(f"{output}: this is one of the inputs, and is not written over")
        is_folder = output.is_dir() or (output is job.plot and not _is_picture(output))
        if output.is_dir():
            sweep_once(output)
        check_output(output, [*with_companions(job.store_file), job.model], folder=is_folder)
    if job.plot is None:
        return
    if _is_picture(job.plot) and names.many:
        raise OrganologyError(f"{job.plot}: one picture for several recordings; name a folder")
    import matplotlib  # noqa: F401


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES


def _length_of(item: Input) -> float:
    """Seconds of audio in a file as far as its header says it, else 0."""
    if item.file is not None:
        return 0.0
    try:
        with audio.decode(item.source) as stream:
            return stream.frames / stream.sample_rate if stream.frames else 0.0
    except (OrganologyError, OSError, ValueError):
        return 0.0


def _batch(job: Job, n_files: int, stack: ExitStack) -> Batch:
    threads = job.threads or available_cores()
    jobs = max(1, min(job.jobs or threads, n_files))
    recognizer = Recognizer(job.model, max(1, threads // jobs), job.labels, job.device)
    if job.store_file is None:
        return Batch(recognizer, job.hop_seconds, job.split, jobs)
    store = stack.enter_context(Store(job.store_file))
    run = store.run(recognizer.digest, recognizer.model, recognizer.metadata, job.hop_seconds)
    return Batch(recognizer, job.hop_seconds, job.split, jobs, store, run, job.retry)


@dataclass(frozen=True)
class _Work:
    """Recognizing and writing, with a boundary around each input and each output of it."""

    job: Job
    batch: Batch
    decisions: _Decisions
    names: OutputPaths
    writer: Writer
    reporter: ProgressReporter

    def do(self, inputs: Sequence[Input]) -> int:
        """Recognize and write every input; how many failed."""
        n_failed = n_moved = 0
        tags = self._tag_writer()
        with closing(self.batch.results(inputs, self.reporter.share)) as results:
            for result in results:
                n_failed += not self._write(result, tags)
                n_moved += result.moved_from is not None
                seconds = max((one.duration for one in result.recognitions), default=0.0)
                self.reporter.done(result.index, seconds, result.stored)
        if tags is not None:
            tags.close()
        if n_moved:
            files = "1 file was" if n_moved == 1 else f"{n_moved} files were"
            self.reporter.note(f"{files} moved since; the store knew them by their content")
        return n_failed

    def _write(self, result: FileResult, tags: FileTagWriter | None) -> bool:
        """Write all that is asked for of one input; whether all of it could be done."""
        if result.error is not None:
            self.reporter.line(f"{result.item.name}: {result.reason}")
            self.writer.fail(result.item.name, result.reason)
            return False
        good = True
        for recognition in result.recognitions:
            decided = self.decisions.apply(recognition)
            good &= self._add(decided)
            if not FORMATS[self.job.format or "table"].has_notes:
                for note in decided.notes:
                    self.reporter.note(f"{decided.source}: note: {note}")
            good &= self._draw(decided)
            good &= tags is None or tags.tag(result.item, decided)
        return good

    def _add(self, recognition: Recognition) -> bool:
        if not isinstance(self.writer, FolderWriter):  # in one file an error is that of all
            with self.reporter.paused():
                self.writer.add(recognition)
            return True
        with self._boundary(recognition.source, "cannot be written") as failed:
            self.writer.add(recognition)
        return not failed

    def _draw(self, recognition: Recognition) -> bool:
        if self.job.plot is None:
            return True
        from organology.outputs.plot import plot

        with self._boundary(recognition.source, "cannot be drawn") as failed:
            path = self.job.plot
            if not _is_picture(path):
                path = self.names.path(recognition.source, path, ".timeline.png")
            with one_line_errors(path):
                plot(recognition, path)
        return not failed

    @contextmanager
    def _boundary(self, name: str, what: str) -> Iterator[list[str]]:
        """Turn any error into one line; the list holds it then."""
        failed: list[str] = []
        try:
            yield failed
        except OrganologyError as error:
            failed.append(str(error))
        except Exception as error:  # one odd recording must not end the work on all others
            show_traceback(error)
            failed.append(f"{name}: {what}: {one_line(error)}")
        for line in failed:
            self.reporter.line(line)

    def _tag_writer(self) -> FileTagWriter | None:
        if not self.job.write_tags:
            return None
        listed = self.reporter.note if self.job.yes else self.reporter.line
        digest = self.batch.recognizer.digest
        return FileTagWriter(self.job.yes, digest, self.batch.store, self.reporter.line, listed)


def _stopped(job: Job, n_done: int, n_files: int) -> str:
    if job.store is None:
        return f"stopped: {n_done} of {n_files} files were done; with --store FILE such a run can be taken up again"
    return f"stopped: {n_done} of {n_files} files are done; the same command goes on from there ({job.store})"


def _writer(
    job: Job, batch: Batch | None, decisions: _Decisions | None, names: OutputPaths
) -> AbstractContextManager[Writer]:
    about = {} if batch is None else {**_about(batch.recognizer), "hop_seconds": job.hop_seconds}
    options = WriterOptions(timeline=job.timeline, per_label=job.per_label, embed_audio=job.embed_audio)
    if batch is not None and decisions is not None:
        options = replace(options, labels=decisions.labels or (), label_set=batch.recognizer.label_set)
    return open_writer(job.format or "table", job.output, options, about, names)


def _about(recognizer: Recognizer) -> dict[str, object]:
    metadata = recognizer.metadata
    return {
        "name": recognizer.model,
        "sample_rate": metadata.sample_rate,
        "window_seconds": metadata.window_seconds,
        "pooling": metadata.pooling,
    }
