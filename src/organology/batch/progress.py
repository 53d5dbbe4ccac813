"""Standard error while a job runs: its progress, if there is a terminal, and lines that must not tear it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from organology.outputs.terminal.printable import printable
from organology.timeaxis import clock

_LARGE_BYTES = 10_000_000  # a single file below this is done before a bar is read
_SETTLED_SECONDS = 2.0  # before that a rate says nothing


class ProgressReporter:
    """Progress over files, weighted by their sizes; a context manager.

    Parameters
    ----------
    sizes : sequence of int
        Of the files, in bytes.
    shares_stdout : bool
        Whether results go to standard output as they come.
    quiet : bool
        No progress and no notes.
    length_of : callable, optional
        Seconds of audio in a file, by its index, 0 where that is not known: for the rate while a long file is worked
        on. Asked for only where there is a bar.

    Attributes
    ----------
    n_done, n_stored : int
        Files that are done, and those of them that were in the store.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        shares_stdout: bool,
        quiet: bool = False,
        length_of: Callable[[int], float] | None = None,
    ) -> None:
        self._sizes = [max(size, 1) for size in sizes]
        self._shares = [0.0] * len(self._sizes)
        self._total = sum(self._sizes)
        self._bytes = 0.0  # done, whether recognized or stored
        self._bytes_stored = 0
        self._seconds = 0.0  # of audio in files that are done
        self._underway: dict[int, float] = {}  # seconds of audio in files that are not
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._quiet, self._length_of = quiet, length_of
        self.n_done = self.n_stored = 0
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._shares_terminal = shares_stdout and sys.stdout.isatty()
        if not quiet and sys.stderr.isatty() and (len(sizes) > 1 or self._total > _LARGE_BYTES):
            self._progress = Progress(
                TextColumn("{task.fields[n]}/{task.fields[of]} files"),
                BarColumn(),
                TextColumn("{task.percentage:3.0f} %"),
                TextColumn("{task.fields[rate]}"),
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._progress.add_task("", total=self._total, n=0, of=len(sizes), rate="")

    def __enter__(self) -> ProgressReporter:
        self._began = time.monotonic()
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def share(self, index: int, done: float) -> None:
        """Take what share of a file is done; may come from any thread."""
        with self._lock:
            self._bytes += (done - self._shares[index]) * self._sizes[index]
            self._shares[index] = done
        if self._progress is not None:
            is_large = self._length_of is not None and self._sizes[index] > _LARGE_BYTES
            if is_large and index not in self._underway and 0 < done < 1:
                self._underway[index] = self._length_of(index) if self._length_of else 0.0
            self._progress.update(self._task, completed=self._bytes)
            if index in self._underway:
                self._progress.update(self._task, rate=self.rate(time.monotonic() - self._began))

    def done(self, index: int, seconds: float, stored: bool = False) -> None:
        """Take that a file is done.

        Parameters
        ----------
        index : int
        seconds : float
            Of audio that it held.
        stored : bool
            It was in the store: that says nothing of how long the others will take.
        """
        self.n_done += 1
        self._underway.pop(index, None)
        if stored:
            self.n_stored += 1
            self._bytes_stored += self._sizes[index]
        else:
            self._seconds += seconds
        self.share(index, 1.0)
        if self._progress is not None:
            self._progress.update(self._task, n=self.n_done, rate=self.rate(time.monotonic() - self._began))

    def rate(self, elapsed: float) -> str:
        """How fast it goes, and how long it will take, as text.

        Parameters
        ----------
        elapsed : float
            Seconds since the beginning.
        """
        n_new = self.n_done - self.n_stored
        stored = f"{self.n_stored} from the store" if self.n_stored else ""
        underway = sum(self._shares[index] * seconds for index, seconds in list(self._underway.items()))
        if elapsed <= 0 or not (n_new or underway):
            return stored
        parts = [f"{n_new / elapsed:.1f} files/s"] if n_new else []
        parts.append(f"{(self._seconds + underway) / elapsed:.0f} x real time")
        new_bytes = self._bytes - self._bytes_stored
        if elapsed > _SETTLED_SECONDS and new_bytes > 0:
            parts.append(f"{clock((self._total - self._bytes) * elapsed / new_bytes)} left")
        return ", ".join([*parts, stored] if stored else parts)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar away while results are written to the terminal that it shares."""
        with self._aside(self._shares_terminal):
            yield

    def note(self, text: str) -> None:
        """Write one line, unless all is to be quiet."""
        if not self._quiet:
            self.line(text)

    def line(self, text: str) -> None:
        """Write one line to standard error, its end in the same write: Ctrl-C between them would glue two lines."""
        with self._aside(True):
            shown = printable(" ".join(text.splitlines()))
            with suppress(OSError):  # standard error on a full disk must not end the job
                sys.stderr.write(f"{shown}\n")
                sys.stderr.flush()

    @contextmanager
    def _aside(self, needed: bool) -> Iterator[None]:
        if self._progress is None or not needed:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()
