"""Rooms: synthetic impulse responses, and one room around all sources of a mixture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft  # type: ignore[import-untyped]

from organology.config import FORBID
from organology.mixing.channel.base import MixtureTransform, Samples, draw_seed
from organology.mixing.ranges import Range, check_amount, check_range, log_uniform, uniform
from organology.mixing.registry import Parameters

BANDS_HZ = (250.0, 1000.0, 4000.0)
REFLECTIONS = 6
EARLY_SHARE = 0.4


@dataclass(frozen=True)
class Room(MixtureTransform):
    """One room for all sources of a mixture, each with its own distance and first reflections.

    Attributes
    ----------
    probability : float
    rt60_seconds : (float, float)
        Range of the reverberation time at 1 kHz, drawn evenly in its logarithm.
    direct_to_reverb_db : (float, float)
        Range of the ratio of direct to reverberant energy, drawn once a mixture.
    spread_db : float
        Each source's ratio differs from the mixture's by at most this.
    """

    __pydantic_config__ = FORBID
    name = "room"
    needs_sources = True
    rt60_seconds: Range = (0.15, 2.0)
    direct_to_reverb_db: Range = (-3.0, 18.0)
    spread_db: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("room.rt60_seconds", self.rt60_seconds, 0.01, 10)
        check_range("room.direct_to_reverb_db", self.direct_to_reverb_db, -40, 80)
        check_amount("room.spread_db", self.spread_db, 0, 40)

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """Reverberation time, its slope, predelay, and the distance of each source."""
        rt60 = log_uniform(rng, self.rt60_seconds)
        ratio = uniform(rng, self.direct_to_reverb_db)
        return {
            "rt60_seconds": rt60,
            "slope": uniform(rng, (0.0, 0.4)),
            "predelay_ms": uniform(rng, (2.0, 10.0 + 30.0 * min(rt60, 1.0))),
            "direct_to_reverb_db": [ratio + uniform(rng, (-1.0, 1.0)) * self.spread_db for _ in range(n_sources)],
            "seed": draw_seed(rng),
        }

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`; `sources` are those of the mixture."""
        sources = parameters.pop("sources")
        return samples + reverberation(sources, sample_rate, **parameters)


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


def reverberation(
    sources: Sequence[Samples],
    rate: int,
    *,
    seed: int,
    rt60_seconds: float,
    slope: float,
    predelay_ms: float,
    direct_to_reverb_db: Sequence[float],
) -> Samples:
    """What a room adds to sources, without their direct sound.

    The sources share the reverberation, as they do in a hall or on the aux send of a desk, so that one convolution
    serves them all; each has its own first reflections and its own ratio of direct to reverberant sound.

    Parameters
    ----------
    sources : sequence of float32 array, shape (n,)
    rate : int
        In Hz.
    seed : int
        Of the reverberation and of the reflections.
    rt60_seconds, slope, predelay_ms : float
        See `late_response`.
    direct_to_reverb_db : sequence of float
        One a source.

    Returns
    -------
    float32 array, shape (n,)
    """
    late_seed, *early_seeds = np.random.SeedSequence(seed).spawn(1 + len(sources))
    sends, early = np.zeros_like(sources[0]), np.zeros_like(sources[0])
    longest = 0.01 + 0.05 * min(rt60_seconds, 1.0)
    for samples, ratio, early_seed in zip(sources, direct_to_reverb_db, early_seeds, strict=True):
        gain = 10 ** (-ratio / 20)
        sends += samples * np.float32(gain * np.sqrt(1 - EARLY_SHARE))
        rng = np.random.default_rng(early_seed)
        seconds = np.sort(rng.uniform(0.002, longest, REFLECTIONS))
        strengths = rng.choice([-1.0, 1.0], REFLECTIONS) * np.exp(-1.5 * seconds / longest)
        strengths *= gain * np.sqrt(EARLY_SHARE) / np.sqrt(np.square(strengths).sum())
        for second, strength in zip(seconds, strengths, strict=True):
            ahead = round(float(second) * rate)
            early[ahead:] += samples[: len(samples) - ahead] * np.float32(strength)
    response = late_response(
        np.random.default_rng(late_seed), rate, rt60_seconds=rt60_seconds, slope=slope, predelay_ms=predelay_ms
    )[: len(sends)]
    size = fft.next_fast_len(len(sends) + len(response) - 1, real=True)
    late = fft.irfft(fft.rfft(sends, size) * fft.rfft(response, size), size)
    return np.asarray(late[: len(sends)] + early, dtype=np.float32)
