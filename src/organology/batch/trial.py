"""One file recognized in a process of its own, so that a file that ends the program ends nothing else.

The parent gives the recognizer, the store and the file on standard input; the child puts its result into the store. A
file is to blame only if the child dies and the parent lives, and again when it is tried once more: whoever kills the
whole program, or another process, blames no file.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from organology.library.rows import Run
from organology.library.store import Store
from organology.recognition.recognizer import Recognizer

MOST_DEATHS = 2
"""A child that died so often is not begun again."""

_POLL_SECONDS = 0.1
CANNOT_TRY = 3
"""Exit status of a process that could not try, which says nothing of the file."""


class TrialDiedError(Exception):
    """A file ended the process that recognized it alone."""


def run_trial(
    recognizer: Recognizer, store: Store, run: Run, name: str, split: bool, watch: Callable[[float], None]
) -> None:
    """Recognize a file in a process of its own; its result is in the store afterwards.

    Where such a process cannot be made, nothing is.

    Parameters
    ----------
    recognizer : Recognizer
    store : Store
    run : Run
    name : str
        Of the file.
    split : bool
        One recognition a channel.
    watch : callable
        Called while it lasts; what it raises ends the process.

    Raises
    ------
    TrialDiedError
        If the process died each time.
    """
    try:
        given = pickle.dumps((recognizer, os.path.abspath(store.path), run, name, split))  # noqa: PTH100
    except (TypeError, AttributeError, pickle.PicklingError):
        return
    for _ in range(MOST_DEATHS):
        status = _child(given, watch)
        if status in (0, CANNOT_TRY):
            return
    what = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    raise TrialDiedError(f"it ends the program that reads it ({what})")


def _child(given: bytes, watch: Callable[[float], None]) -> int:
    """The exit status of the process; negative where a signal ended it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "organology.batch.trial_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C is the parent's to handle
    )
    assert process.stdin is not None
    try:
        try:
            process.stdin.write(given)
            process.stdin.close()
        except BrokenPipeError:
            pass
        while process.poll() is None:
            watch(0.0)
            time.sleep(_POLL_SECONDS)
        return process.returncode
    finally:
        process.kill()
        process.wait()
