"""CSV: scores of files or windows, and segments.

A cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return would be a formula to a spreadsheet. Such a name
gets a `'` in front, which spreadsheets do not show; one that already has some before such a sign gets one more, so that
`original_cell` always gives the name back.
"""

from __future__ import annotations

import csv
import re
from typing import Any, Self, TextIO

from organology.outputs.writers.base import StreamWriter, WriterOptions
from organology.recognition.result import Recognition

SEGMENT_COLUMNS = ("file", "label", "start", "end", "score")
_ROW_END = "\r\n"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def safe_cell(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula.

    >>> safe_cell("=1+1.wav"), safe_cell("a=b.wav")
    ("'=1+1.wav", 'a=b.wav')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def original_cell(cell: str) -> str:
    """The text of which `safe_cell` made a cell.

    >>> original_cell("'=1+1.wav"), original_cell("'tis a song.wav")
    ('=1+1.wav', "'tis a song.wav")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class _LineFeeds:
    """A stream for rows that end with CR LF: on it they end with LF."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, row: str) -> int:
        return self._stream.write(f"{row.removesuffix(_ROW_END)}\n")


def csv_rows(stream: TextIO) -> Any:
    """A `csv.writer` whose rows end with LF, and which quotes every cell that holds CR or LF.

    With LF alone as the end of rows, `csv` leaves a CR in a name bare, and readers begin a new row there.
    """
    return csv.writer(_LineFeeds(stream), lineterminator=_ROW_END)


def _number(value: float) -> str:
    return format(float(value), ".6g")


def _seconds(value: float) -> str:
    return format(float(value), ".6f").rstrip("0").rstrip(".")


class CsvWriter(StreamWriter):
    """CSV, one row a file (`file,duration` and the scores) or a window (`file,start,end` and the scores)."""

    def __init__(self, stream: TextIO, options: WriterOptions | None = None, *_: Any) -> None:
        super().__init__(stream, options)
        self._csv = csv_rows(stream)

    def __enter__(self) -> Self:
        first = ("file", "start", "end") if self._options.timeline else ("file", "duration")
        self._csv.writerow((*first, *self._options.labels))
        return self

    def add(self, recognition: Recognition) -> None:
        """Write the row of a file, or the rows of its windows."""
        name = safe_cell(recognition.source)
        if self._options.timeline:
            for start, end, scores in zip(recognition.starts, recognition.ends, recognition.scores, strict=True):
                self._csv.writerow([name, _seconds(start), _seconds(end), *map(_number, scores)])
        else:
            self._csv.writerow([name, _seconds(recognition.duration), *map(_number, recognition.file_scores)])
        self._stream.flush()


class SegmentsWriter(StreamWriter):
    """CSV, one row a segment: `file,label,start,end,score`."""

    def __init__(self, stream: TextIO, options: WriterOptions | None = None, *_: Any) -> None:
        super().__init__(stream, options)
        self._csv = csv_rows(stream)

    def __enter__(self) -> Self:
        self._csv.writerow(SEGMENT_COLUMNS)
        return self

    def add(self, recognition: Recognition) -> None:
        """Write the rows of a recording, in the order of labels, then of time."""
        name = safe_cell(recognition.source)
        for one in recognition.segments:
            self._csv.writerow([name, one.label, _seconds(one.start), _seconds(one.end), _number(one.score)])
        self._stream.flush()
