"""Files written whole: under a temporary name beside the target, then renamed over it.

Links are followed, so that a link stays one and its target is replaced. What is no regular file (a device, a FIFO, an
open descriptor such as `/dev/stdout`) cannot be replaced and is written through. A file keeps its permissions.

Temporary names begin with `PREFIX`; they are short, whatever the target's name. A process that is killed leaves them
behind. Their owner holds a lock on them as long as it lives, so the next run can tell them from files that another
process is writing, and removes them (`sweep`).
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

_LONGEST_SUFFIX = 16
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/(?:self|thread-self|(?P<process>\d+))/fd)/(?P<number>\d+)")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_MOST_LINKS = 40


@contextmanager
def written_whole(path: str | os.PathLike[str], *, durable: bool = False) -> Iterator[Path]:
    """Give a temporary path in the same folder; on success it is renamed to `path`, else removed.

    The temporary name keeps the suffix of `path`, so that writers which look at it do the same. Parent folders
    are made.

    Parameters
    ----------
    path : path
    durable : bool
        The content is on the disk before the name is: after a loss of power the file is the old or the new one.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder) / "a.txt"
    ...     with written_whole(target) as temporary:
    ...         _ = temporary.write_text("whole")
    ...     target.read_text()
    'whole'
    """
    given = Path(path)
    if is_written_through(given):
        with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            temporary = Path(folder) / f"output{_short_suffix(given)}"
            yield temporary
            with temporary.open("rb") as source, os.fdopen(descriptor_of(given), "wb") as stream:
                shutil.copyfileobj(source, stream)
        return
    target = Path(os.path.realpath(given))
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(target.parent)
    mode = _mode_of(target)
    handle, temporary = _created(target, mode)
    try:
        yield temporary
        # A writer may have put another file in its place, with permissions of its own.
        temporary.chmod(stat.S_IMODE(os.fstat(handle).st_mode) if mode is None else mode)
        if durable:
            sync(temporary)
        temporary.replace(target)
        if durable:
            sync(target.parent)
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> tuple[int, Path]:
    """Make an empty file in the folder of another, for its owner alone to read.

    Returns
    -------
    (int, Path)
        A descriptor that holds the lock: to be closed when the file has been renamed or removed. And its path.
    """
    return _created(path, 0o600)


@contextmanager
def temporary_folder_beside(path: Path) -> Iterator[Path]:
    """Make a folder in the folder of another, removed at the end unless it has been renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(path.parent)
    folder = path.parent / f"{PREFIX}{secrets.token_hex(6)}"
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY) if fcntl is not None else None
    try:
        if handle is not None and fcntl is not None:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        if handle is not None:
            os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def is_written_through(path: Path) -> bool:
    """Whether a path is no regular file that could be replaced: a device, a FIFO, an open descriptor."""
    if _descriptor_number(path) is not None:
        return True
    try:
        state = path.stat()
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode))


def descriptor_of(path: Path) -> int:
    """A descriptor to write to a device, a FIFO or an open descriptor."""
    number = _descriptor_number(path)
    # Opened by its name, a file behind a descriptor would be written from its beginning, not where it stands.
    return os.dup(number) if number is not None else os.open(path, os.O_WRONLY)


def _descriptor_number(path: Path) -> int | None:
    """Which of this process's open descriptors a path names, links followed one by one."""
    text = os.path.abspath(path)  # noqa: PTH100  # no link is followed by it
    for _ in range(_MOST_LINKS):
        if text in _STANDARD:
            return _STANDARD[text]
        match = _DESCRIPTOR.fullmatch(text)
        if match is not None:
            return int(match["number"]) if match["process"] in (None, str(os.getpid())) else None
        try:
            text = os.path.normpath(os.path.join(os.path.dirname(text), os.readlink(text)))  # noqa: PTH115, PTH118, PTH120
        except (OSError, ValueError):
            return None
    return None


def _mode_of(target: Path) -> int | None:
    """Permissions of a file that is there, None if there is none."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return None


def _short_suffix(path: Path) -> str:
    return path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""


def _created(target: Path, mode: int | None) -> tuple[int, Path]:
    """A new file beside another, and a descriptor that holds its lock; without a mode the system's mask decides."""
    while True:
        temporary = target.parent / f"{PREFIX}{secrets.token_hex(6)}{_short_suffix(target)}"
        try:
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode or 0o666)
        except FileExistsError:
            continue
        if fcntl is None:
            return handle, temporary
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if temporary.exists():
            return handle, temporary
        os.close(handle)  # another process took it for left behind, before it was locked


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


def sync(path: Path) -> None:
    """Bring a file or a folder to the disk, where the system can."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # not everywhere can a folder be synced
            raise
    finally:
        os.close(handle)
