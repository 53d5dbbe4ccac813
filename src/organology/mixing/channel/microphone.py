"""The frequency response of a microphone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.config import FORBID
from organology.mixing.channel.base import MixtureTransform, Samples, draw_peaks
from organology.mixing.channel.filters import run, section
from organology.mixing.ranges import Range, check_amount, check_range, log_uniform
from organology.mixing.registry import Parameters


@dataclass(frozen=True)
class Microphone(MixtureTransform):
    """The frequency response of a microphone: high pass, low pass, three resonances.

    Attributes
    ----------
    probability : float
    low_hz, high_hz : (float, float)
        Ranges of the edges; 12 dB an octave.
    ripple_db : float
        Three resonances between the edges, each of at most so much.
    """

    __pydantic_config__ = FORBID
    name = "microphone"
    low_hz: Range = (30.0, 250.0)
    high_hz: Range = (4000.0, 14_000.0)
    ripple_db: float = 6.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("microphone.low_hz", self.low_hz, 5, 2000)
        check_range("microphone.high_hz", self.high_hz, 2000, 15_500)
        check_amount("microphone.ripple_db", self.ripple_db, 0, 40)

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """Edges in Hz, and resonances."""
        low, high = log_uniform(rng, self.low_hz), log_uniform(rng, self.high_hz)
        return {"low_hz": low, "high_hz": high, "peaks": draw_peaks(rng, 3, (2 * low, high), self.ripple_db)}

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return respond(samples, sample_rate, **parameters)


def respond(
    samples: Samples, rate: int, *, low_hz: float, high_hz: float, peaks: Sequence[tuple[float, float, float]]
) -> Samples:
    """High pass, low pass, and peaks of (Hz, dB, quality factor)."""
    ripple = [section("peak", hz, rate, gain_db, q) for hz, gain_db, q in peaks]
    edges = [section("high_pass", low_hz, rate), section("low_pass", high_hz, rate)]
    return run(samples, [*edges, *ripple])
