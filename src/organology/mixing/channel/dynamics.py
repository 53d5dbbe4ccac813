"""Dynamics of a mixture: compressor, saturation, loudness with a limiter. Nothing here delays the sound."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal  # type: ignore[import-untyped]

from organology.mixing.audibility import frame_powers

Samples = NDArray[np.float32]

CONTROL_SECONDS = 0.001
KNEE_DB = 6.0
CEILING = 0.99
LOOKAHEAD_SECONDS, RELEASE_SECONDS = 0.002, 0.03
MAX_LOUDNESS_GAIN_DB = 30.0


def _steps(controls: NDArray[np.float64], frame: int, frames: int) -> Samples:
    """Values at the middles of frames as one value a sample, linear between them; shape (frames,)."""
    ramp = np.linspace(0, 1, frame, endpoint=False, dtype=np.float32)
    c = np.concatenate([controls[:1], controls, controls[-1:]]).astype(np.float32)
    lines = c[:-1, None] + np.diff(c)[:, None] * ramp
    return np.ascontiguousarray(lines.reshape(-1)[frame // 2 : frame // 2 + frames])


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
    pressed = samples * _steps(factors, frame, len(samples))
    after = math.sqrt(float(np.mean(np.square(pressed))))
    return pressed * np.float32(rms / after) if after > 0 else pressed


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
    limited = samples * _steps(gain, frame, len(samples))
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
