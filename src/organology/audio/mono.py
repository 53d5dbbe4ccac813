"""Mono at a given rate: the mean of the channels (or one, where they cancel), resampled with soxr."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from organology.audio.decoding.readers import reblocked
from organology.audio.downmix import BLOCK_FRAMES, Downmix
from organology.audio.sources.source import Source
from organology.audio.stream import AudioStream, decode

SAMPLE_RATE = 32_000
"""The rate of everything inside organology, in Hz."""


def mono_blocks(source: Source | AudioStream, sample_rate: int = SAMPLE_RATE) -> Iterator[NDArray[np.float32]]:
    """Audio as blocks of mono samples at a given rate; memory does not grow with the file.

    Parameters
    ----------
    source : path, bytes, binary file object or AudioStream
        A stream given is read to its end and left open, so that its attributes can be asked for.
    sample_rate : int
        In Hz.

    Yields
    ------
    float32 array, shape (n,), n > 0
        `round(frames * sample_rate / source_rate)` samples in all.

    Raises
    ------
    AudioError
        As `decode`.
    """
    if not isinstance(source, AudioStream):
        with decode(source) as stream:
            yield from mono_blocks(stream, sample_rate)
        return
    if source.sample_rate == sample_rate:
        yield from _downmixed(source)
        return
    resampler = soxr.ResampleStream(source.sample_rate, sample_rate, 1, dtype="float32", quality="HQ")
    for mono in _downmixed(source):
        resampled = resampler.resample_chunk(mono)
        if len(resampled):
            yield resampled
    tail = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
    if len(tail):
        yield tail


def _downmixed(stream: AudioStream) -> Iterator[NDArray[np.float32]]:
    downmix = Downmix()
    for block in stream if stream.channels == 1 else reblocked(stream, BLOCK_FRAMES):
        yield downmix.add(block)
        stream.cancelling_frames = downmix.cancelling_frames


def read_mono(source: Source | AudioStream, sample_rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """A whole file as mono samples at a given rate.

    Parameters
    ----------
    source : path, bytes, binary file object or AudioStream
    sample_rate : int
        In Hz.

    Returns
    -------
    float32 array, shape (n,)

    Raises
    ------
    AudioError
        As `decode`.
    """
    blocks = list(mono_blocks(source, sample_rate))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
