"""What a decoder is, and the first of the two: libsndfile (soundfile). The other is in `av_reader`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from organology.audio.source import OpenSource

Samples = NDArray[np.float32]

NO_STREAM = "no audio stream in it"

_UNKNOWN_LENGTH = 0x7FFF_0000


class NotAudioError(Exception):
    """A decoder cannot open the source; its text is the reason."""


class Reader(Protocol):
    """What a decoder gives: properties of the sound, then its blocks, once."""

    sample_rate: int
    channels: int
    frames: int | None  # as declared by the file; None if it does not say
    truncated: bool  # known at the end of `blocks`
    broken: bool  # the decoder gave up before the end

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class SoundfileReader:
    """Reads with libsndfile."""

    def __init__(self, source: OpenSource) -> None:
        try:
            self._file = soundfile.SoundFile(_for_soundfile(source))
        except (soundfile.LibsndfileError, RuntimeError, TypeError, OSError) as error:
            raise NotAudioError(str(error)) from error
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int | None = self._file.frames
        self.truncated = _is_cut(self._file.extra_info)
        self.broken = False

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        read = 0
        while True:
            try:
                block: Samples = self._file.read(block_frames, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError):
                self.broken = True
                break
            if len(block) == 0:
                break
            read += len(block)
            yield block
        self.truncated |= self.broken or read < (self.frames or 0)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Steady:
    """A file object that never raises: libsndfile's callbacks cannot pass errors on, and Python would print them."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return int(self._file.seek(offset, whence))
        except (OSError, ValueError):  # a damaged file points in front of its beginning
            return self.tell()

    def tell(self) -> int:
        return int(self._file.tell())

    def read(self, size: int = -1) -> bytes:
        try:
            return bytes(self._file.read(size))
        except (OSError, ValueError):
            return b""

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def full_scale(array: NDArray[Any]) -> Samples:
    """Samples of any type as float32, full scale at ±1; unsigned 8 bits lie around 128."""
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128.0) / 128.0
    if array.dtype.kind == "i":
        return array.astype(np.float32) / float(-np.iinfo(array.dtype).min)
    return array.astype(np.float32, copy=False)


def _for_soundfile(source: OpenSource) -> Any:
    # As bytes where the system has names of bytes: soundfile refuses those that are not UTF-8.
    if source.path is not None:
        return os.fsencode(source.path) if os.name == "posix" else source.path
    return _Steady(source.rewound())


def _is_cut(log: str) -> bool:
    # libsndfile corrects the length of a cut wav by itself and leaves only this trace of it. A writer that could not
    # go back to fill in the length left 0 or nearly 2^32: nothing is missing then.
    lengths = re.search(r"^data : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
    return lengths is not None and int(lengths[2]) < int(lengths[1]) < _UNKNOWN_LENGTH
