"""What a query found, written: a table for people, CSV, JSON, paths, a playlist."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from organology.atomic import is_written_through
from organology.errors import OrganologyError
from organology.library.query.match import Recordings
from organology.outputs.terminal.printable import printable
from organology.outputs.writers.tables import csv_rows, safe_cell
from organology.timeaxis import clock

FIND_SCHEMA = "organology.find"
FIND_VERSION = 1

FIND_FORMATS = ("table", "csv", "json", "paths", "m3u")
"""Forms in which the recordings found can be written."""

_BY_SUFFIX = {"": "table", ".txt": "table", ".csv": "csv", ".json": "json", ".m3u": "m3u", ".m3u8": "m3u"}

_TABLE_PLAYS = 6  # labels that a row of the table names, at most


class HasModel(Protocol):
    """A run, as far as it is written."""

    @property
    def model(self) -> str:
        """Name of the model."""
        ...


class FoundRows(Recordings, Protocol):
    """What is written: recordings that were found, in order."""

    @property
    def runs(self) -> Mapping[int, HasModel]:
        """By number."""
        ...

    @property
    def run_ids(self) -> NDArray[np.int64]:
        """Shape (n,)."""
        ...

    @property
    def names(self) -> list[str]:
        """Paths, with the channel where it stands alone."""
        ...


def found_format(output: Path | None) -> str:
    """The form that the name of a file asks for; "table" without a file.

    Raises
    ------
    OrganologyError
        If it asks for none.
    """
    form = "table" if output is None or is_written_through(output) else _BY_SUFFIX.get(output.suffix.lower())
    if form is None:
        raise OrganologyError(f"{output}: its name must end in {', '.join(filter(None, _BY_SUFFIX))}, or give --format")
    return form


def write_found(library: FoundRows, form: str, stream: TextIO, *, query: str, labels: list[str], null: bool) -> None:
    """Write recordings.

    Parameters
    ----------
    library : FoundRows
        Those that were found, in order.
    form : str
        One of `FIND_FORMATS`.
    stream : text stream
    query : str
        As it was asked; JSON repeats it.
    labels : list of str
        Whose scores the table shows.
    null : bool
        `paths`: end each with a NUL byte in place of a line's end.
    """
    if form == "paths":
        end = "\0" if null else "\n"
        stream.writelines(f"{path}{end}" for path in dict.fromkeys(library.paths))
        return
    write: dict[str, Callable[[], None]] = {
        "table": lambda: _table(library, stream, labels),
        "csv": lambda: _csv(library, stream),
        "json": lambda: _json(library, stream, query),
        "m3u": lambda: _m3u(library, stream),
    }
    write[form]()


def _table(library: FoundRows, stream: TextIO, labels: list[str]) -> None:
    """Scores of the labels asked for, duration, path, and what plays."""
    heads = [f"{label:>5}" for label in labels]
    label_set = library.label_set
    columns = [label_set.index(label) for label in labels]
    stream.write("  ".join([*heads, f"{'length':>8}", "recording"]) + "\n")
    for name, duration, scores, plays in zip(
        library.names, library.durations.tolist(), library.scores, library.plays, strict=True
    ):
        numbers = [f"{scores[column]:>{len(head)}.2f}" for column, head in zip(columns, heads, strict=True)]
        playing = [label for label, on in zip(label_set.labels, plays, strict=True) if on]
        more = f" +{len(playing) - _TABLE_PLAYS}" if len(playing) > _TABLE_PLAYS else ""
        named = f"  ({', '.join(playing[:_TABLE_PLAYS])}{more})" if playing else ""
        stream.write("  ".join([*numbers, f"{clock(duration):>8}", printable(name)]) + named + "\n")


def _csv(library: FoundRows, stream: TextIO) -> None:
    """The columns that `organology recognize --format csv` has."""
    writer = csv_rows(stream)
    writer.writerow(("file", "duration", *library.label_set.labels))
    for name, duration, scores in zip(library.names, library.durations.tolist(), library.scores.tolist(), strict=True):
        seconds = format(duration, ".6f").rstrip("0").rstrip(".")
        writer.writerow([safe_cell(name), seconds, *(f"{score:.6g}" for score in scores)])


def _json(library: FoundRows, stream: TextIO, query: str) -> None:
    label_set = library.label_set
    head = {"schema": FIND_SCHEMA, "version": FIND_VERSION, "query": query}
    stream.write(json.dumps(head, ensure_ascii=False, allow_nan=False).removesuffix("}") + ', "recordings": [')
    # Of a million rows, `json.dumps` of each whole row would take longer than all else.
    heads = [f"{_text(label)}: " for label in label_set.labels]
    models = {number: _text(run.model) for number, run in library.runs.items()}
    playing: dict[bytes, str] = {}
    for i, (path, channel, duration, number, scores, plays) in enumerate(
        zip(
            library.paths,
            library.channels.tolist(),
            library.durations.tolist(),
            library.run_ids.tolist(),
            library.scores.tolist(),
            library.plays,
            strict=True,
        )
    ):
        key = plays.tobytes()
        if key not in playing:
            playing[key] = _text([label for label, on in zip(label_set.labels, plays, strict=True) if on])
        numbers = ", ".join([head + repr(round(score, 6)) for head, score in zip(heads, scores, strict=True)])
        stream.write(
            f"{',' if i else ''}\n "
            f'{{"file": {_text(path)}, "channel": {channel or "null"}, "duration": {round(duration, 6)!r}, '
            f'"model": {models[number]}, "instruments": {playing[key]}, "scores": {{{numbers}}}}}'
        )
    stream.write("\n]}\n")


_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _m3u(library: FoundRows, stream: TextIO) -> None:
    """https://en.wikipedia.org/wiki/M3U, in UTF-8 as m3u8; a file with several channels once.

    A path with a line break in it stands as an address (`file:///…%0D…`).
    """
    stream.write("#EXTM3U\n")
    seen = set()
    for path, duration in zip(library.paths, library.durations.tolist(), strict=True):
        if path not in seen:
            seen.add(path)
            title = " ".join(path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0].splitlines())
            entry = Path(path).as_uri() if any(one in path for one in "\r\n") else path
            stream.write(f"#EXTINF:{round(duration)},{title}\n{entry}\n")
