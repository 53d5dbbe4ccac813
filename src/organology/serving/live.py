"""What plays now: scores of the last seconds of a stream of samples, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from organology.errors import OrganologyError
from organology.recognition.recognizer import Recognizer

Samples = NDArray[np.float32]

_BYTES = {"s16le": 2, "s32le": 4, "f32le": 4}
PCM_FORMATS = tuple(_BYTES)
"""Forms of raw samples, as FFmpeg names them."""


@dataclass(frozen=True, eq=False)
class Moment:
    """What plays at a moment.

    Attributes
    ----------
    seconds : float
        Since the beginning.
    labels : tuple of str
    scores : float32 array, shape (n_labels,)
        Of the last window.
    plays : bool array, shape (n_labels,)
    """

    seconds: float
    labels: tuple[str, ...]
    scores: Samples
    plays: NDArray[np.bool_]

    @property
    def playing(self) -> list[tuple[str, float]]:
        """Labels that play, with their scores, the highest first."""
        found = [
            (label, float(score)) for label, score, on in zip(self.labels, self.scores, self.plays, strict=True) if on
        ]
        return sorted(found, key=lambda one: -one[1])


class Blocks(Protocol):
    """Where samples come from."""

    rate: int

    def read(self, frames: int) -> Samples:
        """The next mono samples, shape (n,); fewer than asked for only at the end."""
        ...


class PcmPipe:
    """Raw samples from a binary stream.

    Parameters
    ----------
    stream : binary file object
    rate : int
        In Hz.
    channels : int
        Interleaved; their mean is taken.
    form : str
        One of `PCM_FORMATS`.
    """

    def __init__(self, stream: BinaryIO, rate: int, channels: int = 1, form: str = "s16le") -> None:
        self.rate = rate
        self._stream, self._channels, self._form = stream, channels, form

    def read(self, frames: int) -> Samples:
        """See `Blocks`."""
        frame_bytes = _BYTES[self._form] * self._channels
        content = self._stream.read(frames * frame_bytes)
        content = content[: len(content) - len(content) % frame_bytes]
        if self._form == "f32le":
            samples = np.nan_to_num(np.frombuffer(content, "<f4"), nan=0.0, posinf=0.0, neginf=0.0)
        else:
            whole = np.frombuffer(content, "<i2" if self._form == "s16le" else "<i4")
            samples = whole.astype(np.float32) / np.float32(-np.iinfo(whole.dtype).min)
        mono: Samples = samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
        return mono


class Microphone:
    """The microphone, by sounddevice."""

    def __init__(self, device: str | int | None = None) -> None:
        try:
            import sounddevice
        except OSError as error:
            raise OrganologyError(f"the microphone cannot be used: {error} (Debian: libportaudio2)") from error
        try:
            self._stream = sounddevice.InputStream(device=device, channels=1, dtype="float32")
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise OrganologyError(f"the microphone cannot be used: {' '.join(str(error).split())}") from error
        self.rate = round(self._stream.samplerate)

    def read(self, frames: int) -> Samples:
        """See `Blocks`."""
        block, _ = self._stream.read(frames)
        return np.asarray(block[:, 0], np.float32)

    def close(self) -> None:
        """Let go of it."""
        self._stream.close()


@contextmanager
def microphone(device: str | int | None = None) -> Iterator[Microphone]:
    """The microphone, while it is needed.

    Raises
    ------
    OrganologyError
        If there is none, or it cannot be used.
    """
    opened = Microphone(device)
    try:
        yield opened
    finally:
        opened.close()


def moments(
    recognizer: Recognizer, blocks: Blocks, thresholds: NDArray[np.float64], every_seconds: float = 1.0
) -> Iterator[Moment]:
    """What plays, each time so many seconds have come.

    Parameters
    ----------
    recognizer : Recognizer
    blocks : Blocks
    thresholds : float array, shape (n_labels,)
    every_seconds : float
        Distance of the moments.

    Yields
    ------
    Moment
    """
    window_seconds = recognizer.metadata.window_seconds
    step, most = max(1, round(every_seconds * blocks.rate)), round(window_seconds * blocks.rate)
    held, frames = np.zeros(0, np.float32), 0
    while len(block := blocks.read(step)):
        held = np.concatenate([held, block])[-most:]
        frames += len(block)
        found = recognizer.recognize(held, window_seconds, sr=blocks.rate)
        scores = found.scores[-1]
        yield Moment(frames / blocks.rate, found.labels, scores, np.asarray(scores >= thresholds))
