"""Playlists as lists of local files: M3U, M3U8 and PLS.

Forms: https://en.wikipedia.org/wiki/M3U and https://en.wikipedia.org/wiki/PLS_(file_format). Nothing is opened here
but the playlist itself; addresses in it are refused by name.
"""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from organology.audio.sources.source import reason_of, regular_size
from organology.errors import AudioError, UnreadableError

PLAYLIST_SUFFIXES = frozenset({".m3u", ".m3u8", ".pls"})
"""Names of playlists (lower case)."""

_MAX_BYTES = 64 * 2**20
_MAX_ENTRIES = 1_000_000
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:/?/")
_PLS_ENTRY = re.compile(rb"^\s*File(\d{1,9})\s*=\s*(.*?)\s*$", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Entry:
    """A line of a playlist.

    Attributes
    ----------
    line : int
        From 1 on.
    text : str
        As it stands there.
    path : str or None
        The file it names, resolved against the playlist's folder; None if it is refused.
    reason : str
        Why it is refused.
    """

    line: int
    text: str
    path: str | None
    reason: str = ""


def is_playlist(path: str | os.PathLike[str]) -> bool:
    """Whether a path is named like a playlist."""
    return Path(path).suffix.lower() in PLAYLIST_SUFFIXES


def read_playlist(path: str | os.PathLike[str]) -> list[Entry]:
    r"""The entries of a playlist, in order.

    Text is UTF-8, UTF-16 with a byte order mark, or else Windows-1252; names that are not UTF-8 but exist as their
    bytes stand are taken so. Relative paths start at the playlist's folder; `\` may stand for `/`; `file://` addresses
    of this machine are paths.

    Raises
    ------
    UnreadableError
        If it cannot be read, or is no regular file.
    AudioError
        If it is no playlist, one of a stream (HLS), holds no entry, or more than 64 MiB or a million of them.
    """
    name = os.fspath(path)
    content = _content(path)
    if b"\0" in content:
        raise AudioError(f"{name}: not a playlist")
    if b"#EXT-X-TARGETDURATION" in content:
        raise AudioError(f"{name}: the playlist of a stream (HLS), not a list of files")
    lines = content.splitlines()
    is_pls = name.lower().endswith(".pls") or content.lstrip()[:10].lower() == b"[playlist]"
    found = list(islice((_pls if is_pls else _m3u)(lines), _MAX_ENTRIES + 1))
    if not found:
        raise AudioError(f"{name}: no file in this playlist")
    if len(found) > _MAX_ENTRIES:
        raise AudioError(f"{name}: a playlist must have at most {_MAX_ENTRIES} entries")
    return [_entry(number, raw, Path(path).parent) for number, raw in found]


def _content(path: str | os.PathLike[str]) -> bytes:
    """The playlist's bytes, as UTF-8 where a byte order mark tells what they are."""
    name = os.fspath(path)
    size = regular_size(name)
    if size > _MAX_BYTES:
        raise AudioError(f"{name}: a playlist must have at most {_MAX_BYTES // 2**20} MiB, got {size // 2**20}")
    try:
        content = b""
        if size:  # what has none, as /proc/kmsg, may wait for ever
            with Path(name).open("rb") as file:
                content = file.read(size)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{name}: {reason_of(error)}") from error
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content.removeprefix(bom).decode(encoding, "replace").encode("utf-8", "replace")
    return content


def _m3u(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, 1):
        entry = line.strip()
        if entry and not entry.startswith(b"#"):
            yield number, entry


def _pls(lines: list[bytes]) -> Iterator[tuple[int, bytes]]:
    found = [(number, match) for number, line in enumerate(lines, 1) if (match := _PLS_ENTRY.match(line))]
    for number, match in sorted(found, key=lambda one: int(one[1][1])):
        yield number, match[2]


def _entry(line: int, raw: bytes, folder: Path) -> Entry:
    text = _texts(raw)[0]
    if _ADDRESS.match(text):
        local = _path_of(text)
        if local is None:
            return Entry(line, text, None, "an address, not a local file")
        raw = local
    if b"\0" in raw:
        return Entry(line, text, None, "a NUL byte in a name")
    candidates = [str(folder / name) for name in dict.fromkeys(_names(raw))]
    path = next((one for one in candidates if os.path.lexists(one)), candidates[0])
    if is_playlist(path):
        return Entry(line, text, None, "a playlist in a playlist")
    return Entry(line, text, path)


def _path_of(address: str) -> bytes | None:
    """The local path that an address names, or None."""
    try:
        parts = urlsplit(address)
    except ValueError:  # "file://["
        return None
    if parts.scheme.lower() != "file" or parts.netloc.lower() not in ("", "localhost"):
        return None
    return unquote_to_bytes(parts.path)


def _texts(raw: bytes) -> list[str]:
    """What bytes may say, the likeliest first."""
    try:
        return [raw.decode("utf-8")]
    except UnicodeDecodeError:
        return [raw.decode("cp1252", "replace"), os.fsdecode(raw)]


def _names(raw: bytes) -> Iterator[str]:
    r"""Names that an entry may stand for: as written, with `/` for `\`, in the other forms of Unicode."""
    for text in _texts(raw):
        for name in (text, text.replace("\\", "/")):
            yield name
            for form in ("NFC", "NFD"):
                yield unicodedata.normalize(form, name)
