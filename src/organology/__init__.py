"""organology: which instruments play in a recording, and when.

>>> from organology import Recognizer                          # doctest: +SKIP
>>> Recognizer().recognize("song.wav").instruments             # doctest: +SKIP
['voice', 'percussion', 'singer', 'drums']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
