"""Speed of `organology prepare` beside plain ffmpeg doing the same conversion (mono, 32 kHz, FLAC).

    python benchmarks/prepare.py [--songs 6] [--seconds 120] [--jobs 1]

Makes stereo stems of 44.1 kHz in a temporary folder; both read each file once. `prepare` also measures where each stem
sounds, and writes the table. Prints a table in Markdown. Needs the program ffmpeg.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

RATE, STEMS = 44_100, ("drums", "piano", "violin", "singer")


def write_songs(folder: Path, songs: int, seconds: float) -> float:
    """Write the stems; returns their minutes."""
    rng = np.random.default_rng(0)
    for song in range(songs):
        for stem in STEMS:
            path = folder / f"song {song}" / f"{stem}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            t = np.arange(round(seconds * RATE)) / RATE
            tone = np.sin(2 * np.pi * rng.uniform(80, 800) * t) * (np.sin(2 * np.pi * t / 8) > 0)
            noise = rng.normal(0, 0.01, (len(t), 2))
            with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
                for block in np.array_split(0.3 * tone[:, None] + noise, 50):
                    file.write(block)
    return songs * len(STEMS) * seconds / 60


def timed(call: object) -> tuple[float, float]:
    """Wall and CPU seconds of a callable that runs other processes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    call()  # type: ignore[operator]
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--jobs", type=int, default=1)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root, out = Path(name, "songs"), Path(name, "ffmpeg")
        minutes = write_songs(root, settings.songs, settings.seconds)
        out.mkdir()

        def ffmpeg() -> None:
            for i, path in enumerate(sorted(root.rglob("*.wav"))):
                options = ["-ac", "1", "-ar", "32000", "-sample_fmt", "s16", str(out / f"{i}.flac")]
                subprocess.run(["ffmpeg", "-v", "error", "-threads", "1", "-i", str(path), *options], check=True)

        def prepare() -> None:
            command = [sys.executable, "-m", "organology.cli", "prepare", "stems", str(root)]
            options = ["--out", str(Path(name, "prepared")), "--jobs", str(settings.jobs)]
            subprocess.run([*command, *options], check=True, capture_output=True)

        rows = {
            "ffmpeg, one file after the other": timed(ffmpeg),
            f"organology prepare --jobs {settings.jobs}": timed(prepare),
        }
    first = next(iter(rows.values()))
    print("| | wall seconds | CPU seconds | CPU, ffmpeg = 1 | minutes of audio a CPU second |\n|---|---|---|---|---|")
    for label, (wall, cpu) in rows.items():
        print(f"| {label} | {wall:.1f} | {cpu:.1f} | {cpu / first[1]:.2f} | {minutes / cpu:.1f} |")


if __name__ == "__main__":
    main()
