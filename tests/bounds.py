"""What any input may cost, whatever is in it."""

import contextlib
import time
from pathlib import Path

SECONDS = 5.0
MEGABYTES = 400
_CLEAR = Path("/proc/self/clear_refs")


@contextlib.contextmanager
def bounded(*expected, seconds=SECONDS, megabytes=MEGABYTES):
    """A value or one of our errors, on one line, in time and with little memory (where the system tells it: Linux)."""
    before = _resident(reset=True)
    began = time.monotonic()
    try:
        yield
    except expected as error:
        text = str(error)
        assert text
        assert "\n" not in text, text
    assert time.monotonic() - began < seconds
    assert _resident() - before < megabytes


def _resident(reset=False):
    """Peak of the memory since the last reset, in MB; 0 where the system does not tell it."""
    try:
        if reset:
            _CLEAR.write_text("5")  # proc(5): the peak begins anew
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
