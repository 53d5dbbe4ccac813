"""Where audio comes from: a path, bytes or a file object, checked before a decoder sees it."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from organology.audio.sources.spooling import seekable
from organology.audio.sources.view import View, size_of
from organology.errors import AudioError, UnreadableError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""What can be decoded: a path, the bytes of a file, or a binary file object."""

_HEAD_BYTES = 64
_SPECIAL = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class OpenSource:
    """A source that exists and is not empty.

    Attributes
    ----------
    name : str
        The path as it was given, the name of the file object, or "<bytes>"; named in errors.
    path : Path or None
        Absolute; None if the source is held in `file`.
    file : file object or None
        Binary and seekable.
    head : bytes
        The first bytes, to tell formats apart.
    size : int
        In bytes.
    cut : bool
        Whether its header declares more than the file holds.
    endless : bool
        Whether its sound goes on to the end of the file, beyond what its header can declare.
    """

    name: str
    path: Path | None
    file: BinaryIO | None
    head: bytes
    size: int
    cut: bool = False
    endless: bool = False

    def rewound(self) -> Path | BinaryIO:
        """What a decoder opens: the path, or the file object at its beginning."""
        if self.path is not None:
            return self.path
        assert self.file is not None
        self.file.seek(0)
        return self.file

    @contextmanager
    def opened(self) -> Any:
        """A file object on the source, for a look into it."""
        if self.path is None:
            yield self.file
        else:
            with self.path.open("rb") as file:
                yield file

    def view(self, start: int = 0, end: int | None = None, patches: Mapping[int, bytes] | None = None) -> OpenSource:
        """A part of the source as a source of its own; to be closed."""
        owned = self.path is not None
        file = View(self.path.open("rb") if self.path else self.file, start, end, patches or {}, owned=owned)
        head = file.read(_HEAD_BYTES)
        return replace(self, path=None, file=cast(BinaryIO, file), head=head, size=size_of(file))

    def close(self) -> None:
        """Let go of a view's file; files that were given stay open."""
        if isinstance(self.file, View):
            self.file.close()


def open_source(source: Source) -> OpenSource:
    """Check that a source can be read and is not empty.

    A file object is read from its beginning; one that cannot seek is read to its end, into memory or, if it is large,
    into a temporary file.

    Raises
    ------
    UnreadableError
        If there is no such file, it cannot be read, or is a folder, pipe, socket or device.
    AudioError
        If it is empty, or a file object that does not give bytes.
    TypeError
        If it is neither a path nor bytes nor a file object.
    """
    if isinstance(source, (str, os.PathLike)):
        return _check_path(source)
    file: BinaryIO
    if isinstance(source, (bytes, bytearray, memoryview)):
        name, file = "<bytes>", io.BytesIO(source)
    elif hasattr(source, "read"):
        name, file = _name(source), seekable(source, _name(source))
    else:
        raise TypeError(f"audio must be a path, bytes or a binary file object, got {type(source).__name__}")
    try:
        file.seek(0)
        head = file.read(_HEAD_BYTES)
    except Exception as error:  # whatever the file object of a caller does
        raise UnreadableError(f"{name}: {reason_of(error)}") from error
    if isinstance(head, str):
        raise AudioError(f"{name}: a file object that gives text; open it with mode 'rb'")
    if not head:
        raise AudioError(f"{name}: empty file")
    return OpenSource(name, None, file, head, size_of(file))


def regular_size(path: str | os.PathLike[str]) -> int:
    """Bytes of a regular file, without opening it: to open a pipe that nobody writes to would wait for ever.

    Raises
    ------
    UnreadableError
        "PATH: reason" if it is not there, or is a folder, pipe, socket or device.
    """
    name = os.fspath(path)
    try:
        status = Path(name).stat()
    except FileNotFoundError:
        raise UnreadableError(f"{name}: no such file") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{name}: {reason_of(error)}") from error
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise UnreadableError(f"{name}: a folder, not a file")
    if kind in _SPECIAL:
        raise UnreadableError(f"{name}: {_SPECIAL[kind]}, not a file; give it as standard input")
    return status.st_size


def reason_of(error: BaseException) -> str:
    """An error as a reason of one line."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__


def _check_path(source: str | os.PathLike[str]) -> OpenSource:
    name = os.fspath(source)
    size = regular_size(name)
    path = Path(name).absolute()
    head = b""
    try:
        if size:  # /proc/kmsg has no size, and reading it waits
            with path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{name}: {reason_of(error)}") from error
    if not head:
        raise AudioError(f"{name}: empty file")
    return OpenSource(name, path, None, head, size)


def _name(file: Any) -> str:
    name = getattr(file, "name", None)
    return os.fsdecode(name) if name and isinstance(name, (str, bytes)) else "<file>"  # a descriptor's is a number
