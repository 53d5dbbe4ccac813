"""Pitch shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.config import FORBID
from organology.mixing.effects.base import Effect, Samples, apply_frozen
from organology.mixing.effects.stretcher import METHOD
from organology.mixing.ranges import Range, check_range, uniform
from organology.mixing.registry import Parameters


@dataclass(frozen=True)
class PitchShift(Effect):
    """Higher or lower by `semitones`; only in non-musical mixtures."""

    __pydantic_config__ = FORBID
    name = "pitch_shift"
    changes_pitch_or_time = True
    probability: float = 0.3
    semitones: Range = (-4.0, 4.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("pitch_shift.semitones", self.semitones, -24, 24)

    def draw(self, rng: np.random.Generator) -> Parameters:
        """The shift in semitones."""
        return {"num_semitones": uniform(rng, self.semitones)}

    @classmethod
    def apply(cls, samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Effect.apply`."""
        import audiomentations

        return apply_frozen(audiomentations.PitchShift(method=METHOD, p=1.0), samples, sample_rate, parameters)
