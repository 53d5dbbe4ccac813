"""Gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.config import FORBID
from organology.mixing.effects.base import Effect, Samples, apply_frozen
from organology.mixing.ranges import Range, check_range, uniform
from organology.mixing.registry import Parameters


@dataclass(frozen=True)
class Gain(Effect):
    """Louder or softer by `gain_db`."""

    __pydantic_config__ = FORBID
    name = "gain"
    probability: float = 0.5
    gain_db: Range = (-12.0, 12.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("gain.gain_db", self.gain_db, -120, 120)

    def draw(self, rng: np.random.Generator) -> Parameters:
        """The gain as a factor."""
        return {"amplitude_ratio": 10 ** (uniform(rng, self.gain_db) / 20)}

    @classmethod
    def apply(cls, samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Effect.apply`."""
        import audiomentations

        return apply_frozen(audiomentations.Gain(p=1.0), samples, sample_rate, parameters)
