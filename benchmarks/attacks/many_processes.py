"""Several processes on one store: no healthy file is said to be broken, and every output is complete.

    python benchmarks/attacks/many_processes.py                    # 8 processes, 3 rounds

Files are short noises. Ends with exit status 1, and says what was wrong, if anything was.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def make(folder: Path, n_files: int) -> list[Path]:
    """Short recordings, every other one FLAC, and one of them under eight names."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    paths = []
    for number in range(n_files):
        path = folder / f"{number:03}.{'flac' if number % 2 else 'wav'}"
        soundfile.write(path, 0.1 * rng.standard_normal(RATE * int(rng.integers(1, 6))), RATE)
        paths.append(path)
    for number in range(8):
        paths.append(folder / f"same {number}.wav")
        paths[-1].symlink_to(paths[0].name)
    return paths


def command(folder: Path, *options: str, model: Path | None) -> list[str]:
    """The command that is tried."""
    chosen = [] if model is None else ["--model", str(model)]
    return [sys.executable, "-m", "organology", "recognize", str(folder), "--format", "csv", *options, *chosen]


def names_in(output: Path) -> list[str]:
    """Recordings in a table."""
    with output.open(newline="", encoding="utf-8") as file:
        return sorted(row["file"] for row in csv.DictReader(file))


def together(work: Path, n_files: int, n_processes: int, n_rounds: int, model: Path | None) -> list[str]:
    """Processes begun at once on a new store, again and again; what was wrong."""
    problems: list[str] = []
    paths = sorted(map(str, make(work / "music", n_files)))
    for round_number in range(n_rounds):
        store = work / f"{round_number}.db"
        outputs = [work / f"{round_number}-{number}.csv" for number in range(n_processes)]
        processes = [
            subprocess.Popen(
                command(work / "music", "--store", str(store), "-o", str(output), "-j", "2", "-q", model=model),
                stderr=subprocess.PIPE,
                text=True,
            )
            for output in outputs
        ]
        for output, process in zip(outputs, processes, strict=True):
            _, errors = process.communicate(timeout=1800)
            if process.returncode or errors:
                problems.append(f"round {round_number}: status {process.returncode}: {errors.strip()}")
            elif names_in(output) != paths:
                problems.append(f"round {round_number}: {output.name}: {len(names_in(output))} of {len(paths)} files")
    return problems


def main() -> int:
    """Try it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=32)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        began = time.monotonic()
        problems += together(work / "together", given.files, given.processes, given.rounds, given.model)
        print(f"{given.processes} processes, {given.rounds} rounds: {time.monotonic() - began:.0f} s")
    print("\n".join(problems) or f"nothing was wrong ({os.cpu_count()} processors)")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
