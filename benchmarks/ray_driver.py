"""Whether one driver keeps up with many workers: Ray's own fake cluster, and workers that only wait.

    python benchmarks/ray_driver.py [--workers 100] [--nodes 2] [--blocks 1000] [--delay 30]

Each block stands for 256 files, as in `organology recognize --engine ray`; a worker waits `--delay` seconds for it and
returns a summary of the usual size. A worker takes a small share of a core, so that each node of the fake cluster has
many, and starts only one process at a time. Prints the rate, the share of the ideal one, and the driver's processor
seconds, from the moment when all workers have been heard of.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from types import SimpleNamespace
from typing import Any

import psutil
import pyarrow as pa
import ray
from ray.cluster_utils import Cluster

from organology.cluster import job as cluster_job
from organology.cluster.schema import FileKey
from organology.cluster.worker import SUMMARY


class Waiting:
    """A worker that waits."""

    def __init__(self, task: Any) -> None:
        self._delay = task.delay

    def __call__(self, block: pa.Table) -> pa.Table:
        """Wait, and return a summary."""
        time.sleep(self._delay)
        n = len(block)
        seconds = [float(os.getpid())] * n  # who it was
        return pa.table({"path": block["path"], "seconds": seconds, "failure": [None] * n}, schema=SUMMARY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--blocks", type=int, default=1000)
    parser.add_argument("--delay", type=float, default=30.0)
    asked = parser.parse_args()
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_worker_register_timeout_seconds", "600")
    cluster = Cluster()
    for _ in range(asked.nodes):
        cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20, include_dashboard=False)
    share = math.floor(10_000 * asked.nodes / asked.workers) / 10_000
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    n_files = asked.blocks * cluster_job.MOST_FILES
    todo = [FileKey(f"s3://archive/{i // 1000:06}/{i:09}.flac", 40_000_000, 0, f"{i:032x}") for i in range(n_files)]
    task: Any = SimpleNamespace(delay=asked.delay, device="cpu")
    began, n_done, mark, heard = time.monotonic(), 0, (0.0, 0.0, 0), set[float]()
    for row in cluster_job.summaries(todo, task, asked.workers, share, Waiting):
        n_done += 1
        heard.add(row["seconds"])
        if not mark[2] and len(heard) == asked.workers:
            mark = (time.monotonic(), time.process_time(), n_done)
    if not mark[2]:
        raise SystemExit(f"only {len(heard)} of {asked.workers} workers were there in time; take more --blocks")
    rate = (n_done - mark[2]) / (time.monotonic() - mark[0])
    ideal = asked.workers * cluster_job.MOST_FILES / asked.delay
    n_blocks = (n_done - mark[2]) / cluster_job.MOST_FILES
    print(
        f"{asked.workers} workers, {n_files} files in {asked.blocks} blocks of {asked.delay:g} s: all workers there"
        f" after {mark[0] - began:.0f} s and {mark[2] // cluster_job.MOST_FILES} blocks, then {rate:.0f} files/s,"
        f" {rate / ideal:.0%} of the ideal; the driver takes"
        f" {1000 * (time.process_time() - mark[1]) / n_blocks:.0f} ms of processor time a block and"
        f" {psutil.Process().memory_info().rss / 2**20:.0f} MB; {time.monotonic() - began:.0f} s in all"
    )
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main()
