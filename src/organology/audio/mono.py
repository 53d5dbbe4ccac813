"""Mono at a given rate: the mean of the channels, resampled with soxr."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from organology.audio.readers import Samples
from organology.audio.source import Source
from organology.audio.stream import AudioStream, decode

SAMPLE_RATE = 32_000
"""The rate of everything inside organology, in Hz."""


def _mean(block: Samples) -> NDArray[np.float32]:
    if block.shape[1] == 1:
        return block[:, 0].copy()
    mono: NDArray[np.float32] = block[:, 0] + block[:, 1]
    for channel in range(2, block.shape[1]):
        mono += block[:, channel]
    mono *= np.float32(1 / block.shape[1])
    return mono


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
        yield from map(_mean, source)
        return
    resampler = soxr.ResampleStream(source.sample_rate, sample_rate, 1, dtype="float32", quality="HQ")
    for block in source:
        resampled = resampler.resample_chunk(_mean(block))
        if len(resampled):
            yield resampled
    tail = resampler.resample_chunk(np.zeros(0, np.float32), last=True)
    if len(tail):
        yield tail


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
