"""What one worker does: a recognizer that is loaded once, blocks of files in, a file of the dataset each out.

A worker that is killed blames no file. What it has in hand is noted on its machine; the next worker there that gets the
same block recognizes that file in a process of its own, and only if that process dies, too, the file is at fault.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from organology.audio.inputs import Input
from organology.batch.executor import Batch
from organology.cluster.dataset import Dataset
from organology.cluster.schema import DatasetRun, FileKey, failure_row, rows_of
from organology.cluster.sources import opened
from organology.errors import ModelError, UnreadableError
from organology.leftovers import locked_folder
from organology.recognition.recognizer import Recognizer

SUMMARY = pa.schema([("path", pa.string()), ("seconds", pa.float64()), ("failure", pa.string())])
"""What a worker returns of each file: how much audio it held, or why it could not be recognized."""

MOST_DEATHS = 2


@dataclass(frozen=True)
class Task:
    """What all workers of a job know.

    Attributes
    ----------
    dataset : Dataset
    run : DatasetRun
    job : str
        Its name, of letters and digits.
    model : bytes or None
        Content of the model file; None: the shipped model.
    model_name : str
    labels : object, optional
        As `Recognizer` takes them.
    split : bool
        One recognition a channel.
    threads : int
        Of a worker.
    device : str
        As `Recognizer` takes it.
    """

    dataset: Dataset
    run: DatasetRun
    job: str
    model: bytes | None = None
    model_name: str = ""
    labels: Any = None
    split: bool = False
    threads: int = 1
    device: str = "auto"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "batch"}

    @cached_property
    def batch(self) -> Batch:
        """How a file is recognized; the model is loaded here.

        Raises
        ------
        ModelError
            If this machine has another model than the driver.
        """
        with _model_file(self) as path:
            recognizer = Recognizer(path, self.threads, self.labels, device=self.device)
            if recognizer.digest != self.run.sha256:
                raise ModelError(f"{recognizer.model}: a worker must have the driver's model, got another one")
            return Batch(recognizer, self.run.hop_seconds, self.split)

    def rows(self, key: FileKey) -> list[dict[str, Any]]:
        """Rows of one file; any error is one."""
        try:
            source = opened(key)
        except UnreadableError as error:
            return [failure_row(key, str(error).removeprefix(f"{key.path}: "), transient=True)]
        try:
            is_path = isinstance(source, str)
            name = source if is_path else key.path
            result = self.batch.recognize_alone(Input(str(name), Path(), None if is_path else source))  # type: ignore[arg-type]
        finally:
            if not isinstance(source, str):
                source.close()
        if result.error is not None:
            return [failure_row(key, result.reason, transient=isinstance(result.error, UnreadableError))]
        return rows_of(key, result.recognitions, split=self.split)


@contextmanager
def _model_file(task: Task) -> Iterator[str | None]:
    if task.model is None:
        yield None
        return
    with locked_folder() as folder:
        path = folder / task.model_name
        path.write_bytes(task.model)
        yield str(path)


class Worker:
    """Recognizes blocks of files; an actor of Ray Data.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._task.batch  # noqa: B018  # the model is loaded before the first block

    def __call__(self, block: pa.Table) -> pa.Table:
        """Recognize files, and write them into the dataset.

        Parameters
        ----------
        block : pyarrow.Table
            Columns of `FileKey`.

        Returns
        -------
        pyarrow.Table
            Of `SUMMARY`, a row a file.
        """
        keys = [FileKey(**row) for row in block.to_pylist()]
        digest = hashlib.blake2b(repr([(key.path, key.size) for key in keys]).encode(), digest_size=8).hexdigest()
        mark = _Mark(Path(tempfile.gettempdir(), f"organology-in-work-{self._task.job}-{digest}"))
        suspect = mark.left()
        rows, summary = [], []
        for key in keys:
            mark.set(key)
            found = _tried(self._task, key) if key.path == suspect else self._task.rows(key)
            rows += found
            summary.append(
                {
                    "path": key.path,
                    "seconds": max(row.get("duration") or 0.0 for row in found),
                    "failure": found[0].get("failure"),
                }
            )
        run = self._task.run
        self._task.dataset.write(run, self._task.job, digest, pa.Table.from_pylist(rows, schema=run.schema))
        mark.remove()
        return pa.Table.from_pylist(summary, schema=SUMMARY)


class _Mark:
    """Notes on this machine which file of a block is in hand."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def left(self) -> str | None:
        """The file that a worker had in hand when it died."""
        try:
            return self._path.read_text(encoding="utf-8")
        except OSError:
            return None

    def set(self, key: FileKey) -> None:
        with suppress(OSError):
            self._path.write_text(key.path, encoding="utf-8")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _tried(task: Task, key: FileKey) -> list[dict[str, Any]]:
    """Rows of a file that may end the process which reads it."""
    for _ in range(MOST_DEATHS):
        try:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                return pool.submit(_rows_alone, task, key).result()
        except BrokenProcessPool:
            continue
    return [failure_row(key, "it ends the program that reads it")]


def _rows_alone(task: Task, key: FileKey) -> list[dict[str, Any]]:
    return task.rows(key)
