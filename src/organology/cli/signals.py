"""Signals end the program as any exit does, so that temporary files are removed; and they do end it.

What a handler raises may leave a lock held that others wait for (that of an import, for one), or a thread may not end.
So a thread watches: a program that is still there some time after a signal is ended without more ado. What it leaves
behind the next run removes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType

PATIENCE_SECONDS = 20.0
"""From a signal to the end of the program, at the latest."""


def end_on_signals(patience: float = PATIENCE_SECONDS) -> None:
    """Let SIGTERM and SIGHUP raise SystemExit, and end the program after them and Ctrl-C, whatever holds it up.

    Parameters
    ----------
    patience : float
        Seconds.
    """
    owner = os.getpid()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() == owner:  # not a worker that was forked
            os.write(writing, bytes([number]))
        if number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        sys.exit(128 + number)

    threading.Thread(target=_watch, args=(reading, patience), daemon=True).start()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # SIGHUP under nohup
            signal.signal(number, handle)


def _watch(reading: int, patience: float) -> None:
    """Wait for a signal, and then for the program's end."""
    (number,) = os.read(reading, 1)
    time.sleep(patience)
    os._exit(128 + number)
