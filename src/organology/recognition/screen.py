"""Standard error while a job runs: its progress, if there is a terminal, and lines that must not tear it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_LARGE_BYTES = 10_000_000  # a single file below this is done before a bar is read


class Screen:
    """Progress over files, weighted by their sizes; a context manager.

    Parameters
    ----------
    sizes : sequence of int
        Of the files, in bytes.
    shares_stdout : bool
        Whether results go to standard output as they come.
    """

    def __init__(self, sizes: Sequence[int], shares_stdout: bool) -> None:
        self._sizes = [max(size, 1) for size in sizes]
        self._shares = [0.0] * len(self._sizes)
        self._n_done = 0
        self._seconds = 0.0
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._shares_terminal = shares_stdout and sys.stdout.isatty()
        if sys.stderr.isatty() and (len(sizes) > 1 or sum(sizes) > _LARGE_BYTES):
            self._progress = Progress(
                TextColumn("{task.fields[n]}/{task.fields[of]} files"),
                BarColumn(),
                TextColumn("{task.percentage:3.0f} %"),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._progress.add_task("", total=sum(self._sizes), n=0, of=len(sizes), rate="")

    def __enter__(self) -> Screen:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def share(self, index: int, done: float) -> None:
        """Tell what share of a file is done; may come from any thread."""
        self._shares[index] = done
        if self._progress is not None:
            self._progress.update(self._task, completed=self._bytes_done())

    def done(self, index: int, seconds: float) -> None:
        """Tell that a file is done, and how many seconds of audio it held."""
        self._shares[index] = 1.0
        self._n_done += 1
        self._seconds += seconds
        if self._progress is None:
            return
        elapsed = self._progress.tasks[0].elapsed or 0.0
        rate = f"{self._seconds / elapsed:.0f} x real time" if elapsed > 0 else ""
        self._progress.update(self._task, completed=self._bytes_done(), n=self._n_done, rate=rate)

    def _bytes_done(self) -> float:
        return sum(share * size for share, size in zip(self._shares, self._sizes, strict=True))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bar away while results are written to the terminal that it shares."""
        with self._aside(self._shares_terminal):
            yield

    def line(self, text: str) -> None:
        """Write one line to standard error."""
        with self._aside(True):
            printable = " ".join(text.splitlines()).encode("utf-8", "backslashreplace").decode("utf-8")
            print(printable, file=sys.stderr, flush=True)

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
