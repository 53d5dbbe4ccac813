"""The tables of a store, and how a SQLite file becomes one.

`docs/batch.md` lists the tables and columns; other programs may read them.

A store holds one label set. The table of recordings, whose columns are the labels, is made when the first run begins.
Stores of version 1 had no label set of their own: they hold `bradl15`. Those of version 2 had no scores of frames.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

from organology.errors import StoreError
from organology.labels import LabelSet, default_set
from organology.library.columns import SINCE_VERSION_2, Columns

APPLICATION_ID = 0x6F726761  # "orga", in the header of the file
SCHEMA_VERSION = 3
OLDEST_VERSION = 1
_VERSION_WITH_SETS = 2

SCORING_VERSION = 1
"""To be raised when the same model gives other scores for the same file: what is stored no longer counts then."""

BUSY_SECONDS = 60.0
"""How long one process waits for another to finish writing."""

_IN_WORK = "CREATE TABLE in_work (path TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (path, owner))"
_LABEL_SET = (
    "CREATE TABLE label_set (id INTEGER PRIMARY KEY CHECK (id = 1), digest TEXT NOT NULL, definition TEXT NOT NULL)"
)
_BY_SIZE = "CREATE INDEX recording_size ON recording (size)"
_FRAME_SCORES = """CREATE TABLE frame_scores (
  recording INTEGER PRIMARY KEY REFERENCES recording ON DELETE CASCADE,
  logits BLOB NOT NULL,
  levels BLOB NOT NULL
)"""

TABLES = (
    """CREATE TABLE model (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  metadata TEXT NOT NULL
)""",
    """CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  model INTEGER NOT NULL REFERENCES model,
  hop_frames INTEGER NOT NULL,
  scoring INTEGER NOT NULL,
  UNIQUE (model, hop_frames, scoring)
)""",
    """CREATE TABLE segmenting (
  id INTEGER PRIMARY KEY,
  settings TEXT NOT NULL UNIQUE
)""",
    _IN_WORK,
    _LABEL_SET,
    _FRAME_SCORES,
)
_OF_RECORDINGS = (
    """CREATE TABLE window_scores (
  recording INTEGER PRIMARY KEY REFERENCES recording ON DELETE CASCADE,
  scores BLOB NOT NULL
)""",
    _BY_SIZE,
)


DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""What a damaged file gives: SQLite's messages quote it, and what they quote need not be UTF-8."""


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a store, and make it where there is none.

    Parameters
    ----------
    path : Path
    create : bool
        Make it where there is no file, and open it for writing; else it is opened for reading.

    Raises
    ------
    StoreError
        "PATH: reason".
    """
    is_new = not path.exists()
    if not create and not path.is_file():
        raise StoreError(f"{path}: no such store")
    try:
        connection = _opened(path, create)
    except (*DAMAGE, OSError) as error:
        raise StoreError(f"{path}: cannot be used as a store: {error}") from error
    try:
        if create and _is_empty(connection):
            _prepare(connection)
        version = _check(connection, path)
        if create:
            _tune(connection)
            if version < SCHEMA_VERSION:
                _migrate(connection)
    except (*DAMAGE, StoreError) as error:
        connection.close()
        if is_new and path.exists() and not path.stat().st_size:
            path.unlink()  # nothing could be written to it
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path}: cannot be used as a store: {error}") from error
    return connection


def _opened(path: Path, create: bool) -> sqlite3.Connection:
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    address = path.absolute().as_uri()
    # To read, it is opened for writing where that can be done: who may not write leaves files beside it. "immutable" is
    # for a medium that cannot be written to.
    modes = ("rwc",) if create else ("rw", "ro", "ro&immutable=1")
    for i, mode in enumerate(modes):
        connection = sqlite3.connect(
            f"{address}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            # Paths need not be UTF-8.
            connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA query_only = {'OFF' if create else 'ON'}")
            connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if i == len(modes) - 1:
                raise
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise AssertionError  # for mypy


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process has just done so."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            for statement in TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring a store of an earlier version to this one, unless another process has just done so."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < _VERSION_WITH_SETS:
            for name, kind in SINCE_VERSION_2.items():
                connection.execute(f"ALTER TABLE recording ADD COLUMN {name} {kind}")
            connection.execute("DROP TABLE IF EXISTS in_work")
            for statement in (_IN_WORK, _LABEL_SET, _BY_SIZE):
                connection.execute(statement)
            _write_label_set(connection, default_set())
        if version < SCHEMA_VERSION:
            connection.execute(_FRAME_SCORES)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _write_label_set(connection: sqlite3.Connection, label_set: LabelSet) -> None:
    connection.execute(
        "INSERT INTO label_set (id, digest, definition) VALUES (1, ?, ?)",
        (label_set.digest, json.dumps(label_set.to_dict(), ensure_ascii=False, allow_nan=False)),
    )


def create_recordings(connection: sqlite3.Connection, label_set: LabelSet) -> None:
    """Give a new store its label set and the tables that follow from it, within a transaction of the caller."""
    _write_label_set(connection, label_set)
    connection.execute(Columns(label_set).create_table())
    for statement in _OF_RECORDINGS:
        connection.execute(statement)


def read_label_set(connection: sqlite3.Connection, path: Path) -> LabelSet | None:
    """The label set of a store, None if it has none yet.

    Raises
    ------
    StoreError
        If what is stored is no label set.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < _VERSION_WITH_SETS:
        return default_set()
    row = connection.execute("SELECT definition FROM label_set").fetchone()
    if row is None:
        return None
    try:
        return LabelSet.from_dict(json.loads(row[0]))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: its label set cannot be read: {error}") from error


def _tune(connection: sqlite3.Connection) -> None:
    """Set how it is written: a commit is safe from a killed process at once, from loss of power at a checkpoint."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:  # a change of the journal does not wait by itself for another process
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    connection.execute("PRAGMA synchronous = NORMAL")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise StoreError(f"{path}: a database, but not a store of organology")
    if not OLDEST_VERSION <= version <= SCHEMA_VERSION:
        raise StoreError(f"{path}: a store of version {version}; this organology reads {SCHEMA_VERSION}")
    return int(version)
