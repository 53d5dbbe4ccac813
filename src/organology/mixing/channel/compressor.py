"""Compressor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from organology.config import FORBID
from organology.mixing.audibility import frame_powers
from organology.mixing.channel.base import MixtureTransform, Samples
from organology.mixing.channel.dynamics import CONTROL_SECONDS, per_sample
from organology.mixing.ranges import Range, check_range, log_uniform, uniform
from organology.mixing.registry import Parameters

KNEE_DB = 6.0


@dataclass(frozen=True)
class Compressor(MixtureTransform):
    """Compression with a soft knee; the RMS of the mixture stays.

    Attributes
    ----------
    probability : float
    threshold_db : (float, float)
        Relative to the RMS of the mixture.
    ratio : (float, float)
        So many dB of input above the threshold give one of output.
    attack_ms, release_ms : (float, float)
        Time constants.
    """

    __pydantic_config__ = FORBID
    name = "compressor"
    threshold_db: Range = (-12.0, 3.0)
    ratio: Range = (1.5, 10.0)
    attack_ms: Range = (1.0, 40.0)
    release_ms: Range = (40.0, 500.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("compressor.threshold_db", self.threshold_db, -60, 40)
        check_range("compressor.ratio", self.ratio, 1, 1000)
        check_range("compressor.attack_ms", self.attack_ms, 0.1, 1000)
        check_range("compressor.release_ms", self.release_ms, 1, 10_000)

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """Threshold, ratio and time constants."""
        return {
            "threshold_db": uniform(rng, self.threshold_db),
            "ratio": log_uniform(rng, self.ratio),
            "attack_ms": log_uniform(rng, self.attack_ms),
            "release_ms": log_uniform(rng, self.release_ms),
        }

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return compress(samples, sample_rate, **parameters)


def compress(
    samples: Samples, rate: int, *, threshold_db: float, ratio: float, attack_ms: float, release_ms: float
) -> Samples:
    """Feed-forward compressor with a soft knee; the RMS of the whole stays as it was.

    The gain is computed once a millisecond and smoothed in dB, faster where it falls (attack) than where it rises
    (release); after Giannoulis, Massberg and Reiss, "Digital dynamic range compressor design", J. Audio Eng. Soc.
    60(6), 2012, sections 2 and 3 (smooth branching).

    Parameters
    ----------
    samples : float32 array, shape (n,)
    rate : int
        In Hz.
    threshold_db : float
        Relative to the RMS of `samples`.
    ratio : float
    attack_ms, release_ms : float
        Time constants.

    Returns
    -------
    float32 array, shape (n,)
    """
    rms = math.sqrt(float(np.mean(np.square(samples))))
    if rms <= 0:
        return samples
    frame = max(1, round(CONTROL_SECONDS * rate))
    level = 10 * np.log10(frame_powers(samples, frame) / rms**2 + 1e-10)
    over = level - threshold_db
    slope = 1 - 1 / ratio
    knee = slope * np.square(np.clip(over + KNEE_DB / 2, 0, KNEE_DB)) / (2 * KNEE_DB)
    wanted = -np.where(over > KNEE_DB / 2, slope * over, knee)
    keep = [math.exp(-1000 * CONTROL_SECONDS / ms) for ms in (attack_ms, release_ms)]
    gain, smooth = 0.0, []
    for value in wanted.tolist():
        factor = keep[0] if value < gain else keep[1]
        gain = factor * gain + (1 - factor) * value
        smooth.append(gain)
    factors = 10 ** (np.array(smooth) / 20)
    pressed = samples * per_sample(factors, frame, len(samples))
    after = math.sqrt(float(np.mean(np.square(pressed))))
    return pressed * np.float32(rms / after) if after > 0 else pressed
