"""JSON, JSON Lines and JAMS."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Self, TextIO

from organology.outputs.writers.base import StreamWriter, WriterOptions
from organology.recognition.interop import jams_plain
from organology.recognition.result import Recognition
from organology.recognition.serialization import JSON_SCHEMA, JSON_VERSION, json_text, line, pieces


class JamsWriter(StreamWriter):
    """A JAMS document of one recording."""

    def add(self, recognition: Recognition) -> None:
        """Write the document."""
        self._stream.write(json_text(jams_plain(recognition), indent=1))
        self._stream.write("\n")


class JsonLinesWriter(StreamWriter):
    """JSON Lines: a recording a line; what could not be used is a line with `file` and `reason`."""

    def add(self, recognition: Recognition) -> None:
        """Write one line."""
        self._stream.writelines(line(recognition, self._options.timeline))
        self._stream.write("\n")
        self._stream.flush()

    def fail(self, file: str, reason: str) -> None:
        """Write a line with the reason why there is none of a recording."""
        failure = {"schema": JSON_SCHEMA, "version": JSON_VERSION, "file": file, "reason": reason}
        self._stream.write(json.dumps(failure, ensure_ascii=False, allow_nan=False) + "\n")
        self._stream.flush()


class JsonWriter(StreamWriter):
    """JSON, one object with a list of recordings and one of failures.

    Parameters
    ----------
    stream : text stream
    options : WriterOptions, optional
    model : dict, optional
        What is known of the model.
    """

    def __init__(
        self, stream: TextIO, options: WriterOptions | None = None, model: dict[str, Any] | None = None, *_: Any
    ) -> None:
        super().__init__(stream, options)
        self._model = model or {}
        self._failures: list[dict[str, str]] = []
        self._n = 0

    def __enter__(self) -> Self:
        head = {"schema": JSON_SCHEMA, "version": JSON_VERSION, "model": self._model}
        self._stream.write(json_text(head, indent=1).removesuffix("\n}") + ',\n "recordings": [')
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._stream.write(f'\n ],\n "failures": {json_text(self._failures)}\n}}\n')

    def add(self, recognition: Recognition) -> None:
        """Write one recording."""
        self._stream.write(f"{',' if self._n else ''}\n  ")
        self._stream.writelines(pieces(recognition, self._options.timeline))
        self._stream.flush()
        self._n += 1

    def fail(self, file: str, reason: str) -> None:
        """Keep a failure for the end of the object."""
        self._failures.append({"file": file, "reason": reason})
