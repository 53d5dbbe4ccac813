"""Annotations with times: a CSV table with a row a segment, `file`, `start`, `end` (in seconds) and `label`.

The columns may have the names of other tools (`onset`, `offset`, `event_label`, `instrument`). A row with nothing but
`file` is a recording in which nothing sounds. A label is any name by which `LabelSet.find` knows one label. Only labels
that the table names are judged; one that it names is absent wherever no row says otherwise. What sounds in an
instrument sounds in its family.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from organology.errors import ConfigError
from organology.evaluation.recordings.labelled import check_files
from organology.evaluation.recordings.table import read_rows
from organology.evaluation.timed.counts import Intervals
from organology.labels import LabelSet

COLUMNS = {
    "file": ("file", "filename"),
    "start": ("start", "onset"),
    "end": ("end", "offset"),
    "label": ("label", "event_label", "instrument"),
}
"""By what a column holds the names that it may have."""


@dataclass(frozen=True)
class AnnotatedRecordings:
    """Recordings and when instruments play in them.

    Attributes
    ----------
    files : tuple of path
    names : tuple of str
        Of the files, as the table has them.
    labels : tuple of str
        Those that are judged, in the order of the label set.
    intervals : tuple of dict of str to float array of shape (n, 2)
        For each file, by label: rising, without overlap, in seconds.
    """

    files: tuple[Path, ...]
    names: tuple[str, ...]
    labels: tuple[str, ...]
    intervals: tuple[dict[str, Intervals], ...]


def is_annotations(table: Path) -> bool:
    """Whether a table is one of segments: it has starts, ends and labels."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return all(set(names) & set(header) for names in COLUMNS.values())


def read_annotations(table: Path, folder: Path | None, label_set: LabelSet) -> AnnotatedRecordings:
    """Read a table of segments.

    Parameters
    ----------
    table : path
    folder : path or None
        Of the audio; None: the folder of the table.
    label_set : LabelSet

    Raises
    ------
    ConfigError
        If the table cannot be read, a label is none or several of the set, a time is none, or a file is missing.
    """
    rows = read_rows(table)
    column = {what: next(name for name in names if name in rows[0]) for what, names in COLUMNS.items()}
    names = tuple(dict.fromkeys(row[column["file"]] for row in rows))
    raw: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in names}
    named: set[str] = set()
    for number, row in enumerate(rows, 2):
        word = (row[column["label"]] or "").strip()
        if not word:
            continue
        label = _label(word, label_set, f"{table}: line {number}")
        named.add(label)
        place = _times(row[column["start"]], row[column["end"]], f"{table}: line {number}")
        own = raw[row[column["file"]]]
        while label:
            own.setdefault(label, []).append(place)
            label = label_set.parents.get(label, "")
    if not named:
        raise ConfigError(f"{table}: no row names a label")
    labels = tuple(label for label in label_set.labels if label in named)
    files = check_files([(folder or table.parent) / name for name in names], table)
    intervals = tuple({label: joined(raw[name].get(label, [])) for label in labels} for name in names)
    return AnnotatedRecordings(files, names, labels, intervals)


def joined(places: list[tuple[float, float]]) -> Intervals:
    """Intervals in order, those that overlap or touch made one; shape (n, 2).

    Examples
    --------
    >>> joined([(3, 5), (0, 1), (4, 6)]).tolist()
    [[0.0, 1.0], [3.0, 6.0]]
    """
    found: list[list[float]] = []
    for start, end in sorted(places):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _label(word: str, label_set: LabelSet, place: str) -> str:
    try:
        labels = label_set.find(word)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from error
    if len(labels) != 1:
        raise ConfigError(f"{place}: {word!r} means several labels of {label_set.name}: {', '.join(labels)}")
    return labels[0]


def _times(start: str | None, end: str | None, place: str) -> tuple[float, float]:
    try:
        first, last = float(start or ""), float(end or "")
    except ValueError:
        raise ConfigError(f"{place}: start and end must be seconds, got {start!r} and {end!r}") from None
    if not 0 <= first < last < float("inf"):
        raise ConfigError(f"{place}: start must be 0 or more and before end, got {first:g} and {last:g}")
    return first, last
