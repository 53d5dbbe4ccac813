"""Temporary files and folders, and what killed processes leave of them.

Their names begin with `PREFIX`, and their owner holds a lock on them as long as it lives. So the next run can tell
those that nobody writes any more, and removes them (`sweep`). Earlier versions wrote `.NAME.XXXXXXXX.SUFFIX` without
a lock; such files are removed when NAME.SUFFIX is written again (`sweep_older`).
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing can be told of the owner, so nothing is swept
    fcntl = None  # type: ignore[assignment]

PREFIX = ".organology-"
"""Begins the names of temporary files and folders; such names are never recordings."""

_OLDER = re.compile(r"\.(?P<stem>.+)\.[a-z0-9_]{8}(?P<suffix>(?:\.[^.]+)?)")


def locked_file(folder: Path, suffix: str, mode: int) -> tuple[int, Path]:
    """Make an empty file under a temporary name.

    Parameters
    ----------
    folder : Path
        In which it is made.
    suffix : str
        Ends its name.
    mode : int
        Permissions, from which the system's mask is taken.

    Returns
    -------
    (int, Path)
        A descriptor that holds the lock: to be closed when the file has been renamed or removed. And its path.
    """
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(6)}{suffix}"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        except FileExistsError:
            continue
        if _lock(handle, path):
            return handle, path


@contextmanager
def locked_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder, removed at the end unless it has been renamed, by the process that it was given to.

    A forked process only lets go of it. (From Python 3.13 on those of `multiprocessing` forget what was to be done at
    the exit, and with it all that nothing else refers to.)

    Parameters
    ----------
    parent : Path, optional
        In which it is made; default: the system's folder for temporary files.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    sweep_once(place)
    owner = os.getpid()
    while True:
        folder = place / f"{PREFIX}{secrets.token_hex(6)}"
        folder.mkdir(mode=0o700 if parent is None else 0o777)
        handle = None
        if fcntl is None:
            break
        with suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY)
            if _lock(handle, folder):
                break
    try:
        yield folder
    finally:
        if handle is not None:
            os.close(handle)
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove temporary files and folders that killed processes left in a folder, as far as that can be done."""
    if fcntl is None:
        return
    try:
        left = [Path(entry.path) for entry in os.scandir(folder) if entry.name.startswith(PREFIX)]
    except OSError:
        return
    for path in left:
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its owner lives
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            finally:
                os.close(handle)


@cache
def sweep_once(folder: Path) -> None:
    """`sweep`, at the first use of a folder in this process."""
    sweep(folder)


def sweep_older(target: Path) -> None:
    """Remove what earlier versions left when they were killed while they wrote a file."""
    for path in _left_by_older(target.parent).pop(target.name, ()):
        with suppress(OSError):
            state = path.lstat()
            if stat.S_ISREG(state.st_mode) and stat.S_IMODE(state.st_mode) == 0o600 and state.st_nlink == 1:
                path.unlink()


def name_written(name: str) -> str:
    """The name of the file that an earlier version wrote under a temporary one; "" if it is none of those.

    >>> name_written(".scores.ab12cd_9.csv"), name_written(".hidden.csv")
    ('scores.csv', '')
    """
    match = _OLDER.fullmatch(name)
    return "" if match is None else match["stem"] + match["suffix"]


def is_leftover(folder: str | os.PathLike[str], name: str) -> bool:
    """Whether the name of a file in a folder is one that killed runs leave; such files are never recordings."""
    written = name_written(name)
    return name.startswith(PREFIX) or (bool(written) and Path(folder, written).exists())


@cache
def _left_by_older(folder: Path) -> dict[str, list[Path]]:
    """What may be left in a folder, by the name of the file that was written; read once in this process."""
    found: dict[str, list[Path]] = {}
    with suppress(OSError):
        for entry in os.scandir(folder):
            if name := name_written(entry.name):
                found.setdefault(name, []).append(Path(entry.path))
    return found


def _lock(handle: int, path: Path) -> bool:
    """Lock what was just made; False, and the descriptor closed, if another process took it for left and removed it."""
    if fcntl is None:
        return True
    with suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if path.exists():
        return True
    os.close(handle)
    return False
