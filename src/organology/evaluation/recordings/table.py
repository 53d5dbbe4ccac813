"""A CSV table: `file`, a column a label (1, 0, or empty where it is not known) and, if there is one, `group`.

A column may have any name by which `LabelSet.find` knows a label: "bowed string", "bowed_string", an alias. A name that
takes in several labels ("guitar" in `bradl15`) makes all of them absent where it is 0, and says nothing where it is 1.
Other columns are passed over.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from organology.errors import ConfigError
from organology.evaluation.recordings.labelled import LabelledRecordings, check_files
from organology.labels import ABSENT, UNKNOWN, LabelSet

FILE, GROUP = "file", "group"
_VALUES = {"": -1, "-1": -1, "-1.0": -1, "0": 0, "0.0": 0, "1": 1, "1.0": 1}


def read_rows(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, at least one.

    Raises
    ------
    ConfigError
        If it cannot be read or is empty.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{table}: {getattr(error, 'strerror', None) or error}") from error
    if not rows:
        raise ConfigError(f"{table}: no rows")
    return rows


def label_columns(columns: Sequence[str], label_set: LabelSet, table: Path) -> dict[str, tuple[str, ...]]:
    """The columns that name labels, and the labels that each means.

    Raises
    ------
    ConfigError
        If there is none, or two columns name one label.
    """
    meant: dict[str, tuple[str, ...]] = {}
    for column in columns:
        try:
            meant[column] = () if column in (FILE, GROUP) else label_set.find(column)
        except ValueError:
            meant[column] = ()
    meant = {column: labels for column, labels in meant.items() if labels}
    if not meant:
        raise ConfigError(f"{table}: no column is a label; they are {', '.join(label_set.labels)}")
    single: dict[str, str] = {}
    for column, labels in meant.items():
        if len(labels) == 1 and single.setdefault(labels[0], column) != column:
            raise ConfigError(f"{table}: the columns {single[labels[0]]!r} and {column!r} are one label")
    return meant


def read_csv(table: Path, folder: Path, label_set: LabelSet) -> LabelledRecordings:
    """Read a table; the files are those of `folder`.

    Raises
    ------
    ConfigError
        If the table cannot be read, lacks a column, has another value than 1, 0 or nothing, or a file is missing.
    """
    rows = read_rows(table)
    if FILE not in rows[0]:
        raise ConfigError(f"{table}: no column `{FILE}`")
    columns = label_columns([name for name in rows[0] if name is not None], label_set, table)
    targets = np.full((len(rows), len(label_set)), UNKNOWN, np.int8)
    # Columns of one label last: what they say counts before what a wider word says.
    for column, labels in sorted(columns.items(), key=lambda each: -len(each[1])):
        values = np.array([_value(row, column, table) for row in rows], np.int8)
        for label in labels:
            at = targets[:, label_set.index(label)]
            at[:] = values if len(labels) == 1 else np.where(values == ABSENT, ABSENT, UNKNOWN)
    names = tuple(row[FILE] for row in rows)
    groups = np.array([row.get(GROUP) or row[FILE] for row in rows])
    files = check_files([folder / name for name in names], table)
    return LabelledRecordings(files, names, targets, groups, label_set)


def _value(row: dict[str, str], column: str, table: Path) -> int:
    cell = (row[column] or "").strip()
    if cell not in _VALUES:
        raise ConfigError(f"{table}: {row[FILE]}: {column} must be 1, 0 or empty, got {cell!r}")
    return _VALUES[cell]
