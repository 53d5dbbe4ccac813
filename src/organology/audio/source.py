"""Where audio comes from: a path, bytes or a file object, checked before a decoder sees it."""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from organology.errors import AudioError, UnreadableError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""What can be decoded: a path, the bytes of a file, or a binary file object."""

SPOOL_BYTES = 64 * 2**20
"""Of a file object that cannot seek, this much is held in memory; more goes to a temporary file."""

STANDARD_INPUT = "<stdin>"
"""The name of standard input in results and errors."""

_HEAD_BYTES = 16
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
    """

    name: str
    path: Path | None
    file: BinaryIO | None
    head: bytes

    def rewound(self) -> Path | BinaryIO:
        """What a decoder opens: the path, or the file object at its beginning."""
        if self.path is not None:
            return self.path
        assert self.file is not None
        self.file.seek(0)
        return self.file

    @property
    def looks_like_mp3(self) -> bool:
        """Whether it is named .mp3, or begins with an ID3 tag or the sync word of an MPEG audio frame."""
        synchronized = len(self.head) > 1 and self.head[0] == 0xFF and self.head[1] & 0xE0 == 0xE0
        return synchronized or self.head[:3] == b"ID3" or self.name.lower().endswith(".mp3")


def _check_path(source: str | os.PathLike[str]) -> OpenSource:
    name = os.fspath(source)
    path = Path(name).absolute()
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind == stat.S_IFDIR:
            raise UnreadableError(f"{name}: a folder, not a file")
        if kind in _SPECIAL:  # to open a pipe that nobody writes to would wait for ever
            raise UnreadableError(f"{name}: {_SPECIAL[kind]}, not a file; give it as standard input")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise UnreadableError(f"{name}: no such file") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    if not head:
        raise AudioError(f"{name}: empty file")
    return OpenSource(name, path, None, head)


def open_source(source: Source) -> OpenSource:
    """Check that a source can be read and is not empty.

    A file object is read from its beginning; one that cannot seek is read to its end, into memory or, beyond
    `SPOOL_BYTES`, into a temporary file.

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
        name, file = _name(source), _seekable(source)
    else:
        raise TypeError(f"audio comes from a path, bytes or a binary file object, not from {type(source).__name__}")
    try:
        file.seek(0)
        head = file.read(_HEAD_BYTES)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    if isinstance(head, str):
        raise AudioError(f"{name}: a file object that gives text; open it with mode 'rb'")
    if not head:
        raise AudioError(f"{name}: empty file")
    return OpenSource(name, None, file, head)


def spool(file: BinaryIO, name: str = "<file>") -> BinaryIO:
    """A copy of a file object that can seek; in memory or, beyond `SPOOL_BYTES`, in a temporary file.

    Parameters
    ----------
    file : binary file object
        Read from where it stands to its end.
    name : str
        The `name` of the copy; named in errors.

    Raises
    ------
    UnreadableError
        If it cannot be read, or the temporary file cannot be written.
    """
    held = _Spooled(name)
    try:
        shutil.copyfileobj(file, held, 2**20)
    except (OSError, ValueError) as error:
        held.close()
        raise UnreadableError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    except TypeError:
        held.close()
        raise AudioError(f"{name}: a file object that gives text; open it with mode 'rb'") from None
    held.seek(0)
    return cast(BinaryIO, held)


def standard_input() -> BinaryIO:
    """The audio on standard input, as a file object that can seek, named `STANDARD_INPUT`.

    Raises
    ------
    UnreadableError
        If standard input is a terminal or closed.
    """
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UnreadableError(f"{STANDARD_INPUT}: nothing comes there; `-` takes the audio that is piped in")
    return spool(sys.stdin.buffer, STANDARD_INPUT)


class _Spooled(tempfile.SpooledTemporaryFile[bytes]):
    """One whose `name` is what it holds, not where."""

    def __init__(self, name: str) -> None:
        super().__init__(max_size=SPOOL_BYTES)
        self._named = name

    @property
    def name(self) -> str:
        return self._named


def _name(file: Any) -> str:
    name = getattr(file, "name", None)
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else "<file>"  # a descriptor's name is a number


def _seekable(file: BinaryIO) -> BinaryIO:
    try:
        if file.seekable():
            return file
    except AttributeError:
        pass
    except ValueError as error:  # closed
        raise UnreadableError(f"{_name(file)}: {error}") from error
    return spool(file, _name(file))
