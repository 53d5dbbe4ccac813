"""16-bit WAV read straight from the disk (or the system's page cache), without a decoder.

A stretch of such a file is one read at a known offset: a tenth of a millisecond for 4 s, whatever comes before it, and
the pages are shared by all processes that read it. A memory map would cost the same, but keep a file descriptor for
each file and end the process where a file is cut short under it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_PCM, _EXTENSIBLE = 1, 0xFFFE


@dataclass(frozen=True)
class Wav:
    """Where the samples of a mono 16-bit WAV file are: `frames` of them, `offset` bytes from its beginning."""

    offset: int
    frames: int

    def read(self, path: Path, start: int, frames: int) -> NDArray[np.int16]:
        """Frames `start` to `start + frames`, which have to be in the file.

        Raises
        ------
        OSError
            If they are not, or it cannot be read.
        """
        samples = np.fromfile(path, dtype="<i2", count=frames, offset=self.offset + 2 * start)
        if len(samples) != frames:
            raise OSError(f"ends after {start + len(samples)} frames, its header says {self.frames}")
        return samples


def find_samples(path: Path, sample_rate: int) -> Wav | None:
    """Read the header of a file.

    Returns
    -------
    Wav or None
        None if it is anything but whole, mono, 16-bit PCM WAV of this rate: a decoder has to read it, or refuse it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        return _walk(file, path.stat().st_size, sample_rate)


def _walk(file: BinaryIO, file_size: int, sample_rate: int) -> Wav | None:
    """Go from chunk to chunk up to the samples."""
    as_wanted = False
    while len(head := file.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        place = file.tell()
        if name == b"data":
            whole = size % 2 == 0 and place + size <= file_size
            return Wav(place, size // 2) if as_wanted and whole else None
        if name == b"fmt ":
            as_wanted = _is_mono_16_bit(file.read(size), sample_rate)
        file.seek(place + size + size % 2)
    return None


def _is_mono_16_bit(fmt: bytes, sample_rate: int) -> bool:
    if len(fmt) < 16:
        return False
    kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", fmt[:16])
    if kind == _EXTENSIBLE and len(fmt) >= 26:
        kind = int.from_bytes(fmt[24:26], "little")
    return (kind, channels, rate, bits) == (_PCM, 1, sample_rate, 16)
