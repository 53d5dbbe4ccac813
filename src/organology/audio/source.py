"""Where audio comes from: a path, bytes or a file object, checked before a decoder sees it."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from organology.errors import AudioError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""What can be decoded: a path, the bytes of a file, or a binary file object."""

_HEAD_BYTES = 16


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
        if path.is_dir():
            raise AudioError(f"{name}: a folder, not a file")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise AudioError(f"{name}: no such file") from None
    except (OSError, ValueError) as error:
        raise AudioError(f"{name}: {getattr(error, 'strerror', None) or error}") from error
    if not head:
        raise AudioError(f"{name}: empty file")
    return OpenSource(name, path, None, head)


def open_source(source: Source) -> OpenSource:
    """Check that a source can be read and is not empty.

    A file object is read from its beginning; one that cannot seek is read into memory.

    Raises
    ------
    AudioError
        If there is no such file, it cannot be read, is a folder or is empty.
    """
    if isinstance(source, (str, os.PathLike)):
        return _check_path(source)
    file: BinaryIO
    if isinstance(source, (bytes, bytearray, memoryview)):
        name, file = "<bytes>", io.BytesIO(source)
    else:
        name = str(getattr(source, "name", "<file>"))
        file = source if source.seekable() else io.BytesIO(source.read())
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if not head:
        raise AudioError(f"{name}: empty file")
    return OpenSource(name, None, file, head)
