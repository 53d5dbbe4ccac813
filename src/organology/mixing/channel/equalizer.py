"""Equalizer: two shelves on the mixture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.config import FORBID
from organology.mixing.channel.base import MixtureTransform, Samples
from organology.mixing.channel.filters import run, section
from organology.mixing.ranges import Range, check_range, log_uniform, uniform
from organology.mixing.registry import Parameters


@dataclass(frozen=True)
class Equalizer(MixtureTransform):
    """A low and a high shelf (a tilt where they differ in sign)."""

    __pydantic_config__ = FORBID
    name = "equalizer"
    gain_db: Range = (-6.0, 6.0)
    low_hz: Range = (80.0, 400.0)
    high_hz: Range = (2000.0, 8000.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("equalizer.gain_db", self.gain_db, -40, 40)
        check_range("equalizer.low_hz", self.low_hz, 10, 4000)
        check_range("equalizer.high_hz", self.high_hz, 500, 15_000)

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """Corners in Hz and gains in dB of the two shelves."""
        return {
            "low_hz": log_uniform(rng, self.low_hz),
            "low_db": uniform(rng, self.gain_db),
            "high_hz": log_uniform(rng, self.high_hz),
            "high_db": uniform(rng, self.gain_db),
        }

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return equalize(samples, sample_rate, **parameters)


def equalize(samples: Samples, rate: int, *, low_hz: float, low_db: float, high_hz: float, high_db: float) -> Samples:
    """A low and a high shelf."""
    return run(samples, [section("low_shelf", low_hz, rate, low_db), section("high_shelf", high_hz, rate, high_db)])
