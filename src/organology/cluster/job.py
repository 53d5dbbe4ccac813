"""Recognizing recordings with Ray, as `organology recognize --engine ray` does.

The driver finds the files, takes off those that the dataset has, and hands blocks of the others to a pool of workers,
which write into the dataset themselves. Only summaries come back.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
import ray.data

from organology.batch.options import Job
from organology.batch.progress import ProgressReporter
from organology.cluster.dataset import Dataset
from organology.cluster.schema import DatasetRun, FileKey
from organology.cluster.session import cluster_cores, join, last_line
from organology.cluster.sources import find_sources
from organology.cluster.worker import Task, Worker
from organology.errors import OrganologyError, StoppedError
from organology.recognition.onnx_model import available_cores, read_model
from organology.recognition.recognizer import Recognizer

MOST_FILES = 256
"""In a block, and so in a file of the dataset."""

BLOCKS_PER_WORKER = 8
"""At the least, so that workers finish at about the same time."""

NOTE_SECONDS = 60.0
"""Between lines of progress where there is no terminal."""

FILES = pa.schema([("path", pa.string()), ("size", pa.int64()), ("mtime_ns", pa.int64()), ("etag", pa.string())])


def run(job: Job) -> int:
    """Do a job whose engine is Ray.

    Every file that cannot be used costs one line on standard error, and a row of the dataset; the rest goes on.

    Returns
    -------
    int
        How many inputs could not be used.

    Raises
    ------
    ModelError, StoreError, OptionError, OrganologyError
        If the model, the dataset, an option or the cluster cannot be used.
    StoppedError
        If the user stops it (Ctrl-C); says what was done.
    """
    assert job.store is not None
    dataset = Dataset(job.store)
    with Recognizer(job.model, 1, job.labels, job.device if job.address is None else "cpu") as recognizer:
        hop = recognizer.metadata.hop_seconds if job.hop_seconds is None else job.hop_seconds
        about = DatasetRun.now(recognizer.digest, recognizer.model, recognizer.metadata, hop)
    dataset.check_run(about)
    sources = find_sources(job.paths, job.lists, null=job.null, recursive=job.recursive, hidden=job.hidden)
    done = {} if not sources.files else dataset.done(about, split=job.split)
    if job.retry:
        done = {key: failure for key, failure in done.items() if failure is None}
    todo = [key for key in sources.files if key not in done]
    reporter = ProgressReporter([max(key.size, 1) for key in todo], shares_stdout=False, quiet=job.quiet)
    for name, reason in sources.failures:
        reporter.line(f"{name}: {reason}")
    n_stored = len(sources.files) - len(todo)
    if n_stored:
        n_bad = sum(done.get(key) is not None for key in sources.files)
        bad = f", {n_bad} of them as files that cannot be recognized" if n_bad else ""
        reporter.note(f"{n_stored} of {len(sources.files)} files are in {dataset.address} already{bad}")
    n_failed = len(sources.failures) + sum(done.get(key) is not None for key in sources.files)
    if not todo:
        return n_failed
    try:
        with reporter:
            return n_failed + _Run(job, dataset, about, reporter).do(todo)
    except KeyboardInterrupt:
        n_done = reporter.n_done + n_stored
        raise StoppedError(
            f"stopped: {n_done} of {len(sources.files)} files are done; the same command goes on from there"
            f" ({dataset.address})"
        ) from None


class _Run:
    """The work of one job on a cluster."""

    def __init__(self, job: Job, dataset: Dataset, about: DatasetRun, reporter: ProgressReporter) -> None:
        self._job, self._dataset, self._about, self._reporter = job, dataset, about, reporter

    def do(self, todo: Sequence[FileKey]) -> int:
        """Recognize files; how many could not be."""
        join(self._job.address, max(available_cores(), self._job.threads or 1, self._job.jobs or 1))
        threads = self._job.threads or (available_cores() if self._job.address is None else cluster_cores())
        n_workers = max(1, min(self._job.jobs or threads, len(todo)))
        each = max(1, threads // n_workers)
        found = summaries(todo, self._task(each), n_workers, each)
        places = {key.path: i for i, key in enumerate(todo)}
        n_failed, noted = 0, time.monotonic()
        began = noted
        try:
            for row in found:
                if row["failure"] is not None:
                    n_failed += 1
                    self._reporter.line(f"{row['path']}: {row['failure']}")
                self._reporter.done(places[row["path"]], row["seconds"])
                if not sys.stderr.isatty() and time.monotonic() - noted > NOTE_SECONDS:
                    noted = time.monotonic()
                    rate = self._reporter.rate(noted - began)
                    self._reporter.note(f"{self._reporter.n_done} of {len(todo)} files, {rate}")
        except ray.exceptions.RayError as error:
            raise OrganologyError(f"Ray: {last_line(error)}") from error
        if not self._job.quiet:
            seconds = time.monotonic() - began
            rate = f"{self._reporter.n_done / seconds:.1f} files/s"
            self._reporter.note(f"{self._reporter.n_done} files in {seconds:.0f} s, {rate}: {self._dataset.address}")
        return n_failed

    def _task(self, threads: int) -> Task:
        job = self._job
        content = None if job.model is None else read_model(job.model)[1]
        name = "" if job.model is None else Path(job.model).name
        labels = job.labels
        if labels is not None and os.path.lexists(labels):  # a table of this machine
            from organology.labels import LabelSet

            labels = LabelSet.load(labels)  # type: ignore[assignment]
        return Task(
            self._dataset, self._about, secrets.token_hex(4), content, name, labels, job.split, threads, job.device
        )


def blocks_of(todo: Sequence[FileKey], n_workers: int) -> Iterator[pa.Table]:
    """Files in blocks, in their order; small enough that each worker gets several."""
    size = max(1, min(MOST_FILES, len(todo) // (n_workers * BLOCKS_PER_WORKER)))
    for start in range(0, len(todo), size):
        yield pa.Table.from_pylist([asdict(key) for key in todo[start : start + size]], schema=FILES)


def summaries(
    todo: Sequence[FileKey], task: Task, n_workers: int, threads: float, worker: type[Any] = Worker
) -> Iterator[dict[str, Any]]:
    """Hand files to a pool of workers.

    Parameters
    ----------
    todo : sequence of FileKey
    task : Task
        What `worker` is made from.
    n_workers : int
        Size of the pool.
    threads : float
        Cores of each.
    worker : class, optional
        As `Worker`.

    Yields
    ------
    dict
        Of `worker.SUMMARY`, one a file, as they come.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = False
    has_gpu = task.device == "cuda"
    found = ray.data.from_arrow(list(blocks_of(todo, n_workers))).map_batches(
        worker,
        fn_constructor_args=(task,),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=n_workers),
        num_cpus=threads,
        num_gpus=1 if has_gpu else None,
    )
    for batch in found.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
        yield from batch.to_pylist()
