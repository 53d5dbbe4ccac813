"""The folder in which a server keeps uploads and jobs, owned by one process at a time.

The owner holds a lock on a file in it, which the system releases when the process ends, however it ends. Temporary
folders that no living process owns are what a killed server left behind; the next one removes them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from organology.errors import OrganologyError

_PREFIX = "organology-serve-"
_LOCK = "owner"
_MAKING_SECONDS = 60.0  # a folder this young may have an owner that has not locked it yet


class Workspace:
    """An owned folder; `close` gives it up.

    Parameters
    ----------
    store : Path, optional
        The folder is `STORE.jobs` and stays; else it is temporary and goes.

    Attributes
    ----------
    folder : Path
    uploads : Path
        The folder for files that are being received or recognized.
    is_kept : bool

    Raises
    ------
    OrganologyError
        If another process owns the store's folder, or it cannot be written.
    """

    def __init__(self, store: Path | None = None) -> None:
        self.is_kept = store is not None
        try:
            if store is None:
                remove_abandoned()
                self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            else:
                self.folder = store.with_name(f"{store.name}.jobs").absolute()
                self.folder.mkdir(mode=0o700, exist_ok=True)
            self.uploads = self.folder / "uploads"
            self.uploads.mkdir(mode=0o700, exist_ok=True)
            lock = _locked(self.folder / _LOCK)
        except OSError as error:
            where = store or tempfile.gettempdir()
            raise OrganologyError(f"{where}: no folder for jobs can be made: {error.strerror or error}") from error
        if lock is None:
            raise OrganologyError(f"{self.folder}: another server works with this store")
        self._lock = lock

    def remove_uploads(self, but: frozenset[str] = frozenset()) -> None:
        """Remove what lies in `uploads`, except files of these names."""
        for path in self.uploads.iterdir():
            if path.name not in but:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give the folder up, and remove it unless it belongs to a store."""
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def remove_abandoned(parent: Path | None = None) -> list[Path]:
    """Remove temporary folders of servers that no longer run; which."""
    removed = []
    for folder in (parent or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*"):
        try:
            if not (folder / _LOCK).is_file() and time.time() - folder.stat().st_mtime < _MAKING_SECONDS:
                continue
            lock = _locked(folder / _LOCK)
        except OSError:  # another user's
            continue
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()
            removed.append(folder)
    return removed


def _locked(path: Path) -> IO[bytes] | None:
    """A file with this process's lock on it, held until it is closed; None if another holds it."""
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
