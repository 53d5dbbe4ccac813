"""Headers of uncompressed sound that declare a length that cannot be true.

A recorder that died, or that wrote into a pipe, leaves 0, the highest number or a stale length where that of the sound
should stand; in WAV over 4 GiB it wraps around. The sound then reaches to the end of the file, and `mended` gives the
file with such a header. Where the file is shorter than a plausible length, it is cut, and stays as it is.

Forms: RIFF and RIFX (https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html), RF64 (EBU Tech 3306), AIFF
(Apple, 1989), AU, CAF (Apple Core Audio Format), Sony Wave64.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from organology.audio.containers.mpeg import TAGS
from organology.audio.sources.source import OpenSource
from organology.audio.sources.view import View

_SLACK = 2**16  # bytes behind the sound that are no chunk and need no explanation
_ROUNDING = 8  # bytes missing at the end that mean nothing
_WRAP = 2**32
_PLACEHOLDERS = (10**9, 2 * 10**9, 4 * 10**9, 2**30, 2**31, 2**32)  # and a header's length more or less
_HUGE = 2**60
_LAYER_III = b"\x55\0"  # the format tag
MP3_DELAY = 576 + 529
"""Samples by which LAME and a decoder delay sound; others delay it by as much or more."""

_MAX_CHUNKS = 10_000
_CHUNK_ID = re.compile(rb"[A-Za-z0-9_ (\xa9.-]{4}")
_KNOWN_IDS = frozenset(
    b"LIST id3  ID3  bext iXML cue  smpl fact PEAK JUNK FLLR afsp _PMX aXML umid inst acid levl plst note labl PAD "
    b"COMT NAME AUTH ANNO MARK INST APPL COMM CHAN uuid info free strg mark midi chan kuki pakt desc data".split(b" ")
)


@dataclass(frozen=True)
class _Chunks:
    """How the chunks of a container stand in it."""

    first: int  # offset
    payload: bytes  # id of the chunk that holds the sound
    size: str  # of the length of a chunk, for struct
    align: int = 1
    counts_itself: bool = False  # a chunk's length counts its id and length

    @property
    def size_bytes(self) -> int:
        return struct.calcsize(self.size)

    @property
    def head_bytes(self) -> int:
        return len(self.payload) + self.size_bytes


_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_CONTAINERS = {
    b"RIFF": _Chunks(12, b"data", "<I", 2),
    b"RIFX": _Chunks(12, b"data", ">I", 2),
    b"RF64": _Chunks(12, b"data", "<I", 2),
    b"BW64": _Chunks(12, b"data", "<I", 2),
    b"FORM": _Chunks(12, b"SSND", ">I", 2),
    b"caff": _Chunks(8, b"data", ">Q"),
    b"riff": _Chunks(40, b"data" + _W64_TAIL, "<Q", 8, counts_itself=True),
}
_AU = {b".snd": ">", b"dns.": "<"}
_READ_ANYWAY = (b"RIFF", b"RIFX", b"FORM")  # libsndfile itself takes the file's end for a length beyond it
_WHOLE = {b"RIFF": (4, "<I"), b"RIFX": (4, ">I"), b"FORM": (4, ">I"), b"riff": (16, "<Q")}
_DS64_SIZES = (20, "<QQQ")  # of the file, the sound, and its frames: the first chunk of RF64


@dataclass(frozen=True)
class _Payload:
    """Where the sound stands in a file, and what the header says of its length."""

    start: int
    declared: int
    field: tuple[int, str]  # offset and form of the length
    extra: int = 0  # counted in the length, besides the sound


def mended(source: OpenSource) -> OpenSource:
    """The source with the length of its sound that the file has, where its header cannot be true.

    Parameters
    ----------
    source : OpenSource

    Returns
    -------
    OpenSource
        The same one if its header may be true, with `cut` where the file ends early; else a view, to be closed. It is
        `endless` where the container cannot tell the length of what it holds.
    """
    if source.head[:4] not in _CONTAINERS and source.head[:4] not in _AU:
        return source
    with source.opened() as opened:
        file = View(opened)
        payload = _payload(file, source.head[:4])
        if payload is None:
            return source
        end = _true_end(file, source, payload)
    if end is None:
        return replace(source, cut=payload.start + payload.declared > source.size + _ROUNDING)
    if payload.start + payload.declared >= end and source.head[:4] in _READ_ANYWAY:
        return source
    return _with_end(source, payload, end)


def _true_end(file: View, source: OpenSource, payload: _Payload) -> int | None:
    """Where the sound ends if not where the header says, or where a file ends that is cut."""
    held, declared = source.size - payload.start, payload.declared
    behind = held - declared
    if held <= 0:
        return None
    if behind < 0:
        return source.size if _is_placeholder(declared) else None
    layout = _CONTAINERS.get(source.head[:4])
    end = payload.start + declared
    if behind <= min(_SLACK, declared) or _explained(file, end, source.size, layout):
        return None
    for wrapped in range(end + _WRAP, source.size, _WRAP):
        if _explained(file, wrapped, source.size, layout):
            return wrapped
    return source.size


def _is_placeholder(declared: int) -> bool:
    return declared >= _HUGE or any(abs(declared - value) <= _SLACK for value in _PLACEHOLDERS)


def _explained(file: View, end: int, size: int, layout: _Chunks | None) -> bool:
    """Whether what stands behind the sound is a chunk, a tag or padding, and not more sound."""
    if end >= size:
        return True
    file.seek(end)
    behind = file.read(4096)
    if behind.startswith(TAGS) or (not any(behind) and size - end < end):  # a tag; padding
        return True
    if layout is None:
        return False
    for at in range(-(-end // layout.align) * layout.align - end, -1, -1):  # with the byte of padding, or without
        name, length = _chunk(behind[at:], layout)
        if name in _KNOWN_IDS or name.endswith(_W64_TAIL):
            return True
        if _CHUNK_ID.fullmatch(name[:4]) and end + at + length <= size:
            return True
    return False


def _chunk(head: bytes, layout: _Chunks) -> tuple[bytes, int]:
    """Id and length, head included, of the chunk that begins there."""
    if len(head) < layout.head_bytes:
        return b"", 0
    n_id = len(layout.payload)
    (size,) = struct.unpack_from(layout.size, head, n_id)
    return head[:n_id], size if layout.counts_itself else size + layout.head_bytes


def _payload(file: View, magic: bytes) -> _Payload | None:
    if magic in _AU:
        file.seek(0)
        head = file.read(24)
        if len(head) < 24:
            return None
        start, declared = struct.unpack_from(_AU[magic] + "II", head, 4)
        return _Payload(start, declared, (8, _AU[magic] + "I"))
    layout = _CONTAINERS[magic]
    for at, name, length in _chunks(file, layout):
        if name == layout.payload:
            field = (at + len(name), layout.size)
            declared = max(0, length - layout.head_bytes)
            if magic in (b"RF64", b"BW64"):
                file.seek(_DS64_SIZES[0])
                sizes = file.read(24)
                if declared in (0, 0xFFFF_FFFF) and len(sizes) == 24:
                    declared = struct.unpack(_DS64_SIZES[1], sizes)[1]
            return _Payload(at + layout.head_bytes, declared, field, layout.head_bytes if layout.counts_itself else 0)
    return None


def _chunks(file: View, layout: _Chunks) -> Iterator[tuple[int, bytes, int]]:
    """Offset, id and length of each chunk."""
    at = layout.first
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        name, length = _chunk(file.read(layout.head_bytes), layout)
        if not name:
            return
        yield at, name, length
        at = -(-(at + max(length, layout.head_bytes)) // layout.align) * layout.align


def mp3_span(source: OpenSource) -> tuple[int, int | None] | None:
    """Where among the decoded samples of MPEG layer III in WAV the sound is.

    Before it stands the delay of encoder and decoder, which no field of such files tells. `fact` counts the samples;
    FFmpeg counts the delay among them.

    Returns
    -------
    (int, int or None) or None
        The first sample, and the one behind the last if the file counts them; None of another kind of file.
    """
    if source.head[:4] != b"RIFF":
        return None
    layout = _CONTAINERS[b"RIFF"]
    chunks: dict[bytes, bytes] = {}
    with source.opened() as opened:
        file = View(opened)
        for at, name, _ in _chunks(file, layout):
            if name == layout.payload:
                break
            file.seek(at + layout.head_bytes)
            chunks[name] = file.read(64)
    if chunks.get(b"fmt ", b"")[:2] != _LAYER_III:
        return None
    if len(fact := chunks.get(b"fact", b"")) < 4 or not (count := int.from_bytes(fact[:4], "little")):
        return MP3_DELAY, None
    return MP3_DELAY, count if b"Lavf" in chunks.get(b"LIST", b"") else count + MP3_DELAY


def _with_end(source: OpenSource, payload: _Payload, end: int) -> OpenSource:
    at, form = payload.field
    length = end - payload.start
    highest = 2 ** (8 * struct.calcsize(form)) - 1
    patches = {at: struct.pack(form, min(length + payload.extra, highest))}
    magic = source.head[:4]
    if magic in _WHOLE:
        whole_at, whole_form = _WHOLE[magic]
        whole = end if magic == b"riff" else end - 8
        patches[whole_at] = struct.pack(whole_form, min(whole, 2 ** (8 * struct.calcsize(whole_form)) - 1))
    elif magic in (b"RF64", b"BW64"):
        patches[at] = b"\xff" * 4
        patches[_DS64_SIZES[0]] = struct.pack(_DS64_SIZES[1], end - 8, length, 0)
    return replace(source.view(0, end, patches), cut=False, endless=length + payload.extra > highest)
