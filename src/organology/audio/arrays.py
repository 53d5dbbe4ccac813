"""Samples that are in memory already, as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.audio.decoding.readers import Samples, full_scale
from organology.audio.stream import BLOCK_FRAMES, MAX_CHANNELS, AudioStream, checked
from organology.errors import AudioError


class _ArrayReader:
    """Samples that are in memory already."""

    def __init__(self, samples: NDArray[Any], sample_rate: int) -> None:
        self._samples = samples
        self.sample_rate = sample_rate
        self.frames: int | None
        self.frames, self.channels = samples.shape
        self.truncated = self.broken = self.distrusted = False

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
            f"{name}: samples must be float (or int16, int32, uint8), (frames,) or (frames, channels); "
            f"got {_describe(array)}"
        )
    if array.ndim == 2 and array.shape[1] > max(array.shape[0], MAX_CHANNELS):
        raise AudioError(f"{name}: (channels, frames) = {array.shape} where (frames, channels) is wanted; transpose it")
    array = array.reshape(len(array), -1 if array.size else 1)
    return checked(AudioStream(_ArrayReader(array, int(sample_rate)), name, block_frames))


def _describe(array: NDArray[Any]) -> str:
    return f"{array.dtype} {array.shape}"
