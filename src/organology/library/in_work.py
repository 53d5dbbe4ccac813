"""What each process has in work, and whether it still lives: a file may be what ended one that does not."""

from __future__ import annotations

import os
from pathlib import Path

from organology.library.database import PATH, Database
from organology.library.rows import FileState


def begin(store: Database, file: FileState) -> bool:
    """Say that this process works on a file, until `put`, `put_failure` or `release`.

    Returns
    -------
    bool
        Whether another process died while it worked on it: the file may be why.
    """
    path = os.fsencode(file.path)
    with store.transaction() as connection:
        owners = connection.execute(f"SELECT owner FROM in_work WHERE path = {PATH}", (path,)).fetchall()
        connection.execute(f"INSERT OR IGNORE INTO in_work VALUES ({PATH}, ?)", (path, this_process()))
    return any(not lives(owner) for (owner,) in owners)


def release(store: Database, file: FileState) -> None:
    """Say that this process no longer works on a file, and nothing is known of it."""
    with store.transaction() as connection:
        connection.execute(
            f"DELETE FROM in_work WHERE path = {PATH} AND owner = ?", (os.fsencode(file.path), this_process())
        )


def this_process() -> str:
    """What names this process: its number, and when it began, as numbers are used again."""
    return f"{os.getpid()}.{_began(os.getpid())}"


def lives(owner: str) -> bool:
    """Whether a process that `this_process` named is still there.

    One of another container counts as gone: its number means another process here, or none.
    """
    number, _, began = owner.partition(".")
    if not number.isdecimal():
        return False
    if _began(int(number)) != began:
        return False
    if os.name == "nt":  # where to ask is to interrupt
        return True
    try:
        os.kill(int(number), 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _began(number: int) -> str:
    """Ticks from the machine's start to that of a process, "" where the system does not say."""
    try:
        status = Path(f"/proc/{number}/stat").read_bytes()
    except OSError:
        return ""
    fields = status.rpartition(b")")[2].split()  # the name before may hold anything
    return fields[19].decode() if len(fields) > 19 and fields[0] != b"Z" else "gone"
