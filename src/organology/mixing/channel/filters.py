"""Filters: sections of second order, without added delay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import signal  # type: ignore[import-untyped]

Samples = NDArray[np.float32]
Sections = NDArray[np.float64]
SectionKind = Literal["low_shelf", "high_shelf", "peak", "low_pass", "high_pass"]


def section(kind: SectionKind, hz: float, rate: int, gain_db: float = 0.0, q: float = 0.7071) -> Sections:
    """One filter of second order, shape (1, 6), as `scipy.signal.sosfilt` takes it.

    After R. Bristow-Johnson, *Cookbook formulae for audio equalizer biquad filter coefficients*. A frequency above
    0.45 of the sample rate counts as that.
    """
    a = 10 ** (gain_db / 40)
    w = 2 * math.pi * min(hz, 0.45 * rate) / rate
    cos, alpha = math.cos(w), math.sin(w) / (2 * q)
    root = 2 * math.sqrt(a) * alpha
    match kind:
        case "peak":
            b0, b1, b2 = 1 + alpha * a, -2 * cos, 1 - alpha * a
            a0, a1, a2 = 1 + alpha / a, -2 * cos, 1 - alpha / a
        case "low_pass" | "high_pass":
            sign = 1 if kind == "low_pass" else -1
            b1 = sign * (1 - sign * cos)
            b0 = b2 = sign * b1 / 2
            a0, a1, a2 = 1 + alpha, -2 * cos, 1 - alpha
        case _:
            c = cos if kind == "low_shelf" else -cos
            sign = 1 if kind == "low_shelf" else -1
            b0, b1, b2 = (
                a * (a + 1 - (a - 1) * c + root),
                sign * 2 * a * (a - 1 - (a + 1) * c),
                a * (a + 1 - (a - 1) * c - root),
            )
            a0, a1, a2 = a + 1 + (a - 1) * c + root, -sign * 2 * (a - 1 + (a + 1) * c), a + 1 + (a - 1) * c - root
    return np.array([[b0 / a0, b1 / a0, b2 / a0, 1.0, a1 / a0, a2 / a0]])


def run(samples: Samples, sections: Sequence[Sections]) -> Samples:
    """Filter float32 samples, shape (n,), with sections one after the other."""
    return np.asarray(signal.sosfilt(np.concatenate(list(sections)), samples), dtype=np.float32)
