"""A part of a file as a file of its own, for decoders that begin at the first byte and end at the last."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_AVSEEK_SIZE = 0x10000  # FFmpeg's libraries ask for the size, without moving
_NOTHING: Mapping[int, bytes] = MappingProxyType({})


class View:
    """Bytes `start` to `end` of a file, read only; never raises.

    The callbacks of libsndfile cannot pass errors on, and Python would print them: an error reads as the end of the
    file, and a seek before the beginning leaves the position where it is.

    Parameters
    ----------
    file : binary file object
        Seekable. Left open by `close` unless `owned`.
    start, end : int
        Offsets in `file`; `end` None is the end of the file.
    patches : mapping of int to bytes
        What is read at an offset of `file` in place of what stands there.
    owned : bool
    """

    mode = "rb"

    def __init__(
        self,
        file: Any,
        start: int = 0,
        end: int | None = None,
        patches: Mapping[int, bytes] = _NOTHING,
        *,
        owned: bool = False,
    ) -> None:
        self._file = file
        self._start = start
        self._end = size_of(file) if end is None else end
        self._patches = patches
        self._owned = owned
        self._position = 0

    def seekable(self) -> bool:
        """Whether it can seek: always."""
        return True

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset from the beginning, the position or the end."""
        if whence == _AVSEEK_SIZE:
            return self._end - self._start
        base = {os.SEEK_CUR: self._position, os.SEEK_END: self._end - self._start}.get(whence, 0)
        if base + offset >= 0:
            self._position = base + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; all that are left if it is negative."""
        at = self._start + self._position
        left = max(0, self._end - at)
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:
            return b""
        try:
            self._file.seek(at)
            content = bytes(self._file.read(wanted) or b"")
        except Exception:  # whatever the file object of a caller does
            return b""
        self._position += len(content)
        return _patched(content, at, self._patches)

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; the number of bytes read."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Let go of the file, if it is owned."""
        if self._owned:
            self._file.close()


def size_of(file: Any) -> int:
    """Bytes of a seekable file, whatever its position; 0 if it cannot tell."""
    try:
        return int(file.seek(0, os.SEEK_END) or file.tell())
    except Exception:  # whatever the file object of a caller does
        return 0


def _patched(content: bytes, at: int, patches: Mapping[int, bytes]) -> bytes:
    if not any(offset < at + len(content) and at < offset + len(patch) for offset, patch in patches.items()):
        return content
    mended = bytearray(content)
    for offset, patch in patches.items():
        for place, byte in enumerate(patch, offset - at):
            if 0 <= place < len(mended):
                mended[place] = byte
    return bytes(mended)
