"""The format `table`: a table or a timeline of each recording, as wide as the terminal."""

from __future__ import annotations

import os
from typing import Any, TextIO

from rich.console import Console

from organology.outputs.terminal import table, timeline
from organology.outputs.writers.base import StreamWriter, WriterOptions
from organology.recognition.result import Recognition

_FILE_COLUMNS = 100  # where there is no terminal


class TableWriter(StreamWriter):
    """Tables, one a recording; with the option `timeline` timelines over the whole width.

    Parameters
    ----------
    stream : text stream
        Colors only if it is a terminal; block characters only if its encoding has them.
    options : WriterOptions, optional
    """

    def __init__(self, stream: TextIO, options: WriterOptions | None = None, *_: Any) -> None:
        super().__init__(stream, options)
        self._console = Console(file=stream, highlight=False)
        if not self._console.is_terminal and "COLUMNS" not in os.environ:
            self._console.width = max(self._console.width, _FILE_COLUMNS)
        encoding = getattr(stream, "encoding", None) or "utf-8"  # text in memory has none and takes all
        self._unicode = "utf" in encoding.lower()

    def add(self, recognition: Recognition) -> None:
        """Write the table of one recording."""
        width = self._console.width
        if self._options.timeline:
            self._console.print(timeline.render(recognition, width, self._unicode), no_wrap=True)
        else:
            self._console.print(table.render(recognition, width, self._unicode))
        self._console.print()
