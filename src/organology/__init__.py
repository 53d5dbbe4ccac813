"""organology: which instruments play in a recording, and when.

>>> from organology import Recognizer                          # doctest: +SKIP
>>> Recognizer().recognize("song.wav").instruments             # doctest: +SKIP
['voice', 'percussion', 'singer', 'drums']
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Builds of onnxruntime 1.29 and later look up a host of Microsoft, and write an event database and a device id into the
# user's cache, unless this is set before their library is loaded; and not we alone load it: torchmetrics does, too.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from organology import _moved
from organology._version import __version__

if TYPE_CHECKING:
    from organology.recognition import Recognition, Recognizer

__all__ = ["Recognition", "Recognizer", "__version__"]

_moved.install()


def __getattr__(name: str) -> Any:
    # Delayed, so that `organology --help` does not wait for onnxruntime.
    if name in ("Recognizer", "Recognition"):
        from organology import recognition

        return getattr(recognition, name)
    raise AttributeError(f"module 'organology' has no attribute {name!r}")
