"""Noise under a mixture: hiss of a drawn color and band, mains hum, a record's crackle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from scipy import fft, signal  # type: ignore[import-untyped]

from organology.config import FORBID
from organology.mixing.channel.base import MixtureTransform, Samples, draw_seed
from organology.mixing.channel.filters import section
from organology.mixing.ranges import Range, check, check_range, log_uniform, uniform
from organology.mixing.registry import Parameters

NoiseKind = Literal["hiss", "hum", "crackle"]

HARMONICS = 12
TABLE = 4096


@dataclass(frozen=True)
class Noise(MixtureTransform):
    """Hiss of a drawn color and band, mains hum, or a record's crackle, `snr_db` below the mixture.

    Attributes
    ----------
    probability : float
    snr_db : (float, float)
        Range of the ratio of the mixture to the noise, both as RMS.
    kinds : tuple of {"hiss", "hum", "crackle"}
        Colored noise of a drawn band; mains hum of 50 or 60 Hz; a record's crackle over its surface noise.
    """

    __pydantic_config__ = FORBID
    name = "noise"
    snr_db: Range = (15.0, 50.0)
    kinds: tuple[NoiseKind, ...] = get_args(NoiseKind)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("noise.snr_db", self.snr_db, -20, 120)
        check(bool(self.kinds), "noise.kinds must name at least one kind, got none")

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """The kind, its ratio to the mixture, and what shapes it."""
        kind = self.kinds[int(rng.integers(len(self.kinds)))]
        drawn = {"kind": kind, "snr_db": uniform(rng, self.snr_db), "seed": draw_seed(rng)}
        match kind:
            case "hiss":
                low, high = log_uniform(rng, (20.0, 500.0)), log_uniform(rng, (3000.0, 16_000.0))
                return drawn | {"color": uniform(rng, (0.0, 2.0)), "low_hz": low, "high_hz": high}
            case "hum":
                return drawn | {"mains_hz": float(rng.choice([50.0, 60.0])) * uniform(rng, (0.998, 1.002))}
            case "crackle":
                return drawn | {"clicks_per_second": log_uniform(rng, (0.5, 40.0))}

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return add_noise(samples, sample_rate, **parameters)


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
