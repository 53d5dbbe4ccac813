"""How long `organology find` takes on a Parquet dataset of many recordings, and how much memory.

    python benchmarks/dataset_find.py [--recordings 1000000] [--jobs 1]

Makes a dataset of made-up recordings in a temporary folder and asks it; prints the wall seconds and the peak memory of
whole commands. The rows have 4 windows each: windows lie in columns of their own, which these queries do not read.
`--jobs 2` marks the files as of two jobs, so that `find` has to look for the latest row of each recording.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from organology.cluster.dataset import Dataset
from organology.cluster.schema import DatasetRun
from organology.labels import default_set
from organology.model_metadata import ModelMetadata

PART_ROWS = 4000
WINDOWS = 4
QUERIES = (
    ["violin and not drums", "--format", "paths"],
    ["singer.seconds >= 30 and violin > 0.3", "--format", "json"],
    ["violin and not drums", "--sort", "violin", "--limit", "100"],
)

_LAUNCHER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def table(run: DatasetRun, start: int, n: int) -> pa.Table:
    """Rows of made-up recordings; a tenth of the scores are high."""
    rng = np.random.default_rng(start)
    labels = run.label_set.labels
    scores = run.label_set.raise_parents(rng.random((n, len(labels)), np.float32) ** 4)
    segment = pa.array([[]] * n, run.schema.field("segments").type)
    times = pa.array([list(range(WINDOWS))] * n, pa.list_(pa.float64()))
    windows = pa.array([[[0.25] * len(labels)] * WINDOWS] * n, run.schema.field("window_scores").type)
    values = {
        "path": [f"s3://archive/{i // 1000:05}/{i:08}.flac" for i in range(start, start + n)],
        "channel": np.zeros(n, np.int16),
        "channels": [None] * n,
        "size": np.full(n, 40_000_000),
        "mtime_ns": np.zeros(n, np.int64),
        "etag": [f"{i:032x}" for i in range(start, start + n)],
        "recognized_at": np.full(n, 1_700_000_000_000_000 + start).astype("datetime64[us]"),
        "failure": [None] * n,
        "transient": np.zeros(n, bool),
        "duration": rng.uniform(120, 360, n),
        "notes": [[]] * n,
        "instruments": [[]] * n,
        **dict(zip(labels, scores.T, strict=True)),
        **{f"{label}_seconds": rng.uniform(0, 200, n) for label in labels},
        "segments": segment,
        "window_starts": times,
        "window_ends": times,
        "window_scores": windows,
    }
    nothing = {name: [None] * n for name in run.schema.names}
    return pa.Table.from_pydict({**nothing, **values}, schema=run.schema)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    label_set = default_set()
    metadata = ModelMetadata(label_set, (0.5,) * len(label_set), name="made")
    run = DatasetRun.now("00" * 32, "made", metadata, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        dataset = Dataset(folder)
        for number, start in enumerate(range(0, asked.recordings, PART_ROWS)):
            n = min(PART_ROWS, asked.recordings - start)
            dataset.write(run, f"job{number % asked.jobs}", f"{number:06}", table(run, start, n))
        size = sum(one.stat().st_size for one in Path(folder).rglob("*.parquet"))
        print(f"{asked.recordings} recordings, {size / 1e6:.0f} MB, {asked.jobs} jobs")
        for query in QUERIES:
            command = [sys.executable, "-m", "organology", "find", *query, "--store", folder]
            n_lines = subprocess.run(command, capture_output=True, check=True).stdout.count(b"\n")
            began = time.monotonic()
            launched = [sys.executable, "-S", "-c", _LAUNCHER, *command]
            done = subprocess.run(launched, capture_output=True, text=True, check=True)
            seconds = time.monotonic() - began
            _, cpu, megabytes = json.loads(done.stdout)
            print(
                f"{seconds:5.2f} s, {cpu:5.2f} s of processor time, {megabytes:4.0f} MB, {n_lines} lines: "
                f"{' '.join(query)}"
            )


if __name__ == "__main__":
    main()
