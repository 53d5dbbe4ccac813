"""Ogg Vorbis files that are the same, byte for byte, whenever they are written.

libsndfile draws the serial number of an Ogg stream at random. Here it is a hash of a name; the checksum of every page
is made anew (RFC 3533, section 6).
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from organology.atomic import written_whole

_BLOCK = 16_384


def write(path: Path, samples: NDArray[np.float32], sample_rate: int, quality: float, name: str) -> None:
    """Write mono samples, float32 of shape (frames,), at a Vorbis quality of 0 to 1."""
    with written_whole(path) as temporary:
        form = {"format": "OGG", "subtype": "VORBIS", "compression_level": 1.0 - quality}
        with soundfile.SoundFile(temporary, "w", sample_rate, 1, **form) as file:
            for start in range(0, len(samples), _BLOCK):  # libsndfile overflows the stack on long writes
                file.write(samples[start : start + _BLOCK])
        serial = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
        temporary.write_bytes(with_serial(temporary.read_bytes(), serial))


def with_serial(data: bytes, serial: int) -> bytes:
    """An Ogg file with another serial number on each page.

    Raises
    ------
    ValueError
        If the data are not whole Ogg pages.
    """
    pages, at = [], 0
    while at < len(data):
        if data[at : at + 4] != b"OggS":
            raise ValueError(f"no Ogg page at byte {at}")
        n_segments = data[at + 26]
        end = at + 27 + n_segments + sum(data[at + 27 : at + 27 + n_segments])
        page = bytearray(data[at:end])
        page[14:18] = struct.pack("<I", serial)
        page[22:26] = bytes(4)
        page[22:26] = struct.pack("<I", _checksum(page))
        pages.append(bytes(page))
        at = end
    return b"".join(pages)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return table


_TABLE = _table()


def _checksum(page: bytearray) -> int:
    value = 0
    for byte in page:
        value = ((value << 8) & 0xFFFFFFFF) ^ _TABLE[(value >> 24) ^ byte]
    return value
