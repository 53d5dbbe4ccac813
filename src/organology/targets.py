"""Where a command writes to, checked before the work: not over what it reads, and where it can be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from organology.atomic import is_written_through, temporary_beside
from organology.errors import OrganologyError, one_line
from organology.leftovers import PREFIX, sweep_once

AnyPath = str | os.PathLike[str]

STORE_COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file."""

CHECKPOINT_FILES = ("model.safetensors", "model.json")
"""What a checkpoint folder holds."""


def check_output(output: AnyPath, inputs: Iterable[AnyPath | None] = (), *, folder: bool = False) -> None:
    """Check that an output is none of the inputs, and that it can be written.

    Parameters
    ----------
    output : path
    inputs : iterable of path or None
        Files and folders that are read: recordings, lists, a store, a model, a checkpoint, a recipe.
    folder : bool
        The output is a folder, to be made where there is none.

    Raises
    ------
    OrganologyError
        "OUTPUT: reason".
    """
    refuse_overwriting(output, inputs)
    check_writable(output, folder=folder)


def check_new_checkpoint(folder: AnyPath, inputs: Iterable[AnyPath | None] = ()) -> None:
    """Check that a checkpoint can be written to a folder that holds none yet.

    Raises
    ------
    OrganologyError
        "FOLDER: reason".
    """
    held = [name for name in CHECKPOINT_FILES if (Path(folder) / name).exists()]
    if held:
        raise OrganologyError(
            f"{os.fspath(folder)}: holds a checkpoint already ({', '.join(held)}); name another folder"
        )
    check_output(folder, inputs, folder=True)
    if not any(Path(folder).iterdir()):
        Path(folder).rmdir()  # a new folder appears whole


def refuse_overwriting(output: AnyPath, inputs: Iterable[AnyPath | None]) -> None:
    """Check that an output is none of the inputs, whatever name or link leads to them.

    Raises
    ------
    OrganologyError
        "OUTPUT: reason".
    """
    target = os.path.realpath(output)
    if is_written_through(Path(output)):
        return
    for given in inputs:
        if given is not None and _same(target, os.path.realpath(given)):
            name = os.fspath(given)
            which = "this is one of the inputs" if name == os.fspath(output) else f"this is the input {name}"
            raise OrganologyError(f"{os.fspath(output)}: {which}, and is not written over")


def _same(left: str, right: str) -> bool:
    try:
        return left == right or os.path.samefile(left, right)  # noqa: PTH121
    except (OSError, ValueError):
        return False


def with_companions(store: AnyPath | None) -> list[str]:
    """A store and the files that SQLite keeps beside it."""
    return [] if store is None else [f"{os.fspath(store)}{end}" for end in ("", *STORE_COMPANIONS)]


def check_writable(output: AnyPath, *, folder: bool = False) -> None:
    """Check that a file or folder can be written, and make the folders above it.

    Raises
    ------
    OrganologyError
        "OUTPUT: cannot be written: reason".
    """
    path = Path(output)
    try:
        if folder:
            path.mkdir(parents=True, exist_ok=True)
            sweep_once(path)
            _try_to_write(path / PREFIX)
        elif is_written_through(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            target = Path(os.path.realpath(path))
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if target.exists() and not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            target.parent.mkdir(parents=True, exist_ok=True)
            _try_to_write(target)
            _check_name(target)
    except (OSError, ValueError) as error:
        raise OrganologyError(f"{os.fspath(output)}: cannot be written: {one_line(error)}") from error


def _try_to_write(beside: Path) -> None:
    handle, temporary = temporary_beside(beside)
    try:
        os.write(handle, b"\0")  # a full disk lets a file be made, but not written
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


def _check_name(target: Path) -> None:
    """Raise what a name that the file system does not take raises."""
    try:
        target.lstat()
    except FileNotFoundError:
        return
