"""Many channels to one: their mean or, where they cancel each other, one of them.

Whether they do is decided for each `BLOCK_FRAMES` frames of the file, so that it does not depend on how a stream is
cut. Sound in opposite phase, from a cable with two leads exchanged or an effect, would be silent in the mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from organology.audio.decoding.readers import Samples

BLOCK_FRAMES = 65_536
"""Frames for which the channels are weighed against each other."""

_CANCELLING = 0.02  # of the energy that the mean of unrelated channels has; 20 dB below the level of two
_SILENT = 1e-7  # mean square, -70 dBFS: there is nothing to hear
_STRIDE = 61  # of the frames that are looked at first
_MARGIN = 10  # by which few frames may mislead

Mono = NDArray[np.float32]


class Downmix:
    """Gives the mono sound of blocks that follow each other.

    Attributes
    ----------
    cancelling_frames : int
        Frames so far for which a channel stands alone.
    """

    def __init__(self) -> None:
        self.cancelling_frames = 0
        self._channel: int | None = None  # heard alone in the block before

    def add(self, block: Samples) -> Mono:
        """Mono of a block of `BLOCK_FRAMES` frames; of fewer only if it is the last.

        Parameters
        ----------
        block : array, shape (frames, channels)

        Returns
        -------
        float32 array, shape (frames,)
        """
        mono = _mean(block)
        if block.shape[1] == 1:
            return mono
        self._channel = self._chosen(block, mono)
        if self._channel is None:
            return mono
        self.cancelling_frames += len(block)
        return block[:, self._channel].copy()

    def _chosen(self, block: Samples, mono: Mono) -> int | None:
        few = np.square(block[::_STRIDE]).sum()
        if np.square(mono[::_STRIDE]).sum() > _MARGIN * _CANCELLING * few / block.shape[1] ** 2:
            return None
        energies: NDArray[np.float64] = np.square(block).mean(axis=0, dtype=np.float64)
        if not _cancels(energies, mono):
            return None
        loudest = int(np.argmax(energies))
        if self._channel is not None and 2 * energies[self._channel] >= energies[loudest]:
            return self._channel
        return loudest


def _cancels(energies: NDArray[np.float64], mono: Mono) -> bool:
    total, channels = float(energies.sum()), len(energies)
    if total <= _SILENT * channels:
        return False
    return float(np.square(mono).mean(dtype=np.float64)) < _CANCELLING * total / channels**2


def _mean(block: Samples) -> Mono:
    if block.shape[1] == 1:
        return block[:, 0].copy()
    mono: Mono = block[:, 0] + block[:, 1]
    for channel in range(2, block.shape[1]):
        mono += block[:, channel]
    mono *= np.float32(1 / block.shape[1])
    return mono
