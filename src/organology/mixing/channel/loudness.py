"""Loudness of the mixture, with a limiter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal  # type: ignore[import-untyped]

from organology.config import FORBID
from organology.mixing.channel.base import MixtureTransform, Samples
from organology.mixing.channel.dynamics import CONTROL_SECONDS, per_sample
from organology.mixing.ranges import Range, check_range, uniform
from organology.mixing.registry import Parameters

CEILING = 0.99
LOOKAHEAD_SECONDS, RELEASE_SECONDS = 0.002, 0.03
MAX_LOUDNESS_GAIN_DB = 30.0


@dataclass(frozen=True)
class Loudness(MixtureTransform):
    """Brings the mixture to a loudness (ITU-R BS.1770-4), with a limiter that looks ahead."""

    __pydantic_config__ = FORBID
    name = "loudness"
    lufs: Range = (-30.0, -8.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("loudness.lufs", self.lufs, -70, 0)

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """The loudness in LUFS."""
        return {"lufs": uniform(rng, self.lufs)}

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return to_loudness(samples, sample_rate, **parameters)


def limit(samples: Samples, rate: int, ceiling: float = CEILING) -> Samples:
    """Limiter that looks ahead: no sample above `ceiling`, those far from a peak as they were.

    The least gain that is needed in a neighborhood, smoothed over less than it, is never more than any sample needs.
    """
    peak = float(np.abs(samples).max(initial=0))
    if peak <= ceiling:
        return samples
    frame = max(1, round(CONTROL_SECONDS / 2 * rate))
    padded = np.pad(np.abs(samples), (0, -len(samples) % frame))
    peaks = padded.reshape(-1, frame).max(axis=1).astype(np.float64)
    wanted = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    ahead = max(1, round(LOOKAHEAD_SECONDS / CONTROL_SECONDS * 2))
    release = max(1, round(RELEASE_SECONDS / CONTROL_SECONDS * 2))
    size = ahead + release + 1
    # held from `ahead` frames before a peak to `release` after it, and one frame more on each side for the smoothing
    held = ndimage.minimum_filter1d(wanted, size + 2, mode="nearest")
    gain = ndimage.uniform_filter1d(held, size, mode="nearest")
    limited = samples * per_sample(gain, frame, len(samples))
    return np.clip(limited, -ceiling, ceiling, out=limited)


def loudness(samples: Samples, rate: int) -> float:
    """Integrated loudness of a mono signal in LUFS, after ITU-R BS.1770-4; -inf for silence.

    K weighting with the recommendation's filters redesigned for the sample rate, blocks of 400 ms every 100 ms, gates
    at -70 LUFS and 10 LU below the mean of what is left. Less than one block counts as one.
    """
    weighted = np.square(signal.sosfilt(_k_weighting(rate), samples))
    hop = round(0.1 * rate)
    steps = weighted[: len(weighted) // hop * hop].reshape(-1, hop).mean(axis=1)
    blocks = np.convolve(steps, np.full(4, 0.25), "valid") if len(steps) >= 4 else np.array([weighted.mean()])
    blocks = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    if not len(blocks):
        return -math.inf
    loud = blocks[blocks > blocks.mean() / 10]
    return float(-0.691 + 10 * np.log10(loud.mean()))


def _k_weighting(rate: int) -> NDArray[np.float64]:
    """The two sections of BS.1770 from their analog prototypes, shape (2, 6)."""
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    mid = high**0.4996667741545416
    norm = 1 + k / q + k * k
    shelf = [high + mid * k / q + k * k, 2 * (k * k - high), high - mid * k / q + k * k]
    poles = [norm, 2 * (k * k - 1), 1 - k / q + k * k]
    k = math.tan(math.pi * 38.13547087602444 / rate)
    q = 0.5003270373238773
    bass = 1 + k / q + k * k
    return np.array(
        [
            [*(b / norm for b in shelf), *(a / norm for a in poles)],
            [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / bass, (1 - k / q + k * k) / bass],
        ]
    )


def to_loudness(samples: Samples, rate: int, *, lufs: float) -> Samples:
    """Gain to `lufs`, then the limiter; so a mixture with high peaks ends somewhat below. Silence stays."""
    now = loudness(samples, rate)
    if now == -math.inf:
        return samples
    gain_db = min(lufs - now, MAX_LOUDNESS_GAIN_DB)
    return limit(samples * np.float32(10 ** (gain_db / 20)), rate)
