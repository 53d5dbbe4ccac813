"""What is done with each recording of a job: decided, written, drawn, tagged, with a boundary around each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from organology.audio.inputs import Input
from organology.batch.executor import Batch, FileResult
from organology.batch.options import Job
from organology.batch.progress import ProgressReporter
from organology.batch.tag_writer import FileTagWriter
from organology.batch.words import labels_of, thresholds_of
from organology.errors import OptionError, OrganologyError, one_line, show_traceback
from organology.outputs.formats import FORMATS
from organology.outputs.paths import OutputPaths
from organology.outputs.sinks import FolderWriter, one_line_errors
from organology.outputs.writers.base import Writer
from organology.recognition.recognizer import Recognizer
from organology.recognition.result import Recognition
from organology.recognition.thresholds import resolve_thresholds

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")
"""A `plot` that ends so is a file; every other one is a folder."""


def is_picture(path: Path) -> bool:
    """Whether a `plot` names one picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


@dataclass(frozen=True)
class Decisions:
    """What makes the recognition that is asked for of the recognizer's; resolved once."""

    job: Job
    thresholds: NDArray[np.float64]
    labels: tuple[str, ...] | None

    @staticmethod
    def of(job: Job, recognizer: Recognizer) -> Decisions:
        """Resolve them for the labels of a recognizer; raises OptionError where they do not fit."""
        metadata = recognizer.metadata
        label_set = metadata.label_set
        given = thresholds_of(job.thresholds, label_set)
        try:
            preset = metadata.preset(job.preset)
        except ValueError as error:
            raise OptionError(f"--{job.preset}", str(error)) from None
        try:
            thresholds = resolve_thresholds(label_set, preset, given, metadata.presets)
        except ValueError as error:
            raise OptionError("--threshold", str(error)) from None
        return Decisions(job, thresholds, labels_of(job.only, label_set))

    def apply(self, recognition: Recognition) -> Recognition:
        """A recognition with the thresholds, segments and labels that are asked for."""
        refined = recognition.refined(self.thresholds, self.job.segment_settings)
        shown = refined if self.labels is None else refined.only(self.labels)
        return shown if self.job.brief else shown.without_brief()


@dataclass(frozen=True)
class Work:
    """Recognizing and writing, with a boundary around each input and each output of it."""

    job: Job
    batch: Batch
    decisions: Decisions
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
            if not is_picture(path):
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
