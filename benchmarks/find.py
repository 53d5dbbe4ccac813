"""How long `organology find` takes on a large store.

    python benchmarks/find.py [--recordings 50000] [--minutes 4]

Makes a store of made-up recordings in a temporary folder and asks it; prints the processor seconds of whole commands.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from organology.labels import default_set
from organology.labels.bradl15 import BRADL15
from organology.library.rows import FileState
from organology.library.store import Store
from organology.model_metadata import ModelMetadata
from organology.recognition import Recognition

QUERIES = (
    ["violin and not drums", "--format", "paths"],
    ["singer.seconds >= 30 and violin > 0.3", "--format", "json"],
    ["violin and not drums", "--min-seconds", "10", "--sort", "violin"],
)


def fill(path: Path, n: int, minutes: float) -> None:
    """Make a store of `n` recordings, with scores that wander."""
    rng = np.random.default_rng(0)
    n_windows = round(60 * minutes)
    starts = np.arange(n_windows, dtype=np.float64)
    duration = n_windows + 3.0
    ends, thresholds = np.minimum(starts + 4, duration), np.full(15, 0.5)
    with Store(path) as store:
        run = store.run("00" * 32, "made", ModelMetadata(default_set(), tuple(thresholds.tolist()), name="made"), 1.0)
        for i in range(n):
            walk = rng.random((1, 15)) + np.cumsum(rng.normal(0, 0.08, (n_windows, 15)), axis=0)
            scores = BRADL15.raise_parents(np.clip(walk, 0, 1).astype(np.float32) ** 3)
            one = Recognition("", duration, starts, ends, scores, scores.mean(axis=0), thresholds, 1.0, "made")
            store.put(run, FileState(f"/music/{i // 100:05}/{i:06}.flac", 1000 + i, i), [one])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, default=4.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lib.db")
        fill(path, asked.recordings, asked.minutes)
        print(f"{asked.recordings} recordings, {path.stat().st_size / 1e6:.0f} MB")
        for query in QUERIES:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "organology.cli", "find", *query, "--store", str(path)]
            done = subprocess.run(command, capture_output=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{used:5.2f} s of processor time, {done.stdout.count(bytes([10]))} lines: {' '.join(query)}")


if __name__ == "__main__":
    main()
