"""Files that were moved, copied or given tags: what is stored of them goes with them.

A file is known by its path, size and time of last change, and behind that by its content.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from organology.library.columns import FIXED, SINCE_VERSION_2, listed
from organology.library.database import PATH, Database
from organology.library.rows import FileState, content_digest


class Adopted(NamedTuple):
    """What was taken over: the path under which it was known, and whether the file moved from there."""

    path: str
    is_moved: bool


def adopt(store: Database, file: FileState, digest: Callable[[str], str | None] = content_digest) -> Adopted | None:
    """Take over what is stored of the same content under another name, or of another time of change.

    What is stored of a name at which the file no longer is moves to the new one; else it is copied. A file is read
    only where one of the same size is known.

    Parameters
    ----------
    store : Database
    file : FileState
        As it is now; nothing is stored of it.
    digest : callable, optional
        Of a path.

    Returns
    -------
    Adopted or None
        None if nothing is known of the content.
    """
    rows = store.select(
        "SELECT DISTINCT path, mtime_ns, content FROM recording WHERE size = ? AND content IS NOT NULL",
        (file.size,),
    )
    content = digest(file.path) if rows else None
    known = [
        FileState(path, file.size, mtime_ns) for path, mtime_ns, of in rows if of == content and isinstance(path, str)
    ]
    if content is None or not known or file in known:
        return None
    gone = next((one for one in known if not one.is_current()), None)
    with store.transaction() as connection:
        if gone is None:
            _copy(store, connection, known[0], file)
        else:
            _move(connection, gone, file)
    return Adopted(known[0].path, False) if gone is None else Adopted(gone.path, gone.path != file.path)


def _move(connection: sqlite3.Connection, old: FileState, new: FileState) -> None:
    connection.execute(
        f"UPDATE OR REPLACE recording SET path = {PATH}, mtime_ns = ?, moved_from = {PATH}"
        f" WHERE path = {PATH} AND size = ? AND mtime_ns = ?",
        (
            os.fsencode(new.path),
            new.mtime_ns,
            os.fsencode(old.path) if old.path != new.path else None,
            os.fsencode(old.path),
            old.size,
            old.mtime_ns,
        ),
    )


def _copy(store: Database, connection: sqlite3.Connection, old: FileState, new: FileState) -> None:
    columns = (*FIXED, *SINCE_VERSION_2, *store.columns.scores, *store.columns.seconds)
    rest = [name for name in columns if name not in ("path", "mtime_ns", "moved_from")]
    rows = connection.execute(
        f"SELECT id FROM recording WHERE path = {PATH} AND size = ? AND mtime_ns = ?",
        (os.fsencode(old.path), old.size, old.mtime_ns),
    ).fetchall()
    for (identity,) in rows:
        cursor = connection.execute(
            f"INSERT OR REPLACE INTO recording (path, mtime_ns, {listed(rest)})"
            f" SELECT {PATH}, ?, {listed(rest)} FROM recording WHERE id = ?",
            (os.fsencode(new.path), new.mtime_ns, identity),
        )
        connection.execute(
            "INSERT INTO window_scores (recording, scores) SELECT ?, scores FROM window_scores WHERE recording = ?",
            (cursor.lastrowid, identity),
        )
        connection.execute(
            "INSERT INTO frame_scores (recording, logits, levels)"
            " SELECT ?, logits, levels FROM frame_scores WHERE recording = ?",
            (cursor.lastrowid, identity),
        )


def moved_files(store: Database) -> list[tuple[str, str]]:
    """Files that were recognized before they were moved: where they were, and where they are."""
    if store.is_empty or not {"moved_from"} & {row[1] for row in store.select("PRAGMA table_info(recording)")}:
        return []
    rows = store.select("SELECT DISTINCT moved_from, path FROM recording WHERE moved_from IS NOT NULL ORDER BY path")
    return [(str(old), str(new)) for old, new in rows]


def follow(store: Database, before: FileState, after: FileState) -> None:
    """Say that a file was changed without a change of its sound (its tags were written): what is stored holds."""
    content = content_digest(after.path)
    with store.transaction() as connection:
        connection.execute(
            "UPDATE recording SET size = ?, mtime_ns = ?, content = ?"
            f" WHERE path = {PATH} AND size = ? AND mtime_ns = ?",
            (after.size, after.mtime_ns, content, os.fsencode(before.path), before.size, before.mtime_ns),
        )
