"""Filters, narrow channels and a microphone's frequency response: sections of second order, without added delay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import signal  # type: ignore[import-untyped]

Samples = NDArray[np.float32]
Sections = NDArray[np.float64]
SectionKind = Literal["low_shelf", "high_shelf", "peak", "low_pass", "high_pass"]

MU = 255.0


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


def equalize(samples: Samples, rate: int, *, low_hz: float, low_db: float, high_hz: float, high_db: float) -> Samples:
    """A low and a high shelf."""
    return run(samples, [section("low_shelf", low_hz, rate, low_db), section("high_shelf", high_hz, rate, high_db)])


def microphone(
    samples: Samples, rate: int, *, low_hz: float, high_hz: float, peaks: Sequence[tuple[float, float, float]]
) -> Samples:
    """High pass, low pass, and peaks of (Hz, dB, quality factor)."""
    ripple = [section("peak", hz, rate, gain_db, q) for hz, gain_db, q in peaks]
    edges = [section("high_pass", low_hz, rate), section("low_pass", high_hz, rate)]
    return run(samples, [*edges, *ripple])


def through_rate(samples: Samples, rate: int, *, hz: int) -> Samples:
    """Resampled to `hz` and back, to the same length."""
    if hz >= rate:
        return samples
    there: Any = soxr.resample(samples, rate, hz)
    back = np.asarray(soxr.resample(there, hz, rate), dtype=np.float32)[: len(samples)]
    return np.pad(back, (0, len(samples) - len(back)))


def telephone(samples: Samples, rate: int) -> Samples:
    """300 to 3400 Hz through 8 bits of mu-law (the continuous curve of ITU-T G.711), at the level that came in."""
    sections = signal.butter(2, (300, min(3400, 0.45 * rate)), "bandpass", fs=rate, output="sos")
    narrow = run(samples, [sections])
    peak = float(np.abs(narrow).max(initial=0))
    if peak <= 0:
        return narrow
    unit = narrow / np.float32(peak)
    coded = np.rint(np.sign(unit) * np.log1p(MU * np.abs(unit)) / np.log1p(MU) * 127) / 127
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    return np.asarray(decoded * peak, dtype=np.float32)


def am_radio(samples: Samples, rate: int) -> Samples:
    """50 to 5000 Hz, the upper edge steep."""
    low = signal.butter(5, min(5000, 0.45 * rate), "lowpass", fs=rate, output="sos")
    return run(samples, [low, section("high_pass", 50, rate)])


def narrow(samples: Samples, rate: int, *, kind: str, hz: int = 0) -> Samples:
    """A narrow channel: `resample` to `hz` and back, `telephone` or `am`."""
    if kind == "resample":
        return through_rate(samples, rate, hz=hz)
    return telephone(samples, rate) if kind == "telephone" else am_radio(samples, rate)
