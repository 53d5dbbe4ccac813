"""Narrow channels: low sample rates, the telephone, AM radio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import soxr
from scipy import signal  # type: ignore[import-untyped]

from organology.config import FORBID
from organology.mixing.channel.base import MixtureTransform, Samples
from organology.mixing.channel.filters import run, section
from organology.mixing.ranges import check
from organology.mixing.registry import Parameters

BandKind = Literal["resample", "telephone", "am"]
MU = 255.0


@dataclass(frozen=True)
class Band(MixtureTransform):
    """A narrow channel: to a low sample rate and back, telephone with mu-law, AM radio.

    Attributes
    ----------
    probability : float
    kinds : tuple of {"resample", "telephone", "am"}
        To one of `rates` and back; 300 to 3400 Hz with the 8-bit mu-law of ITU-T G.711; 50 to 5000 Hz.
    rates : tuple of int
        In Hz; those not below the mixture's do nothing.
    """

    __pydantic_config__ = FORBID
    name = "band"
    kinds: tuple[BandKind, ...] = get_args(BandKind)
    rates: tuple[int, ...] = (8000, 11_025, 16_000, 22_050)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(bool(self.kinds), "band.kinds must name at least one kind, got none")
        check(
            bool(self.rates) and min(self.rates) >= 2000,
            f"band.rates must name at least one rate, none below 2000, got {list(self.rates)}",
        )

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """The kind, and the rate of `resample`."""
        kind = self.kinds[int(rng.integers(len(self.kinds)))]
        hz = self.rates[int(rng.integers(len(self.rates)))]
        return {"kind": kind, "hz": hz} if kind == "resample" else {"kind": kind}

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return narrow(samples, sample_rate, **parameters)


def through_rate(samples: Samples, rate: int, *, hz: int) -> Samples:
    """Resampled to `hz` and back, to the same length."""
    if hz >= rate:
        return samples
    there: Any = soxr.resample(samples, rate, hz)
    back = np.asarray(soxr.resample(there, hz, rate), dtype=np.float32)[: len(samples)]
    return np.pad(back, (0, len(samples) - len(back)))


def telephone(samples: Samples, rate: int) -> Samples:
    """300 to 3400 Hz through 8 bits of mu-law (the continuous curve of ITU-T G.711), at the level that came in."""
    sections = signal.butter(2, (300, min(3400, 0.45 * rate)), "bandpass", fs=rate, output="sos")
    narrow = run(samples, [sections])
    peak = float(np.abs(narrow).max(initial=0))
    if peak <= 0:
        return narrow
    unit = narrow / np.float32(peak)
    coded = np.rint(np.sign(unit) * np.log1p(MU * np.abs(unit)) / np.log1p(MU) * 127) / 127
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    return np.asarray(decoded * peak, dtype=np.float32)


def am_radio(samples: Samples, rate: int) -> Samples:
    """50 to 5000 Hz, the upper edge steep."""
    low = signal.butter(5, min(5000, 0.45 * rate), "lowpass", fs=rate, output="sos")
    return run(samples, [low, section("high_pass", 50, rate)])


def narrow(samples: Samples, rate: int, *, kind: str, hz: int = 0) -> Samples:
    """A narrow channel: `resample` to `hz` and back, `telephone` or `am`."""
    if kind == "resample":
        return through_rate(samples, rate, hz=hz)
    return telephone(samples, rate) if kind == "telephone" else am_radio(samples, rate)
