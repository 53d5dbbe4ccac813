"""Noise under a mixture: hiss of a drawn color and band, mains hum, a record's crackle."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal  # type: ignore[import-untyped]

from organology.mixing.channel.filters import section

Samples = NDArray[np.float32]

HARMONICS = 12
TABLE = 4096


def hiss(rng: np.random.Generator, frames: int, rate: int, *, color: float, low_hz: float, high_hz: float) -> Samples:
    """Noise whose power falls with frequency to the power `color` (0 white, 1 pink, 2 brown) within a band; RMS 1."""
    size = fft.next_fast_len(frames, real=True)
    spectrum = rng.standard_normal((size // 2 + 1, 2), dtype=np.float32).view(np.complex64)[:, 0]
    hertz = np.linspace(0, rate / 2, len(spectrum), dtype=np.float32)
    first, last = np.searchsorted(hertz, (max(low_hz, 1.0), min(high_hz, rate / 2)))
    spectrum[:first] = 0
    spectrum[last:] = 0
    spectrum[first:last] *= hertz[first:last] ** np.float32(-color / 2)
    return _unit(np.asarray(fft.irfft(spectrum, size)[:frames], dtype=np.float32))


def hum(rng: np.random.Generator, frames: int, rate: int, *, mains_hz: float) -> Samples:
    """Mains hum: harmonics of drawn strength, the even ones of rectifiers among them; RMS 1."""
    order = np.arange(1, HARMONICS + 1)
    strengths = rng.exponential(size=HARMONICS) / order ** rng.uniform(0.3, 1.5)
    turns = np.arange(TABLE) / TABLE
    phases = rng.random(HARMONICS)
    table = (strengths[:, None] * np.sin(2 * np.pi * (order[:, None] * turns + phases[:, None]))).sum(axis=0)
    place = np.arange(frames) * (mains_hz * TABLE / rate)
    return _unit(table.astype(np.float32)[place.astype(np.int64) % TABLE])


def crackle(rng: np.random.Generator, frames: int, rate: int, *, clicks_per_second: float) -> Samples:
    """Clicks of a dusty record, of widely different strength, over its surface noise; RMS 1."""
    clicks = np.zeros(frames, dtype=np.float32)
    count = 1 + int(rng.poisson(clicks_per_second * frames / rate))
    strengths = rng.lognormal(0.0, 1.0, count) * rng.choice([-1.0, 1.0], count)
    np.add.at(clicks, rng.integers(0, frames, count), strengths.astype(np.float32))
    ring: Any = signal.sosfilt(section("low_pass", float(rng.uniform(1500, 8000)), rate, q=1.0), clicks)
    surface = hiss(rng, frames, rate, color=0.5, low_hz=100, high_hz=8000)
    return _unit(_unit(np.asarray(ring, dtype=np.float32)) + surface * np.float32(rng.uniform(0.1, 0.6)))


_MAKE: dict[str, Any] = {"hiss": hiss, "hum": hum, "crackle": crackle}


def add_noise(samples: Samples, rate: int, *, kind: str, snr_db: float, seed: int, **shape: float) -> Samples:
    """Add noise `snr_db` below the RMS of `samples`; to silence none.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    rate : int
        In Hz.
    kind : {"hiss", "hum", "crackle"}
    snr_db : float
    seed : int
        Of the noise.
    **shape
        Settings of `hiss`, `hum` or `crackle`.
    """
    rms = math.sqrt(float(np.mean(np.square(samples))))
    if rms <= 0:
        return samples
    noise: Samples = _MAKE[kind](np.random.default_rng(seed), len(samples), rate, **shape)
    return samples + noise * np.float32(rms * 10 ** (-snr_db / 20))


def _unit(samples: Samples) -> Samples:
    return samples / np.float32(max(math.sqrt(float(np.mean(np.square(samples)))), 1e-12))
