"""Files written whole: under a temporary name beside the target, then renamed over it.

Links are followed, so that a link stays one and its target is replaced. What is no regular file (a device, a FIFO, an
open descriptor such as `/dev/stdout`) cannot be replaced and is written through. A file keeps its permissions.

Temporary names are short, whatever the target's name. A process that is killed leaves them behind; the next run removes
them (`leftovers`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from organology.leftovers import locked_file, locked_folder, sweep_older, sweep_once

_LONGEST_SUFFIX = 16
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/(?:self|thread-self|(?P<process>\d+))/fd)/(?P<number>\d+)")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_MOST_LINKS = 40
_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


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
        with locked_folder() as folder:
            temporary = folder / f"output{_short_suffix(given)}"
            yield temporary
            with temporary.open("rb") as source, os.fdopen(descriptor_of(given), "wb") as stream:
                shutil.copyfileobj(source, stream)
        return
    target = Path(os.path.realpath(given))
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(target.parent)
    sweep_older(target)
    mode = _mode_of(target)
    handle, temporary = locked_file(target.parent, _short_suffix(target), mode or 0o666)
    try:
        yield temporary
        # A writer may have put another file in its place, with permissions of its own.
        temporary.chmod(stat.S_IMODE(os.fstat(handle).st_mode) if mode is None else mode)
        if durable:
            sync(temporary)
        temporary.replace(target)
        if durable:
            sync(target.parent)
    except OSError as error:
        if error.errno in _OF_DISKS and (error.filename is None or str(temporary) in (error.filename, error.filename2)):
            # The user knows it by this name, and not by a temporary one.
            error.filename, error.filename2 = os.fspath(given), None
        raise
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> tuple[int, Path]:
    """Make an empty file in the folder of another, for its owner alone to read; see `leftovers.locked_file`."""
    return locked_file(path.parent, _short_suffix(path), 0o600)


@contextmanager
def temporary_folder_beside(path: Path) -> Iterator[Path]:
    """Make a folder in the folder of another, removed at the end unless it has been renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked_folder(path.parent) as folder:
        yield folder


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
