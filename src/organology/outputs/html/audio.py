"""The audio of a report: linked relative to the page, or in it as a data URI."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

EMBED_TOTAL_BYTES = 500_000_000
"""What all files together may have; browsers do not open pages of many gigabytes."""

_CHUNK = 3 * 2**16  # a multiple of 3, so that the pieces' base64 joins
MEDIA_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".mp4": "video/mp4",
    ".aac": "audio/aac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".wma": "audio/x-ms-wma",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
}
"""By suffix."""


@dataclass(frozen=True)
class AudioLink:
    """Where a page finds a recording's audio.

    Attributes
    ----------
    path : Path
        Of the audio file.
    url : str
        From the page's folder to it; ASCII, percent-encoded by the bytes of the name.
    embed : bool
        It goes into the page.
    note : str
        What the reader should know; or "".
    """

    path: Path
    url: str
    embed: bool = False
    note: str = ""


def _file_of(source: str) -> Path | None:
    """The file of a recognition's source, also of `FILE#chN`; None if there is none (standard input)."""
    for name in (source, re.sub(r"#ch\d+$", "", source)):
        try:
            if Path(name).is_file():
                return Path(name)
        except (OSError, ValueError):
            continue
    return None


def url_between(folder: Path, path: Path) -> str:
    """A relative URL from a folder to a file; an absolute one where they lie on different drives.

    Parts of the path are not resolved, so a page and its audio may be moved together.

    >>> url_between(Path("reports"), Path("music/Tom & Jerry #1?.ogg"))
    '../music/Tom%20%26%20Jerry%20%231%3F.ogg'
    """
    target = os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links
    try:
        relative = os.path.relpath(target, os.path.abspath(folder))  # noqa: PTH100
    except ValueError:
        return Path(target).as_uri()
    return quote(os.fsencode(Path(relative).as_posix()), safe="/")


def audio_link(
    source: str, folder: Path, embed_bytes: int = 0, left_bytes: int = EMBED_TOTAL_BYTES
) -> AudioLink | None:
    """How a page in `folder` plays a recording.

    Parameters
    ----------
    source : str
        Of the recognition.
    folder : Path
    embed_bytes : int
        Files up to this size go into the page; 0: none.
    left_bytes : int
        What the page has room for.

    Returns
    -------
    AudioLink or None
        None where there is no file: the audio came from standard input or was removed.
    """
    path = _file_of(source)
    if path is None:
        return None
    url = url_between(folder, path)
    if not embed_bytes:
        return AudioLink(path, url)
    size = path.stat().st_size
    if size > embed_bytes:
        why = f"{size / 1e6:.1f} MB are more than {embed_bytes / 1e6:g} MB"
    elif size > left_bytes:
        why = "the page would become too large"
    elif not os.access(path, os.R_OK):
        why = "no permission"
    else:
        return AudioLink(path, url, embed=True)
    return AudioLink(path, url, note=f"the audio is linked, not embedded: {why}")


def write_data_uri(link: AudioLink, stream: TextIO) -> int:
    """Write a file as a data URI, in pieces; how many bytes it has."""
    size = 0
    stream.write(f"data:{MEDIA_TYPES.get(link.path.suffix.lower(), 'application/octet-stream')};base64,")
    with link.path.open("rb") as file:
        while piece := file.read(_CHUNK):
            stream.write(base64.b64encode(piece).decode("ascii"))
            size += len(piece)
    return size
