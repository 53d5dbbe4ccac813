"""Writers of recognitions: CSV and JSON, each recording written as it comes.

CSV has one row a file, `file,duration` and the 15 labels; or, with `timeline`, one row a window, `file,start,end` and
the 15 labels. JSON is one object; its form is in `docs/recognition.md` and versioned by `JSON_VERSION`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, TextIO

from organology.recognition.result import Recognition
from organology.taxonomy import LABELS

JSON_SCHEMA = "organology.recognition"
JSON_VERSION = 1

FILE_COLUMNS = ("file", "duration")
TIMELINE_COLUMNS = ("file", "start", "end")


class Writer(Protocol):
    """Takes recordings and failures one after the other; a context manager, whole once it is left."""

    def __enter__(self) -> Writer: ...

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


class CsvWriter:
    """CSV, one row a file or a window.

    Parameters
    ----------
    stream : text stream
    timeline : bool
        One row a window instead of one a file.
    labels : sequence of str
        Those of the recordings, which have a column each.
    """

    def __init__(self, stream: TextIO, timeline: bool = False, labels: Sequence[str] = LABELS) -> None:
        self._stream = stream
        self._timeline = timeline
        self._labels = labels
        self._csv = csv.writer(stream, lineterminator="\n")

    def __enter__(self) -> CsvWriter:
        self._csv.writerow([*(TIMELINE_COLUMNS if self._timeline else FILE_COLUMNS), *self._labels])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def add(self, recognition: Recognition) -> None:
        """Write the row of a file, or the rows of its windows."""
        name = recognition.source
        if self._timeline:
            for start, end, scores in zip(recognition.starts, recognition.ends, recognition.scores, strict=True):
                self._csv.writerow([name, _seconds(start), _seconds(end), *map(_number, scores)])
        else:
            self._csv.writerow([name, _seconds(recognition.duration), *map(_number, recognition.file_scores)])
        self._stream.flush()

    def fail(self, file: str, reason: str) -> None:
        """CSV has no place for it."""


class JsonWriter:
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
        self._stream = stream
        self._timeline = timeline
        self._model = model or {}
        self._failures: list[dict[str, str]] = []
        self._n = 0

    def __enter__(self) -> JsonWriter:
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
        text = json.dumps(recognition.to_dict(self._timeline), ensure_ascii=False)
        self._stream.write(f"{',' if self._n else ''}\n  {text}")
        self._stream.flush()
        self._n += 1

    def fail(self, file: str, reason: str) -> None:
        """Keep a failure for the end of the object."""
        self._failures.append({"file": file, "reason": reason})
