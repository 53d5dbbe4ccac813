"""Time stretch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.config import FORBID
from organology.mixing.effects.base import Effect, Samples, apply_frozen
from organology.mixing.effects.stretcher import METHOD
from organology.mixing.ranges import Range, check_range, uniform
from organology.mixing.registry import Parameters


@dataclass(frozen=True)
class TimeStretch(Effect):
    """Faster (`rate` above 1) or slower; only in non-musical mixtures.

    Below a rate of 0.5 the stretcher draws phases from a random device of its own, so that a seed would no longer give
    the same mixture; such rates are refused.
    """

    __pydantic_config__ = FORBID
    name = "time_stretch"
    changes_pitch_or_time = True
    probability: float = 0.3
    rate: Range = (0.8, 1.25)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("time_stretch.rate", self.rate, 0.5, 10)

    def draw(self, rng: np.random.Generator) -> Parameters:
        """The rate."""
        return {"rate": uniform(rng, self.rate)}

    @classmethod
    def apply(cls, samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Effect.apply`; near n / rate frames come out."""
        import audiomentations

        transform = audiomentations.TimeStretch(leave_length_unchanged=False, method=METHOD, p=1.0)
        return apply_frozen(transform, samples, sample_rate, parameters)

    @classmethod
    def input_frames(cls, frames: int, **parameters: Any) -> int:
        """So many frames have to go in for `frames` to come out."""
        return math.ceil(frames * float(parameters["rate"])) + 1
