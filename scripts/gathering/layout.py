"""From the files of a source to stems: whole, joined, summed, or hits played from drum MIDI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from organology import audio
from organology.errors import AudioError

Samples = NDArray[np.float32]

RATE = audio.SAMPLE_RATE
PEAK = 10 ** (-3 / 20)
SILENCE_DB, GAP_SECONDS, FADE_SECONDS = -48.0, (0.1, 0.4), 0.02
SHORTEST_SECONDS = 0.05


def read(path: Path, failures: list[str]) -> Samples | None:
    """A file, mono at 32 kHz; None, and a line in `failures`, if it cannot be read."""
    try:
        return _read_raw(path, "g722") if path.suffix == ".g722" else audio.read_mono(path)
    except (AudioError, av.error.FFmpegError) as error:
        failures.append(str(error) if str(path) in str(error) else f"{path}: {error}")
        return None


def _read_raw(path: Path, format_name: str) -> Samples:
    """A stream without a header, which FFmpeg has to be told the format of."""
    with av.open(str(path), format=format_name) as container:
        stream = container.streams.audio[0]
        to_mono = av.AudioResampler("flt", "mono", RATE)
        frames = [out for frame in (*container.decode(stream), None) for out in to_mono.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames] or [np.zeros(0, np.float32)])


def trim(samples: Samples, longest_seconds: float) -> Samples:
    """What is not more than 48 dB below the peak, from first to last, cut to a length and faded out."""
    peak = float(np.abs(samples).max(initial=0))
    if peak <= 0:
        return samples[:0]
    loud = np.flatnonzero(np.abs(samples) > peak * 10 ** (SILENCE_DB / 20))
    cut = samples[loud[0] : min(loud[-1] + 1, loud[0] + round(longest_seconds * RATE))].copy()
    fade = min(len(cut), round(FADE_SECONDS * RATE))
    cut[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut if len(cut) >= SHORTEST_SECONDS * RATE else cut[:0]


def at_peak(samples: Samples) -> Samples:
    """With its peak at -3 dBFS; silence stays."""
    peak = float(np.abs(samples).max(initial=0))
    return samples * np.float32(PEAK / peak) if peak > 0 else samples


def join(
    paths: Iterable[Path], seed: int, longest_seconds: float, file_seconds: float, even: bool, failures: list[str]
) -> Iterator[Samples]:
    """Short recordings one after the other, in an order fixed by the seed, with gaps, `file_seconds` to a piece.

    Parameters
    ----------
    paths : iterable of Path
    seed : int
    longest_seconds : float
        Each recording is cut off there.
    file_seconds : float
    even : bool
        Bring each recording to the same peak; else levels within the piece stay.
    failures : list of str
        Gets a line for each file that cannot be read.

    Yields
    ------
    float32 array, shape (frames,)
        With its peak at -3 dBFS.
    """
    rng = np.random.default_rng(seed)
    ordered = sorted(paths)
    piece: list[Samples] = []
    length = 0
    for place in rng.permutation(len(ordered)):
        samples = read(ordered[place], failures)
        cut = trim(samples, longest_seconds) if samples is not None else np.zeros(0, np.float32)
        if not len(cut):
            continue
        gap = np.zeros(round(float(rng.uniform(*GAP_SECONDS)) * RATE), dtype=np.float32)
        piece += [at_peak(cut) if even else cut, gap]
        length += len(cut) + len(gap)
        if length >= file_seconds * RATE:
            yield at_peak(np.concatenate(piece))
            piece, length = [], 0
    if length >= min(5.0, file_seconds) * RATE:
        yield at_peak(np.concatenate(piece))


def add_up(paths: Iterable[Path], failures: list[str]) -> Samples:
    """Recordings of one length and start added up, as long as the longest; empty if none can be read."""
    read_ones = [samples for path in sorted(paths) if (samples := read(path, failures)) is not None]
    total = np.zeros(max(map(len, read_ones), default=0), dtype=np.float32)
    for samples in read_ones:
        total[: len(samples)] += samples
    return total


def slug(text: str) -> str:
    """For a file name: lower case, words joined by underscores."""
    return "_".join(re.findall(r"[a-z0-9]+", text.lower())) or "stem"
