"""Recognizing what arrives in a folder: look, wait until files stay as they are, do a job, look again.

The folder is polled, not watched through the system: notifications do not arrive from network drives, and a job over
a store does nothing twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from organology.audio.inputs import Input, Inputs, expand
from organology.batch.job import run, with_format
from organology.batch.options import Job
from organology.errors import OptionError

EVERY_SECONDS = 5.0
"""Between two looks."""

_Signature = tuple[int, int]  # size in bytes, time of last change in nanoseconds


@dataclass
class Look:
    """What a look into the folders found.

    Attributes
    ----------
    settled : list of Input
        Files that were the same at the look before.
    arrived : list of Input
        Those of `settled` that were not settled, or otherwise, when a job was last done.
    is_quiet : bool
        Nothing is still changing.
    has_changed : bool
        `settled` is not what it was when a job was last done: something arrived, changed or is gone.
    """

    settled: list[Input]
    arrived: list[Input]
    is_quiet: bool
    has_changed: bool


@dataclass
class Watched:
    """The files below some paths, look after look.

    Attributes
    ----------
    job : Job
        Its `paths`, `recursive` and `hidden` say where to look.
    """

    job: Job
    _before: dict[str, _Signature] = field(default_factory=dict)
    _done: dict[str, _Signature] = field(default_factory=dict)

    def look(self) -> Look:
        """Look into the folders."""
        found = expand(self.job.paths, recursive=self.job.recursive, hidden=self.job.hidden)
        now = {item.name: sign for item in found.files if (sign := _signature(item.name)) is not None}
        settled = {name: sign for name, sign in now.items() if self._before.get(name) == sign}
        is_quiet = len(settled) == len(now)
        self._before = now
        items = [item for item in found.files if item.name in settled]
        arrived = [item for item in items if self._done.get(item.name) != settled[item.name]]
        gone = [name for name in self._done if name not in now]
        return Look(items, arrived, is_quiet, bool(arrived or gone))

    def done(self, look: Look) -> None:
        """Remember that a job was done over what a look found."""
        self._done = {item.name: self._before[item.name] for item in look.settled}


def _signature(name: str) -> _Signature | None:
    try:
        status = os.stat(name)  # noqa: PTH116  # a name need not be UTF-8
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def watch(
    job: Job, every: float = EVERY_SECONDS, once: bool = False, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Do a job again whenever something has arrived, until the process is stopped.

    With `job.output` the job is done over everything, so that the output holds all; without, over what is new.

    Parameters
    ----------
    job : Job
        With a store.
    every : float
        Seconds between two looks.
    once : bool
        End when nothing changes any more and all is done.
    sleep : callable
        Waits so many seconds.

    Returns
    -------
    int
        How many inputs could not be used, of the last job.

    Raises
    ------
    OptionError
        If there is no store, or a path is standard input.
    OrganologyError
        As `batch.job.run`.
    """
    if job.store is None:
        raise OptionError("--store", "watching needs a store, so that nothing is recognized twice")
    if not job.paths or any(path == "-" or path.startswith("@") for path in job.paths):
        raise OptionError("PATH", "name folders or files to watch")
    job = with_format(job)
    watched, n_failed = Watched(job), 0
    watched.look()
    while True:
        sleep(every)
        look = watched.look()
        if look.has_changed:
            inputs = look.settled if job.output is not None else look.arrived
            if inputs or job.output is not None:
                n_failed = run(job, Inputs(_without_output(inputs, job.output)))
            watched.done(look)
        if once and look.is_quiet:
            return n_failed


def _without_output(inputs: list[Input], output: Path | None) -> list[Input]:
    """Inputs without the file that is written: a page may lie in the folder that is watched."""
    if output is None:
        return inputs
    return [item for item in inputs if os.path.realpath(item.name) != os.path.realpath(output)]
