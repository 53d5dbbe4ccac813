"""What the three filters have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from organology.config import FORBID
from organology.mixing.effects.base import Effect, Samples, apply_frozen
from organology.mixing.ranges import Range, check_range, uniform
from organology.mixing.registry import Parameters


@dataclass(frozen=True)
class Filter(Effect):
    """A filter of second order; the ranges are audiomentations' own.

    Attributes
    ----------
    probability : float
    center_hz : (float, float)
        Range of the center frequency, drawn evenly on the mel scale as audiomentations does.
    gain_db : (float, float)
    q : (float, float)
        Range of the quality factor.
    """

    __pydantic_config__ = FORBID
    transform: ClassVar[str]
    """Of audiomentations."""
    highest_q: ClassVar[float] = 1.0
    """A shelf of more overshoots, and audiomentations refuses it."""

    probability: float = 0.3
    center_hz: Range = (50.0, 4000.0)
    gain_db: Range = (-18.0, 18.0)
    q: Range = (0.1, 0.999)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(f"{self.name}.center_hz", self.center_hz, 1)
        check_range(f"{self.name}.gain_db", self.gain_db, -120, 120)
        check_range(f"{self.name}.q", self.q, 1e-3, self.highest_q)

    def check_sample_rate(self, sample_rate: int) -> None:
        """Raise ValueError if a center frequency lies above half the sample rate."""
        check_range(f"{self.name}.center_hz", self.center_hz, 1, sample_rate / 2)

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Center frequency in Hz, gain in dB, quality factor."""
        low, high = (2595 * math.log10(1 + hz / 700) for hz in self.center_hz)
        return {
            "center_freq": float(700 * (10 ** (rng.uniform(low, high) / 2595) - 1)),
            "gain_db": uniform(rng, self.gain_db),
            "q_factor": uniform(rng, self.q),
        }

    @classmethod
    def apply(cls, samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Effect.apply`."""
        import audiomentations

        return apply_frozen(getattr(audiomentations, cls.transform)(p=1.0), samples, sample_rate, parameters)
