"""Columns of the table of recordings, which follow from the store's label set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from organology.errors import StoreError
from organology.labels import LabelSet

FIXED = {
    "run": "INTEGER NOT NULL REFERENCES run",
    "segmenting": "INTEGER NOT NULL REFERENCES segmenting",
    "path": "TEXT NOT NULL",
    "channel": "INTEGER NOT NULL",
    "channels": "INTEGER",
    "size": "INTEGER NOT NULL",
    "mtime_ns": "INTEGER NOT NULL",
    "recognized_at": "TEXT NOT NULL",
    "failure": "TEXT",
    "notes": "TEXT NOT NULL DEFAULT '[]'",
    "duration": "REAL",
    "windows": "INTEGER",
    "last_start": "REAL",
}
"""Columns of every store, and their types in SQL."""

SINCE_VERSION_2 = {"content": "TEXT", "moved_from": "TEXT"}
"""Columns that stores of version 1 get at their first use."""

_MOST_COLUMNS = 2000  # as SQLite is built by default


@dataclass(frozen=True)
class Columns:
    """Columns of `recording` in a store of a label set.

    Attributes
    ----------
    label_set : LabelSet
    """

    label_set: LabelSet

    @property
    def scores(self) -> tuple[str, ...]:
        """Of each label the score of the file."""
        return self.label_set.labels

    @cached_property
    def seconds(self) -> tuple[str, ...]:
        """Of each label how long it plays."""
        return tuple(f"{label}_seconds" for label in self.label_set.labels)

    @cached_property
    def read(self) -> tuple[str, ...]:
        """What makes a recognition, in stores of every version."""
        return (*FIXED, *self.scores, *self.seconds)

    def check(self, place: str) -> None:
        """Check that the labels can be columns.

        Raises
        ------
        StoreError
            "PLACE: reason".
        """
        taken = {"id", *FIXED, *SINCE_VERSION_2}
        for name in (*self.scores, *self.seconds):
            if name.lower() in taken:
                raise StoreError(f"{place}: a store cannot hold a label with the column {name!r}, which it has already")
            taken.add(name.lower())
        if len(taken) > _MOST_COLUMNS:
            most = (_MOST_COLUMNS - len(FIXED) - len(SINCE_VERSION_2) - 1) // 2
            raise StoreError(f"{place}: a store holds {most} labels at the most, got {len(self.label_set)}")

    def create_table(self) -> str:
        """The SQL that makes the table."""
        numbers = dict.fromkeys((*self.scores, *self.seconds), "REAL")
        rows = [f"{quoted(name)} {kind}" for name, kind in {**FIXED, **SINCE_VERSION_2, **numbers}.items()]
        return f"CREATE TABLE recording (id INTEGER PRIMARY KEY, {', '.join(rows)}, UNIQUE (path, channel, run))"


def quoted(name: str) -> str:
    """A column's name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Sequence[str], table: str = "") -> str:
    """Names of columns as SQL wants them, of a table where one is named.

    >>> listed(["run", "violin"], "r")
    'r."run", r."violin"'
    """
    return ", ".join(f"{table}.{quoted(name)}" if table else quoted(name) for name in names)
