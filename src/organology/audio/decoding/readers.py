"""What a decoder is, and the first of the two: libsndfile (soundfile). The other is in `av_reader`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from organology.audio.sources.source import OpenSource, reason_of
from organology.audio.sources.view import View

Samples = NDArray[np.float32]

NO_STREAM = "no audio stream in it"

_UNKNOWN_FRAMES = 2**62
_stderr_lock = threading.Lock()


class NotAudioError(Exception):
    """A decoder cannot open the source; its text is the reason."""


class Reader(Protocol):
    """What a decoder gives: properties of the sound, then its blocks, once."""

    sample_rate: int
    channels: int
    frames: int | None  # as declared by the file; None if it does not say
    truncated: bool  # known at the end of `blocks`
    broken: bool  # the decoder gave up before the end
    distrusted: bool  # time stamps that could not be followed

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class SoundfileReader:
    """Reads with libsndfile.

    Parameters
    ----------
    source : OpenSource
    mpeg : bool
        Also MPEG audio, which is left to FFmpeg otherwise: libsndfile's decoder writes lines to stderr. They are
        silenced, and so are those of other threads meanwhile.
    """

    distrusted = False

    def __init__(self, source: OpenSource, mpeg: bool = False) -> None:
        self._quiet = _silenced_stderr if mpeg else nullcontext
        try:
            with self._quiet():
                self._file = soundfile.SoundFile(_for_soundfile(source))
        except Exception as error:  # soundfile's own, and whatever a file object raises
            raise NotAudioError(reason_of(error)) from error
        if not mpeg and self._file.subtype.startswith("MPEG"):
            self._file.close()
            raise NotAudioError("MPEG audio")
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int | None = self._file.frames if self._file.frames < _UNKNOWN_FRAMES else None
        self.truncated = source.cut
        self.broken = False

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        """Blocks of shape (frames, channels), the last one shorter."""
        read = 0
        while True:
            try:
                with self._quiet():
                    block: Samples = self._file.read(block_frames, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError):
                self.broken = True
                break
            if len(block) == 0:
                break
            read += len(block)
            yield block
        self.broken |= read < (self.frames or 0)
        self.truncated |= self.broken

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def full_scale(array: NDArray[Any]) -> Samples:
    """Samples of any type as float32, full scale at ±1; unsigned 8 bits lie around 128."""
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128.0) / 128.0
    if array.dtype.kind == "i":
        return array.astype(np.float32) / float(-np.iinfo(array.dtype).min)
    return array.astype(np.float32, copy=False)


def reblocked(pieces: Iterator[Samples], block_frames: int) -> Iterator[Samples]:
    """Pieces of any length as blocks of one length, the last one shorter."""
    held: list[Samples] = []
    n_held = 0
    for samples in pieces:
        if not held and len(samples) == block_frames:
            yield samples
            continue
        held.append(samples)
        n_held += len(samples)
        if n_held >= block_frames:
            joined = np.concatenate(held)
            whole = n_held - n_held % block_frames
            for start in range(0, whole, block_frames):
                yield joined[start : start + block_frames]
            n_held -= whole
            held = [joined[whole:]] if n_held else []
    if n_held:
        yield np.concatenate(held)


def _for_soundfile(source: OpenSource) -> Any:
    # As bytes where the system has names of bytes: soundfile refuses those that are not UTF-8.
    if source.path is not None:
        return os.fsencode(source.path) if os.name == "posix" else source.path
    file = source.rewound()
    return file if isinstance(file, View) else View(file)


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    with _stderr_lock:
        try:
            kept = os.dup(2)
        except OSError:  # closed
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(nowhere)
            os.close(kept)
