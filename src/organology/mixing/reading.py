"""Chunks of stems, read by seeking."""

from __future__ import annotations

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from organology.errors import AudioError
from organology.mixing.cache import Cache
from organology.mixing.wav import Wav, find_samples

Samples = NDArray[np.float32]

_FULL_SCALE = np.float32(1 / 32_768)


class _File(soundfile.SoundFile):  # type: ignore[misc]
    """A file that each read leaves where it ends.

    Where a file says that it can seek, soundfile puts it after each read where it already is; in FLAC this costs
    as much as the read. `seek` itself asks nothing of this.
    """

    def seekable(self) -> bool:
        return False


class ChunkReader:
    """Reads chunks of mono files and keeps the last files open; one per process, not for threads.

    16-bit WAV is read straight from the disk and stands in no cache of ours (see `wav`), anything else by libsndfile.

    Pickled or forked, it starts with no file open: an open file's position is shared between a process and its fork.

    Parameters
    ----------
    sample_rate : int
        That the files have to have, in Hz.
    max_open : int
        So many files stay open; the one not used for longest is closed first.
    cache : Cache or None
        Files are decoded whole and kept as long as they fit; further ones are read by seeking.
    """

    def __init__(self, sample_rate: int, max_open: int = 128, cache: Cache | None = None) -> None:
        self.sample_rate, self.max_open, self.cache = sample_rate, max_open, cache or Cache(0)
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._open: OrderedDict[Path, _File] = OrderedDict()
        self._wavs: dict[Path, Wav | None] = {}
        self._pid = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {"sample_rate": self.sample_rate, "max_open": self.max_open, "cache": self.cache}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def close(self) -> None:
        """Close all files."""
        for file in self._open.values():
            file.close()
        self._start_afresh()

    def read(self, path: Path, start: int, frames: int) -> Samples:
        """Frames `start` to `start + frames` of a file; what lies before or after it is silence.

        Returns
        -------
        float32 array, shape (frames,)

        Raises
        ------
        AudioError
            If the file cannot be read, is not mono, has another sample rate, or holds samples that are not finite.
        """
        if os.getpid() != self._pid:
            self._start_afresh()
        try:
            samples = self._read(path, start, frames)
        except (OSError, soundfile.SoundFileError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or error
            raise AudioError(f"{path}: {' '.join(str(reason).split())}") from error
        if not np.isfinite(samples.sum()):
            raise AudioError(f"{path}: samples that are not finite near frame {start}")
        return samples

    def _read(self, path: Path, start: int, frames: int) -> Samples:
        skip = max(0, -start)
        wav = self._wav(path)
        if wav is not None:
            return self._straight(path, wav, start, frames)
        whole = self.cache.get(path)
        file = None if whole is not None else self._file(path)
        if file is not None and self.cache.has_room(1):
            whole = self._keep(path, file)
        length = len(whole) if whole is not None else file.frames  # type: ignore[union-attr]
        count = max(0, min(start + frames, length) - max(start, 0))
        chunk = np.empty(frames, dtype=np.float32)
        chunk[:skip] = 0
        chunk[skip + count :] = 0
        if count == 0:
            chunk[:] = 0
        elif whole is not None:
            piece = whole[start + skip : start + skip + count]
            np.multiply(piece, _scale(whole), out=chunk[skip : skip + count], dtype=np.float32)
        else:
            assert file is not None
            file.seek(start + skip)
            read = file.read(out=chunk[skip : skip + count])
            if len(read) != count:
                raise OSError(f"ends after {start + skip + len(read)} frames, its header says {length}")
        return chunk

    def _wav(self, path: Path) -> Wav | None:
        if path not in self._wavs:
            self._wavs[path] = find_samples(path, self.sample_rate)
        return self._wavs[path]

    def _straight(self, path: Path, wav: Wav, start: int, frames: int) -> Samples:
        first, last = min(max(start, 0), wav.frames), max(0, min(start + frames, wav.frames))
        chunk = np.zeros(frames, dtype=np.float32)
        if last > first:
            samples = wav.read(path, first, last - first)
            np.multiply(samples, _FULL_SCALE, out=chunk[first - start : last - start], dtype=np.float32)
        return chunk

    def _keep(self, path: Path, file: _File) -> NDArray[Any] | None:
        """The whole file, 16-bit where it is stored so, if it still fits in the cache."""
        dtype = "int16" if file.subtype == "PCM_16" else "float32"
        if not self.cache.has_room(file.frames * np.dtype(dtype).itemsize):
            return None
        file.seek(0)
        whole: NDArray[Any] = file.read(file.frames, dtype=dtype)
        if len(whole) != file.frames:
            raise OSError(f"ends after {len(whole)} frames, its header says {file.frames}")
        self.cache.keep(path, whole)
        self._open.pop(path).close()
        return whole

    def _file(self, path: Path) -> _File:
        file = self._open.get(path)
        if file is not None:
            self._open.move_to_end(path)
            return file
        file = _File(path)
        if file.channels != 1 or file.samplerate != self.sample_rate:
            found = f"{file.channels} channels at {file.samplerate} Hz"
            file.close()
            raise AudioError(f"{path}: {found}; mixing needs 1 at {self.sample_rate} Hz")
        if len(self._open) >= self.max_open:
            self._open.popitem(last=False)[1].close()
        self._open[path] = file
        return file


def _scale(whole: NDArray[Any]) -> np.float32:
    return _FULL_SCALE if whole.dtype == np.int16 else np.float32(1)
