"""A SQLite file in use: one thread at a time, transactions, errors as one line."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from organology.errors import StoreError
from organology.labels import LabelSet, default_set
from organology.library.columns import Columns, listed, quoted
from organology.library.schema import DAMAGE, connect, create_recordings, read_label_set

PATH = "CAST(? AS TEXT)"
"""Takes the bytes of a path: paths need not be UTF-8."""


class Database:
    """An open store without what is in it; a context manager, safe to use from several threads.

    Parameters
    ----------
    path : path
    create : bool
        As in `Store`.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._connection = connect(self.path, create=create)
        try:
            with self.connection() as connection:
                self._label_set = read_label_set(connection, self.path)
        except StoreError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def label_set(self) -> LabelSet:
        """The label set that the store holds; the default set as long as it holds none."""
        return self._label_set or default_set()

    @property
    def columns(self) -> Columns:
        """Columns of the table of recordings."""
        return Columns(self.label_set)

    @property
    def is_empty(self) -> bool:
        """Whether no run has begun, so that there are no recordings."""
        return self._label_set is None

    def _use(self, label_set: LabelSet, connection: sqlite3.Connection) -> None:
        """Give a new store its label set, or check that this one is it; within a transaction."""
        known = self._label_set or read_label_set(connection, self.path)
        if known is None:
            Columns(label_set).check(str(self.path))
            create_recordings(connection, label_set)
            known = label_set
        elif known.digest != label_set.digest:
            same = " of the same name, but with other labels" if known.name == label_set.name else ""
            raise StoreError(
                f"{self.path}: holds the label set {known.name}, this run has {label_set.name}{same};"
                " name another store"
            )
        self._label_set = known

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread at a time; its errors become one line."""
        try:
            with self._lock:
                yield self._connection
        except DAMAGE as error:
            raise StoreError(f"{self.path}: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction: kept at the end, undone after an error."""
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query in SQL; the tables are those of `docs/batch.md`."""
        with self.connection() as connection:
            return connection.execute(sql, tuple(values)).fetchall()

    def _insert_once(
        self, connection: sqlite3.Connection, table: str, key: dict[str, Any], more: dict[str, Any] | None = None
    ) -> int:
        """The number of the row with this key, made where there is none."""
        row = {**key, **(more or {})}
        places = ", ".join(["?"] * len(row))
        connection.execute(
            f"INSERT INTO {table} ({listed(list(row))}) VALUES ({places}) ON CONFLICT DO NOTHING", list(row.values())
        )
        where = " AND ".join(f"{quoted(name)} = ?" for name in key)
        return int(connection.execute(f"SELECT id FROM {table} WHERE {where}", list(key.values())).fetchone()[0])
