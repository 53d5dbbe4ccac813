"""Empty chunks of sound in AVI: each is a unit of time in which there is none, and FFmpeg passes over it.

Form: https://learn.microsoft.com/en-us/windows/win32/directshow/avi-riff-file-reference
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from organology.audio.sources.source import OpenSource
from organology.audio.sources.view import View

_MOST_CHUNKS = 1000
_LARGEST_INDEX = 2**26  # bytes
_ENTRY = np.dtype([("id", "S4"), ("flags", "<u4"), ("at", "<u4"), ("size", "<u4")])


def empty_chunks_before(index: NDArray[np.void], stream: int) -> NDArray[np.int64]:
    """How many empty chunks stand before each chunk of a stream that holds sound.

    Parameters
    ----------
    index : structured array
        Of `read_index`.
    stream : int
        Its number in the container.

    Returns
    -------
    int64 array, shape (chunks with sound,)
        Shape (0,) if there are no empty chunks.
    """
    is_empty = index["size"][index["id"] == b"%02dwb" % stream] == 0
    return np.cumsum(is_empty)[~is_empty] if is_empty.any() else np.zeros(0, np.int64)


def read_index(source: OpenSource) -> NDArray[np.void]:
    """The entries of the index of a file, none where it has none or is no AVI."""
    if source.head[:4] == b"RIFF" and source.head[8:12] == b"AVI ":
        with source.opened() as opened:
            file = View(opened)
            at = 12
            for _ in range(_MOST_CHUNKS):
                file.seek(at)
                head = file.read(8)
                if len(head) < 8:
                    break
                (size,) = struct.unpack_from("<I", head, 4)
                if head[:4] == b"idx1":
                    content = file.read(min(size, _LARGEST_INDEX))
                    return np.frombuffer(content[: len(content) // _ENTRY.itemsize * _ENTRY.itemsize], _ENTRY)
                at += 8 + size + size % 2
    return np.zeros(0, _ENTRY)
