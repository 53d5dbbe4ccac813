"""Writers on an open stream: CSV, segments, JSON, JSON Lines, JAMS, and texts of a recording each."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from organology.outputs.html.audio import EMBED_BYTES
from organology.recognition.interop import jams_plain
from organology.recognition.result import Recognition
from organology.recognition.serialization import JSON_SCHEMA, JSON_VERSION, line, pieces
from organology.taxonomy import LABELS

SEGMENT_COLUMNS = ("file", "label", "start", "end", "score")


@dataclass(frozen=True)
class WriterOptions:
    """What is written, where a format leaves a choice.

    Attributes
    ----------
    timeline : bool
        The scores of every window too (json, jsonl, html), or in place of the file's (csv); blocks over time (table).
    labels : tuple of str
        Of the recognitions that will come: the columns of csv.
    per_label : bool
        audacity, into a folder: a track for each label, in place of one for all.
    embed_audio : bool
        html: the audio itself in the page, in place of a link to it.
    embed_bytes : int
        html: a file that is larger is linked nevertheless.
    link_audio : bool
        html: a player where there is a file of the recording's name; False: never look for one.
    """

    timeline: bool = False
    labels: tuple[str, ...] = LABELS
    per_label: bool = False
    embed_audio: bool = False
    embed_bytes: int = EMBED_BYTES
    link_audio: bool = True


class Writer(Protocol):
    """Takes recordings and failures one after the other; a context manager, whole once it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def add(self, recognition: Recognition) -> None:
        """Write one recording."""
        ...

    def fail(self, file: str, reason: str) -> None:
        """Write that an input could not be used, where the format has a place for it."""
        ...


def _number(value: float) -> str:
    return format(float(value), ".6g")


def _seconds(value: float) -> str:
    return format(float(value), ".6f").rstrip("0").rstrip(".")


class PlainWriter:
    """What writers without head, foot and failures share."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def fail(self, file: str, reason: str) -> None:
        """The format has no place for it; the line on standard error is enough."""


class _Plain(PlainWriter):
    """One of them on a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream


class CsvWriter(_Plain):
    """CSV, one row a file (`file,duration` and the scores) or a window (`file,start,end` and the scores)."""

    def __init__(self, stream: TextIO, options: WriterOptions | None = None) -> None:
        super().__init__(stream)
        self._options = options or WriterOptions()
        self._csv = csv.writer(stream, lineterminator="\n")

    def __enter__(self) -> Self:
        first = ("file", "start", "end") if self._options.timeline else ("file", "duration")
        self._csv.writerow((*first, *self._options.labels))
        return self

    def add(self, recognition: Recognition) -> None:
        """Write the row of a file, or the rows of its windows."""
        name = recognition.source
        if self._options.timeline:
            for start, end, scores in zip(recognition.starts, recognition.ends, recognition.scores, strict=True):
                self._csv.writerow([name, _seconds(start), _seconds(end), *map(_number, scores)])
        else:
            self._csv.writerow([name, _seconds(recognition.duration), *map(_number, recognition.file_scores)])
        self._stream.flush()


class SegmentsWriter(_Plain):
    """CSV, one row a segment: `file,label,start,end,score`."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._csv = csv.writer(stream, lineterminator="\n")

    def __enter__(self) -> Self:
        self._csv.writerow(SEGMENT_COLUMNS)
        return self

    def add(self, recognition: Recognition) -> None:
        """Write the rows of a recording, in the order of labels, then of time."""
        for one in recognition.segments:
            times = (_seconds(one.start), _seconds(one.end))
            self._csv.writerow([recognition.source, one.label, *times, _number(one.score)])
        self._stream.flush()


class TextWriter(_Plain):
    """A text of each recording, one behind the other."""

    def __init__(self, stream: TextIO, text_of: Callable[[Recognition], str]) -> None:
        super().__init__(stream)
        self._text_of = text_of

    def add(self, recognition: Recognition) -> None:
        """Write the text of one recording."""
        self._stream.write(self._text_of(recognition))
        self._stream.flush()


class JamsWriter(_Plain):
    """A JAMS document of one recording."""

    def add(self, recognition: Recognition) -> None:
        """Write the document."""
        json.dump(jams_plain(recognition), self._stream, indent=1, ensure_ascii=False)
        self._stream.write("\n")


class JsonLinesWriter(_Plain):
    """JSON Lines: a recording a line; what could not be used is a line with `file` and `reason`."""

    def __init__(self, stream: TextIO, options: WriterOptions) -> None:
        super().__init__(stream)
        self._timeline = options.timeline

    def add(self, recognition: Recognition) -> None:
        """Write one line."""
        self._stream.writelines(line(recognition, self._timeline))
        self._stream.write("\n")
        self._stream.flush()

    def fail(self, file: str, reason: str) -> None:
        """Write a line that tells why there is none of a recording."""
        failure = {"schema": JSON_SCHEMA, "version": JSON_VERSION, "file": file, "reason": reason}
        self._stream.write(json.dumps(failure, ensure_ascii=False) + "\n")
        self._stream.flush()


class JsonWriter(_Plain):
    """JSON, one object with a list of recordings and one of failures.

    Parameters
    ----------
    stream : text stream
    timeline : bool
        Also the scores of every window.
    model : dict, optional
        What is told of the model.
    """

    def __init__(self, stream: TextIO, timeline: bool = False, model: dict[str, Any] | None = None) -> None:
        super().__init__(stream)
        self._timeline = timeline
        self._model = model or {}
        self._failures: list[dict[str, str]] = []
        self._n = 0

    def __enter__(self) -> Self:
        head = {"schema": JSON_SCHEMA, "version": JSON_VERSION, "model": self._model}
        text = json.dumps(head, indent=1, ensure_ascii=False)
        self._stream.write(text.removesuffix("\n}") + ',\n "recordings": [')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            failures = json.dumps(self._failures, ensure_ascii=False)
            self._stream.write(f'\n ],\n "failures": {failures}\n}}\n')

    def add(self, recognition: Recognition) -> None:
        """Write one recording."""
        self._stream.write(f"{',' if self._n else ''}\n  ")
        self._stream.writelines(pieces(recognition, self._timeline))
        self._stream.flush()
        self._n += 1

    def fail(self, file: str, reason: str) -> None:
        """Keep a failure for the end of the object."""
        self._failures.append({"file": file, "reason": reason})
