"""What a file is by its content, and the compressed audio in it, to be compared."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

from organology.errors import OrganologyError

SUFFIXES = {
    "mp3": (".mp3",),
    "wav": (".wav", ".wave"),
    "aiff": (".aif", ".aiff", ".aifc"),
    "flac": (".flac",),
    "ogg vorbis": (".ogg", ".oga"),
    "ogg opus": (".opus", ".ogg", ".oga"),
    "ogg flac": (".oga", ".ogg"),
    "mp4": (".m4a", ".m4b", ".mp4", ".m4v"),
}
"""The containers that carry our fields, and the suffixes that tell them."""

_OGG_CODECS = {b"\x01vorbis": "ogg vorbis", b"OpusHead": "ogg opus", b"\x7fFLAC": "ogg flac"}
_HEAD_BYTES = 64
_ID3_HEAD_BYTES = 10


def container(path: Path) -> str | None:
    """One of `SUFFIXES` by what the file begins with; None if it is something else.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if head[:3] == b"ID3" and len(head) > _ID3_HEAD_BYTES:
            return "flac" if _behind_id3(head, file) == b"fLaC" else "mp3"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return next((kind for mark, kind in _OGG_CODECS.items() if mark in head), None)
    if head[4:8] == b"ftyp":
        return "mp4"
    is_mpeg_layer_3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 == 0x02
    return "mp3" if is_mpeg_layer_3 else None


def _behind_id3(head: bytes, file: BinaryIO) -> bytes:
    """The four bytes behind the tag; its length has seven bits a byte."""
    length = 0
    for byte in head[6:_ID3_HEAD_BYTES]:
        length = length << 7 | byte & 0x7F
    file.seek(_ID3_HEAD_BYTES + length)
    return file.read(4)


def packets(path: Path, name: Path) -> tuple[Any, ...]:
    """What identifies the audio in a file: of each audio stream the codec, rate, channels and a digest of all packets.

    Nothing is decoded, so this is as fast as reading.

    Parameters
    ----------
    path : Path
    name : Path
        What errors call it.

    Raises
    ------
    OrganologyError
        "NAME: reason" if it cannot be read, or has no audio.
    """
    import av

    from organology.audio.decoding.av_open import av_open

    try:
        with path.open("rb") as file, av_open(file) as opened:
            streams = opened.streams.audio
            digests = {stream.index: hashlib.blake2b() for stream in streams}
            if streams:
                for packet in opened.demux(list(streams)):
                    digests[packet.stream.index].update(bytes(packet))
            found = tuple(
                (stream.codec_context.name, stream.rate, stream.channels, digests[stream.index].digest())
                for stream in streams
            )
    except (av.FFmpegError, OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise OrganologyError(f"{name}: tags were not written: its audio cannot be read: {told}") from error
    if not found:
        raise OrganologyError(f"{name}: tags were not written: no audio in it")
    return found
