"""A few seconds out of the middle of a file, without decoding what comes before.

libsndfile seeks in FLAC, WAV and Ogg Vorbis, exactly. In mp3 FFmpeg goes by the bit rate or by the table in the file's
header, without reading what comes before: exact to a frame (26 ms) at a constant bit rate, to about a second at
a variable one. The same request always gives the same samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from organology.audio import SAMPLE_RATE
from organology.audio.decoding.av_open import av_open
from organology.errors import AudioError

Samples = NDArray[np.float32]

_OPTIONS = {"fflags": "fastseek", "format_whitelist": "mp3", "protocol_whitelist": "file"}
_WARM_UP = 0.15  # s: an mp3 frame needs some before it
_MARGIN = 0.02  # s: the resampler's edges
_TAIL = 2.0  # s before the end where decoding is tried


def read_span(path: Path, start: int, frames: int) -> Samples:
    """Some seconds of a file, mono at 32 kHz.

    Parameters
    ----------
    path : Path
        mp3, or what libsndfile seeks in.
    start : int
        In frames at 32 kHz.
    frames : int
        At 32 kHz.

    Returns
    -------
    float32 array, shape (frames,)
        Silence where the file has ended.

    Raises
    ------
    AudioError
        "PATH: reason" if the file cannot be read there.
    """
    begin = max(start / SAMPLE_RATE - _MARGIN, 0.0)
    seconds = (start + frames) / SAMPLE_RATE + _MARGIN - begin
    samples, rate = _mp3(path, begin, seconds) if _is_mp3(path) else _sndfile(path, begin, seconds)
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: samples that are not finite near {begin:.1f} s")
    if rate != SAMPLE_RATE:
        samples = soxr.resample(samples, rate, SAMPLE_RATE, quality="HQ")
    skip = start - round(begin * SAMPLE_RATE)
    samples = samples[skip : skip + frames]
    return np.pad(samples, (0, frames - len(samples))).astype(np.float32, copy=False)


def probe(path: Path) -> tuple[float, str]:
    """Whether a file can be read at its beginning and at its end.

    Returns
    -------
    seconds : float
        Its length.
    note : str
        What is wrong with it though it can be used, or "".

    Raises
    ------
    AudioError
        "PATH: reason" if it cannot be used.
    """
    if not _is_mp3(path):
        try:
            with soundfile.SoundFile(path) as file:
                seconds = file.frames / file.samplerate
        except (soundfile.SoundFileError, OSError, RuntimeError) as error:
            raise AudioError(f"{path}: {_reason(error)}") from error
        _sndfile(path, max(seconds - _TAIL, 0.0), _TAIL)
        return seconds, ""
    _mp3(path, 0.0, 0.5)
    declared = _declared(path)
    try:
        _mp3(path, max(declared - _TAIL, 0.0), _TAIL / 2)
    except AudioError:
        measured = _measured(path)
        return measured, f"broken off: {measured:.1f} of {declared:.1f} s"
    return declared, ""


def _is_mp3(path: Path) -> bool:
    return path.suffix.lower() == ".mp3"


def _sndfile(path: Path, begin: float, seconds: float) -> tuple[Samples, int]:
    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            first = min(round(begin * rate), file.frames)
            file.seek(first)
            block = file.read(math.ceil(seconds * rate), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError) as error:
        raise AudioError(f"{path}: {_reason(error)}") from error
    if not len(block):
        raise AudioError(f"{path}: no samples at {begin:.1f} s")
    return block.mean(axis=1, dtype=np.float32), rate


def _mp3(path: Path, begin: float, seconds: float) -> tuple[Samples, int]:
    """Mono samples from `begin` on, as many seconds as there are, at the file's rate."""
    parts: list[Samples] = []
    rate, first, have = 0, 0.0, 0
    try:
        with av_open(str(path), _OPTIONS) as container:
            stream: Any = container.streams.audio[0]
            origin = stream.start_time or 0  # the encoder's delay
            if begin > _WARM_UP:
                container.seek(origin + int((begin - _WARM_UP) / stream.time_base), stream=stream)
            for frame in _frames(container, stream):
                if not parts:
                    rate, first = frame.sample_rate, float((frame.pts - origin) * stream.time_base)
                if frame.sample_rate != rate:
                    break
                parts.append(_mono(frame))
                have += len(parts[-1])
                if first + have / rate >= begin + seconds:
                    break
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise AudioError(f"{path}: {_reason(error)}") from error
    skip = max(0, round((begin - first) * rate))
    if have <= skip:
        raise AudioError(f"{path}: nothing can be decoded at {begin:.1f} s")
    return np.concatenate(parts)[skip : skip + math.ceil(seconds * rate)], rate


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError):
            continue  # a damaged packet; the next ones may be whole
        yield from (frame for frame in frames if frame.pts is not None)


def _mono(frame: Any) -> Samples:
    samples: NDArray[Any] = frame.to_ndarray()
    samples = samples if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "i":
        samples = samples / float(-np.iinfo(samples.dtype).min)
    return np.asarray(samples.mean(axis=0, dtype=np.float32))


def _declared(path: Path) -> float:
    with av_open(str(path), _OPTIONS) as container:
        return float((container.duration or 0) / av.time_base)


def _measured(path: Path) -> float:
    """Length by the packets, none decoded."""
    with av_open(str(path), _OPTIONS) as container:
        stream: Any = container.streams.audio[0]
        packets: Iterator[Any] = container.demux(stream)
        ends = [packet.pts + (packet.duration or 0) for packet in packets if packet.pts is not None]
        return float(max(ends, default=0) * stream.time_base)


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
