"""How files are opened with PyAV, whatever its version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import av

# Tags in wrong encodings must not keep a file from being read: from 19 on PyAV takes them by itself.
_TAGS: dict[str, Any] = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}


def av_open(target: str | BinaryIO, options: Mapping[str, str] | None = None) -> Any:
    """An input container of a path or file object; FFmpeg's errors, and whatever a file object raises.

    Parameters
    ----------
    target : str or binary file object
    options : mapping, optional
        Of FFmpeg's format context.
    """
    # The mode is said because PyAV takes a file object that could be written to for an output.
    return av.open(target, mode="r", options=dict(options or {}), **_TAGS)
