"""Saturation: soft and hard clipping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.config import FORBID
from organology.mixing.channel.base import MixtureTransform, Samples
from organology.mixing.ranges import Range, check_range, uniform
from organology.mixing.registry import Parameters


@dataclass(frozen=True)
class Saturation(MixtureTransform):
    """Soft or hard clipping, `drive_db` below the peak."""

    __pydantic_config__ = FORBID
    name = "saturation"
    drive_db: Range = (0.0, 12.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("saturation.drive_db", self.drive_db, -20, 60)

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """Drive in dB, and hardness from 0 (soft) to 1."""
        return {"drive_db": uniform(rng, self.drive_db), "hardness": float(rng.random())}

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return saturate(samples, **parameters)


def saturate(samples: Samples, *, drive_db: float, hardness: float) -> Samples:
    """Clip what lies above `drive_db` below the peak; the RMS stays.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    drive_db : float
    hardness : float
        0: tanh; 1: everything above the level is cut off; between, a mixture of both.
    """
    peak = float(np.abs(samples).max(initial=0))
    if peak <= 0:
        return samples
    driven = samples * np.float32(10 ** (drive_db / 20) / peak)
    clipped = np.float32(hardness) * np.clip(driven, -1, 1)
    clipped += np.float32(1 - hardness) * np.tanh(driven)
    ratio = float(np.mean(np.square(samples)) / np.mean(np.square(clipped)))
    return np.asarray(clipped * np.float32(math.sqrt(ratio)), dtype=np.float32)
