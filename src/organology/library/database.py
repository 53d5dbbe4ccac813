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
from organology.library.rows import columns
from organology.library.schema import connect


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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _told(self) -> Iterator[sqlite3.Connection]:
        """The connection, one thread at a time; its errors are one line."""
        try:
            with self._lock:
                yield self._connection
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        with self._told() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query in SQL; the tables are those of `docs/batch.md`."""
        with self._told() as connection:
            return connection.execute(sql, tuple(values)).fetchall()

    def _insert_once(
        self, connection: sqlite3.Connection, table: str, key: dict[str, Any], more: dict[str, Any] | None = None
    ) -> int:
        """The number of the row with this key, made where there is none."""
        row = {**key, **(more or {})}
        places = columns(["?"] * len(row))
        connection.execute(
            f"INSERT INTO {table} ({columns(list(row))}) VALUES ({places}) ON CONFLICT DO NOTHING", list(row.values())
        )
        where = " AND ".join(f"{name} = ?" for name in key)
        return int(connection.execute(f"SELECT id FROM {table} WHERE {where}", list(key.values())).fetchone()[0])
