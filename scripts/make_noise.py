#!/usr/bin/env python3
"""Make stems of noise that is no instrument: hiss, wind, hum, a record's crackle, clicks, applause, static.

    python scripts/make_noise.py --out noise --files 140

Output is a folder for `organology prepare stems`; its `stems.csv` says of each that it holds nothing (`families` is
`none`). The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from organology.audio import SAMPLE_RATE
from organology.mixing.channel.noise import crackle, hiss, hum

Samples = NDArray[np.float32]

LICENCE = "CC0 1.0 (synthesized)"
PEAK = 10 ** (-3 / 20)
WHOLE_BAND = 0.5


def colored(rng: np.random.Generator, frames: int) -> Samples:
    """Hiss of a drawn color, in all of the spectrum or in a drawn band."""
    if rng.random() < WHOLE_BAND:
        return hiss(rng, frames, SAMPLE_RATE, color=float(rng.uniform(-0.3, 2.2)), low_hz=1, high_hz=SAMPLE_RATE / 2)
    low, high = np.exp(rng.uniform(np.log((20, 2500)), np.log((800, 16_000))))
    return hiss(rng, frames, SAMPLE_RATE, color=float(rng.uniform(-0.5, 2.2)), low_hz=float(low), high_hz=float(high))


def tape(rng: np.random.Generator, frames: int) -> Samples:
    """Hiss in all of the spectrum, white or nearly, that some of the treble is missing from."""
    samples = hiss(rng, frames, SAMPLE_RATE, color=float(rng.uniform(-0.2, 0.6)), low_hz=1, high_hz=SAMPLE_RATE / 2)
    treble = signal.butter(1, float(rng.uniform(3000, 15_500)), fs=SAMPLE_RATE, output="sos")
    return signal.sosfilt(treble, samples).astype(np.float32)


def swell(rng: np.random.Generator, frames: int, seconds: float, depth_db: float) -> Samples:
    """A level that wanders, as a factor: shape (frames,)."""
    knots = rng.uniform(-depth_db, 0, max(int(frames / SAMPLE_RATE / seconds), 1) + 2)
    return (10 ** (np.interp(np.linspace(0, len(knots) - 1, frames), np.arange(len(knots)), knots) / 20)).astype("f4")


def wind(rng: np.random.Generator, frames: int) -> Samples:
    """Gusts: two bands of hiss that swell apart from each other."""
    gusts = [colored(rng, frames) * swell(rng, frames, float(rng.uniform(0.3, 3)), 30) for _ in range(2)]
    return gusts[0] + gusts[1]


def mains(rng: np.random.Generator, frames: int) -> Samples:
    """Hum over hiss."""
    tone = hum(rng, frames, SAMPLE_RATE, mains_hz=float(rng.choice([50.0, 60.0])))
    return tone + colored(rng, frames) * np.float32(10 ** (rng.uniform(-40, 0) / 20))


def record(rng: np.random.Generator, frames: int) -> Samples:
    """A record's lead-in groove."""
    return crackle(rng, frames, SAMPLE_RATE, clicks_per_second=float(np.exp(rng.uniform(np.log(0.5), np.log(60)))))


def bursts(rng: np.random.Generator, frames: int, per_second: float, seconds: tuple[float, float]) -> Samples:
    """Short bursts of hiss that fade, each with a band and a strength of its own."""
    total = np.zeros(frames, dtype=np.float32)
    for start in rng.integers(0, frames, 1 + rng.poisson(per_second * frames / SAMPLE_RATE)):
        length = min(round(float(rng.uniform(*seconds)) * SAMPLE_RATE), frames - int(start))
        if length >= 64:
            fade = np.exp(-np.linspace(0, 6, length)).astype(np.float32)
            total[start : start + length] += colored(rng, length) * fade * np.float32(rng.lognormal(0, 0.6))
    return total


def clicks(rng: np.random.Generator, frames: int) -> Samples:
    """Keys, latches, steps: bursts far apart."""
    return bursts(rng, frames, float(rng.uniform(1, 12)), (0.004, 0.12))


def applause(rng: np.random.Generator, frames: int) -> Samples:
    """Claps of many hands, by bursts of some milliseconds around 1 to 2 kHz, in a room."""
    people = rng.uniform(8, 60)
    dry = bursts(rng, frames, float(people * rng.uniform(3, 5)), (0.004, 0.02))
    palms = signal.butter(2, sorted(rng.uniform((500, 2200), (1200, 6000))), "bandpass", fs=SAMPLE_RATE, output="sos")
    room = hiss(rng, SAMPLE_RATE // 2, SAMPLE_RATE, color=0.5, low_hz=100, high_hz=9000)
    room *= np.exp(-np.linspace(0, float(rng.uniform(5, 12)), len(room))).astype(np.float32)
    heard = signal.sosfilt(palms, dry).astype(np.float32)
    return heard + signal.oaconvolve(heard, room)[:frames].astype(np.float32) * np.float32(0.03)


def static(rng: np.random.Generator, frames: int) -> Samples:
    """A radio between stations: hiss that comes and goes, and crackle."""
    return colored(rng, frames) * swell(rng, frames, float(rng.uniform(0.05, 0.5)), 40) + record(rng, frames)


KINDS: dict[str, Callable[[np.random.Generator, int], Samples]] = {
    "hiss": colored, "tape": tape, "wind": wind, "hum": mains, "record": record, "clicks": clicks, "applause": applause,
    "static": static,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--files", type=int, default=140)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    frames, rows = round(given.seconds * SAMPLE_RATE), []
    for number in range(given.files):
        kind = list(KINDS)[number % len(KINDS)]
        samples = KINDS[kind](rng, frames)
        path = given.out / f"{kind}_{number:03d}" / f"{kind}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, samples * (PEAK / np.abs(samples).max()), SAMPLE_RATE, "PCM_16")
        rows.append((path.relative_to(given.out).as_posix(), "none", "loop", LICENCE))
    with (given.out / "stems.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "families", "kind", "licence"), *rows])
    print(f"{len(rows)} stems of noise in {given.out}")


if __name__ == "__main__":
    main()
