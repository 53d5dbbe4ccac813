"""Decoding as a stream of blocks, whichever library does it."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

from organology.audio.decoding.opening import av_reader, open_reader, prepared
from organology.audio.decoding.readers import NotAudioError, Reader, Samples
from organology.audio.sources.source import OpenSource, Source, open_source, reason_of
from organology.errors import AudioError

BLOCK_FRAMES = 65_536
"""Frames of a block, unless told."""

_LIMIT = 1e6  # +120 dB over full scale: such a sample is no sound, and its square would overflow the model
_MIN_SAMPLE_RATE = 1_000
_MAX_SAMPLE_RATE = 10_000_000
MAX_CHANNELS = 1_024
"""Of a source; libsndfile's limit too."""

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
    distrusted : bool
        At the end: whether the file has time stamps that could not be followed, so that times may be off.
    cancelling_frames : int
        Frames so far whose channels cancel each other, so that mono is one of them (counted by `mono_blocks`).

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
        self.cancelling_frames = 0
        self.truncated = self.distrusted = False
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
        if self._source is not None:
            self._source.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth saying of the sound besides `truncated` and `nonfinite`, a line each; complete at the end."""
        notes = []
        if self.cancelling_frames:
            seconds = self.cancelling_frames / self.sample_rate
            notes.append(f"the channels cancel each other: one of them alone is heard for {seconds:.1f} s")
        if self.distrusted:
            notes.append("time stamps that cannot be true were passed over: times may be off")
        return tuple(notes)

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
        try:
            yield from self._reader.blocks(self._block_frames)
            self.truncated = self._reader.truncated
            if self._reader.broken and self._source is not None:
                yield from self._rest(self._source)
            self.distrusted = self._reader.distrusted
        except Exception as error:  # whatever a decoder raises on damaged files, or a file object
            raise AudioError(f"{self.name}: cannot be decoded: {reason_of(error)}") from error

    def _rest(self, source: OpenSource) -> Iterator[Samples]:
        # libsndfile loses the block in which a file breaks off; FFmpeg decodes up to the break, and behind it.
        try:
            other = av_reader(source)
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
    name = opened.name
    try:
        opened = prepared(opened)
        reader = open_reader(opened)
    except NotAudioError as error:
        opened.close()
        raise AudioError(f"{name}: {str(error) or 'not audio that can be decoded'}") from None
    except Exception as error:  # whatever a decoder raises on damaged files, or a file object
        opened.close()
        raise AudioError(f"{name}: cannot be decoded: {reason_of(error)}") from error
    return checked(AudioStream(reader, name, block_frames, opened))


def checked(stream: AudioStream) -> AudioStream:
    """A stream that can be used, or an error; it is closed then."""
    if not _MIN_SAMPLE_RATE <= stream.sample_rate <= _MAX_SAMPLE_RATE and stream.channels:
        stream.close()
        raise AudioError(f"{stream.name}: a sample rate of {stream.sample_rate} Hz cannot be used")
    if not stream.channels:
        stream.close()
        raise AudioError(f"{stream.name}: no samples in it")
    if stream.channels > MAX_CHANNELS:
        stream.close()
        raise AudioError(f"{stream.name}: {stream.channels} channels are too many")
    return stream
