"""Chained Ogg files (RFC 3533, section 4): streams that follow each other in one file, as radio and `cat` make them.

Neither libsndfile nor FFmpeg's libraries read all of them whole: each link is read as a file of its own.
"""

from __future__ import annotations

from typing import Any

_CHUNK = 2**20
_FIRST_PAGE = b"OggS\0\2"  # version 0, begins a logical stream
_PAGE_HEAD = 27
_MAX_LINKS = 100_000


def is_ogg(head: bytes) -> bool:
    """Whether bytes begin with an Ogg page."""
    return head.startswith(b"OggS")


def is_opus(head: bytes) -> bool:
    """Whether bytes begin with the first page of an Opus stream."""
    return is_ogg(head) and b"OpusHead" in head[:64]


def link_starts(file: Any) -> list[int]:
    """Where the links of a chained file begin.

    Parameters
    ----------
    file : binary file object
        Seekable; read to its end, which takes a hundredth of the time that decoding takes.

    Returns
    -------
    list of int
        In bytes; one for a file that is not chained.
    """
    starts = []
    group_end = -1
    for at in _first_pages(file):
        if at != group_end:  # streams that play at once begin with pages next to each other
            starts.append(at)
        group_end = at + _page_length(file, at)
        if len(starts) >= _MAX_LINKS:
            break
    return starts


def _first_pages(file: Any) -> list[int]:
    found = []
    overlap = len(_FIRST_PAGE) - 1
    file.seek(0)
    offset, tail = 0, b""
    while chunk := file.read(_CHUNK):
        content = tail + chunk
        at = content.find(_FIRST_PAGE)
        while at >= 0:
            found.append(offset - len(tail) + at)
            at = content.find(_FIRST_PAGE, at + 1)
        offset += len(chunk)
        tail = content[-overlap:]
    return found


def _page_length(file: Any, at: int) -> int:
    file.seek(at)
    head: bytes = file.read(_PAGE_HEAD + 255)
    if len(head) < _PAGE_HEAD:
        return len(head)
    n_segments = head[_PAGE_HEAD - 1]
    return _PAGE_HEAD + n_segments + sum(head[_PAGE_HEAD : _PAGE_HEAD + n_segments])
