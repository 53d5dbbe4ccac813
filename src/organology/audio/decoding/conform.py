"""Sound whose rate or channels change on the way, at the rate and with the channels that it began with."""

from __future__ import annotations

import numpy as np
import soxr

from organology.audio.decoding.readers import Samples


class Conform:
    """Gives pieces of sound, one after the other, one rate and one number of channels.

    Pieces that have them pass as they are. Where the channels differ, each gets the mean of those that are there.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    channels : int
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._sample_rate = sample_rate
        self._channels = channels
        self._resampler: soxr.ResampleStream | None = None
        self._rate = sample_rate  # of what comes now

    def add(self, samples: Samples, sample_rate: int) -> list[Samples]:
        """What can be given once a piece is there.

        Parameters
        ----------
        samples : array, shape (frames, channels)
        sample_rate : int
            Its own, in Hz.
        """
        if sample_rate == self._rate == self._sample_rate and samples.shape[1] == self._channels:
            return [samples]
        out = self.end() if sample_rate != self._rate else []
        if samples.shape[1] != self._channels:
            samples = np.repeat(samples.mean(axis=1, keepdims=True, dtype=np.float32), self._channels, axis=1)
        if sample_rate != self._sample_rate:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(
                    sample_rate, self._sample_rate, self._channels, dtype="float32", quality="HQ"
                )
            samples = self._resampler.resample_chunk(samples).reshape(-1, self._channels)
        self._rate = sample_rate
        return [*out, samples] if len(samples) else out

    def end(self) -> list[Samples]:
        """What is still held, once nothing more comes at the present rate."""
        if self._resampler is None:
            return []
        empty = np.zeros((0, self._channels), np.float32)
        rest = self._resampler.resample_chunk(empty, last=True).reshape(-1, self._channels)
        self._resampler = None
        return [rest] if len(rest) else []
