"""Decoding as a stream of blocks, whichever library does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.audio.readers import NO_STREAM, NotAudioError, Reader, Samples, SoundfileReader, full_scale
from organology.audio.source import OpenSource, Source, open_source
from organology.errors import AudioError

BLOCK_FRAMES = 65_536
"""Frames of a block, unless told."""

_LIMIT = 1e6  # +120 dB over full scale: such a sample is no sound, and its square would overflow the model
_MIN_SAMPLE_RATE = 1_000
_MAX_SAMPLE_RATE = 10_000_000
_MAX_CHANNELS = 1_024  # libsndfile's limit too
_BLOCK_SAMPLES = 2**22  # of a block, over all its channels: 16 MiB


class AudioStream:
    """Audio that is being decoded; a context manager and an iterator over blocks, once.

    Attributes
    ----------
    name : str
        The source, as errors name it.
    sample_rate : int
        In Hz.
    channels : int
    frames : int or None
        Length as the file declares it; None if it does not. `frames_read` is the truth, at the end.
    frames_read : int
        Frames given so far.
    nonfinite : int
        Samples so far that were NaN, infinite or beyond ±1e6, and are 0 in the blocks.
    truncated : bool
        At the end: whether the file holds less than it declares, or parts that cannot be decoded.

    Raises
    ------
    AudioError
        At the end of the iteration if there was no frame, or no usable sample.
    """

    def __init__(self, reader: Reader, name: str, block_frames: int, source: OpenSource | None = None) -> None:
        self.name = name
        self.sample_rate = reader.sample_rate
        self.channels = self._decoded_channels = reader.channels
        self.frames = reader.frames
        self.frames_read = self.nonfinite = 0
        self.truncated = False
        self._reader = reader
        self._source = source
        self._block_frames = max(1, min(block_frames, _BLOCK_SAMPLES // max(1, reader.channels)))
        self._only: int | None = None
        self._blocks = self._sound()

    def only(self, channel: int) -> AudioStream:
        """Give one channel alone; to be called before the first block.

        Parameters
        ----------
        channel : int
            From 1 on. The stream's name becomes `NAME#chN`, its `channels` 1.

        Returns
        -------
        AudioStream
            This one.

        Raises
        ------
        AudioError
            If there is no such channel.
        """
        if not 1 <= channel <= self.channels:
            raise AudioError(f"{self.name}: no channel {channel}; it has {self.channels}")
        self._only = channel - 1
        self.name, self.channels = f"{self.name}#ch{channel}", 1
        return self

    def __enter__(self) -> AudioStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._blocks.close()
        self._reader.close()

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        return next(self._blocks)

    def _sound(self) -> Any:
        for block in self._decoded():
            if self._only is not None:
                block = block[:, self._only : self._only + 1]
            if not (block.min() >= -_LIMIT and block.max() <= _LIMIT):  # both are NaN if one sample is
                bad = ~(np.abs(block) <= _LIMIT)
                block = np.where(bad, np.float32(0), block)
                self.nonfinite += int(np.count_nonzero(bad))
            self.frames_read += len(block)
            yield block
        if self.frames_read == 0:
            raise AudioError(f"{self.name}: no samples in it")
        if self.nonfinite == self.frames_read * self.channels:
            raise AudioError(f"{self.name}: no usable sample (all are NaN, infinite or beyond ±1e6)")

    def _decoded(self) -> Iterator[Samples]:
        yield from self._reader.blocks(self._block_frames)
        self.truncated = self._reader.truncated
        if self._reader.broken and self._source is not None:
            yield from self._rest()

    def _rest(self) -> Iterator[Samples]:
        # libsndfile loses the block in which a file breaks off; FFmpeg decodes up to the break.
        try:
            other = _av_reader(self._source)  # type: ignore[arg-type]
        except NotAudioError:
            return
        self._reader.close()
        self._reader = other
        if (other.sample_rate, other.channels) != (self.sample_rate, self._decoded_channels):
            return
        skip = self.frames_read
        for block in other.blocks(self._block_frames):
            if len(block) > skip:
                yield block[skip:]
            skip = max(0, skip - len(block))


class _ArrayReader:
    """Samples that are in memory already."""

    def __init__(self, samples: NDArray[Any], sample_rate: int) -> None:
        self._samples = samples
        self.sample_rate = sample_rate
        self.frames: int | None
        self.frames, self.channels = samples.shape
        self.truncated = self.broken = False

    def blocks(self, block_frames: int) -> Iterator[Samples]:
        for start in range(0, len(self._samples), block_frames):
            yield full_scale(self._samples[start : start + block_frames])

    def close(self) -> None:
        pass


def from_array(
    samples: NDArray[Any], sample_rate: int, *, name: str = "<array>", block_frames: int = BLOCK_FRAMES
) -> AudioStream:
    """A stream over samples in memory.

    Parameters
    ----------
    samples : array, shape (frames,) or (frames, channels)
        Float with full scale at ±1, or integers as in wav files (16 or 32 bits, or 8 around 128).
    sample_rate : int
        In Hz.
    name : str
        Named in errors.
    block_frames : int
        Frames of a block.

    Raises
    ------
    AudioError
        If the array has another shape or type.
    """
    array = np.asarray(samples)
    known = array.dtype.kind == "f" or array.dtype in (np.int16, np.int32, np.uint8)
    if not known or array.ndim not in (1, 2) or 0 in array.shape[1:]:
        raise AudioError(
            f"{name}: samples have to be float (or int16, int32, uint8), (frames,) or (frames, channels); "
            f"not {_describe(array)}"
        )
    if array.ndim == 2 and array.shape[1] > max(array.shape[0], _MAX_CHANNELS):
        raise AudioError(f"{name}: (channels, frames) = {array.shape} where (frames, channels) is wanted; transpose it")
    array = array.reshape(len(array), -1 if array.size else 1)
    return _checked(AudioStream(_ArrayReader(array, int(sample_rate)), name, block_frames))


def decode(source: Source, block_frames: int = BLOCK_FRAMES) -> AudioStream:
    """Open audio of any kind as a stream of blocks.

    Parameters
    ----------
    source : path, bytes or binary file object
        A file object is read from its beginning and left open.
    block_frames : int
        Frames of a block; all but the last have them. The samples do not depend on it.

    Returns
    -------
    AudioStream
        To be used with `with`; iterating gives float32 of shape (frames, channels).

    Raises
    ------
    AudioError
        "NAME: reason" if the source cannot be opened; at the end of the iteration if nothing was decoded.

    Examples
    --------
    >>> with decode("song.flac") as stream:                        # doctest: +SKIP
    ...     peak = max(abs(block).max() for block in stream)
    """
    opened = open_source(source)
    readers: tuple[Callable[[OpenSource], Reader], ...] = (SoundfileReader, _av_reader)
    reason = ""
    for open_reader in readers[1:] if opened.looks_like_mp3 else readers:
        try:
            reader = open_reader(opened)
        except NotAudioError as error:
            reason = NO_STREAM if str(error) == NO_STREAM else reason
            continue
        return _checked(AudioStream(reader, opened.name, block_frames, opened))
    raise AudioError(f"{opened.name}: {reason or 'not audio that can be decoded'}")


def _av_reader(source: OpenSource) -> Reader:
    from organology.audio.av_reader import AvReader  # PyAV takes a while to import, and few files need it

    return AvReader(source)


def _checked(stream: AudioStream) -> AudioStream:
    if not _MIN_SAMPLE_RATE <= stream.sample_rate <= _MAX_SAMPLE_RATE and stream.channels:
        stream.close()
        raise AudioError(f"{stream.name}: a sample rate of {stream.sample_rate} Hz cannot be used")
    if not stream.channels:
        stream.close()
        raise AudioError(f"{stream.name}: no samples in it")
    if stream.channels > _MAX_CHANNELS:
        stream.close()
        raise AudioError(f"{stream.name}: {stream.channels} channels are too many")
    return stream


def _describe(array: NDArray[Any]) -> str:
    return f"{array.dtype} {array.shape}"
