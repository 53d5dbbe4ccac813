"""Rooms: synthetic impulse responses, and one room around all sources of a mixture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft  # type: ignore[import-untyped]

Samples = NDArray[np.float32]

BANDS_HZ = (250.0, 1000.0, 4000.0)
REFLECTIONS = 6
EARLY_SHARE = 0.4


def late_response(
    rng: np.random.Generator, rate: int, *, rt60_seconds: float, slope: float, predelay_ms: float
) -> Samples:
    """Reverberation: noise that decays exponentially, faster in higher bands, of energy 1.

    The diffuse part of a room's response after Polack; see Moorer, "About this reverberation business", Computer Music
    Journal 3(2), 1979. Cut off where it has decayed by 60 dB at most.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate : int
        In Hz.
    rt60_seconds : float
        At 1 kHz.
    slope : float
        The reverberation time of a band at f is `rt60_seconds` times (f / 1 kHz) to the power of minus this.
    predelay_ms : float
        Before it begins.

    Returns
    -------
    float32 array, shape (frames,)
    """
    edges = (0.0, *(hz * 2 for hz in BANDS_HZ), rate / 2)
    times = [rt60_seconds * (hz / 1000) ** -slope for hz in (*BANDS_HZ, 10_000.0)]
    frames = round(min(max(times), 1.25 * rt60_seconds) * rate)
    size = fft.next_fast_len(frames, real=True)
    spectrum = fft.rfft(rng.standard_normal(size, dtype=np.float32))
    hertz = np.linspace(0, rate / 2, len(spectrum))
    seconds = np.arange(frames, dtype=np.float32) / np.float32(rate)
    response = np.zeros(frames, dtype=np.float32)
    for low, high, time in zip(edges[:-1], edges[1:], times, strict=True):
        if low >= rate / 2:
            break
        first, last = np.searchsorted(hertz, (low, min(high, rate / 2)))
        band = np.zeros_like(spectrum)
        band[first:last] = spectrum[first:last]
        response += fft.irfft(band, size)[:frames] * np.exp(np.float32(-6.9078 / time) * seconds)
    response /= np.float32(max(float(np.sqrt(np.square(response).sum())), 1e-9))
    return np.concatenate([np.zeros(round(predelay_ms * rate / 1000), dtype=np.float32), response])


class Room:
    """Takes the sources of a mixture one by one and gives back what the room adds to them.

    The sources share the reverberation, as they do in a hall or on the aux send of a desk, so that one convolution
    serves them all; each has its own first reflections and its own ratio of direct to reverberant sound.

    Parameters
    ----------
    seed : int
        Of the reverberation and of the reflections.
    frames : int
        Of the mixture.
    rate : int
        In Hz.
    rt60_seconds, slope, predelay_ms : float
        See `late_response`.
    direct_to_reverb_db : sequence of float
        One a source, in the order in which they are added.
    """

    def __init__(
        self,
        frames: int,
        rate: int,
        *,
        seed: int,
        rt60_seconds: float,
        slope: float,
        predelay_ms: float,
        direct_to_reverb_db: tuple[float, ...],
    ) -> None:
        self._rate, self._size = rate, rt60_seconds
        self._late_seed, *self._early_seeds = np.random.SeedSequence(seed).spawn(1 + len(direct_to_reverb_db))
        self._late = {"rt60_seconds": rt60_seconds, "slope": slope, "predelay_ms": predelay_ms}
        self._ratios = direct_to_reverb_db
        self._sends = np.zeros(frames, dtype=np.float32)
        self._early = np.zeros(frames, dtype=np.float32)
        self._count = 0

    def add(self, samples: Samples) -> None:
        """The next source, float32, shape (frames,)."""
        gain = 10 ** (-self._ratios[self._count] / 20)
        rng = np.random.default_rng(self._early_seeds[self._count])
        self._count += 1
        self._sends += samples * np.float32(gain * np.sqrt(1 - EARLY_SHARE))
        longest = 0.01 + 0.05 * min(self._size, 1.0)
        seconds = np.sort(rng.uniform(0.002, longest, REFLECTIONS))
        strengths = rng.choice([-1.0, 1.0], REFLECTIONS) * np.exp(-1.5 * seconds / longest)
        strengths *= gain * np.sqrt(EARLY_SHARE) / np.sqrt(np.square(strengths).sum())
        for second, strength in zip(seconds, strengths, strict=True):
            ahead = round(float(second) * self._rate)
            self._early[ahead:] += samples[: len(samples) - ahead] * np.float32(strength)

    def reverberation(self) -> Samples:
        """What the room adds to the sources so far, without their direct sound: float32, shape (frames,)."""
        rng = np.random.default_rng(self._late_seed)
        response = late_response(rng, self._rate, **self._late)[: len(self._sends)]
        size = fft.next_fast_len(len(self._sends) + len(response) - 1, real=True)
        late = fft.irfft(fft.rfft(self._sends, size) * fft.rfft(response, size), size)
        return np.asarray(late[: len(self._sends)] + self._early, dtype=np.float32)
