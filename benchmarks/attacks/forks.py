"""Runs of the command line as forks of a process that has imported already what takes long to import."""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ORGANOLOGY = (sys.executable, "-m", "organology")

_MODULES = "-- modules --"
_TELL_MODULES = f"""
import sys
from organology.cli import main
try:
    main()
finally:
    print("{_MODULES}", *(name for name in sys.modules if name != "__main__"))
"""


class Fork:
    """A run as a fork of this process, to be used like `subprocess.Popen`.

    Parameters
    ----------
    arguments : sequence of str
        Of `organology`.
    folder : Path
        In which it runs.
    environment : dict of str to str
    said : Path
        File for what it prints.
    output : str or None
        Where standard output goes in place of that file; None: it is closed.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        said: Path,
        output: str | None = "",
    ) -> None:
        sys.stdout.flush()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._run(arguments, folder, environment, said, output)
            except SystemExit as error:
                os._exit(error.code if isinstance(error.code, int) else 1)
            finally:
                os._exit(1)

    @staticmethod
    def _run(
        arguments: Sequence[str], folder: Path, environment: dict[str, str], said: Path, output: str | None
    ) -> None:
        atexit._clear()  # what this script does at its end is not the run's to do
        os.setsid()
        os.chdir(folder)
        os.environ.update(environment)
        tempfile.tempdir = None
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(handle, number)
        if output is None:
            os.close(1)
        elif output:
            os.dup2(os.open(output, os.O_WRONLY), 1)
        sys.argv = ["organology", *arguments]
        try:
            importlib.import_module("organology.cli").main()
        finally:
            atexit._run_exitfuncs()

    def poll(self) -> int | None:
        """The exit status if it has ended, negative if a signal ended it."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        """The exit status, once it has ended."""
        while (status := self.poll()) is None:
            time.sleep(0.002)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)


def preload(arguments: Sequence[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a verb, and import here what it imports, so that forks of this process spend their time on what they do."""
    command = [sys.executable, "-c", _TELL_MODULES, *arguments]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{arguments[0]}: cannot be run: {ended.stderr[-500:]}")
    for module in ended.stdout.split(_MODULES)[-1].split():
        with suppress(Exception):  # not all can be imported by themselves, nor do they have to
            importlib.import_module(module)
