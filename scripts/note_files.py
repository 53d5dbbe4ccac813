"""Recorded notes and strokes, a file each, as they are played by the scripts beside this one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from organology.audio import SAMPLE_RATE

Samples = NDArray[np.float32]


def read_from_onset(path: Path, share: float, lead: int = 64, longest: int | None = None) -> Samples:
    """A recorded note: mono, 32 kHz, the silence before it cut off; empty where it is silent.

    Parameters
    ----------
    path : Path
    share : float
        Of the peak: the onset is the first sample above it.
    lead : int
        Samples before the onset that stay.
    longest : int, optional
        Samples of the file, at 32 kHz, after which it is cut.

    Returns
    -------
    float32 array, shape (frames,)

    Raises
    ------
    soundfile.LibsndfileError
        If the file cannot be read.
    """
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = np.asarray(soxr.resample(sound.mean(axis=1), rate, SAMPLE_RATE), dtype=np.float32)[:longest]
    loud = np.flatnonzero(np.abs(mono) > share * max(float(np.abs(mono).max(initial=0)), 1e-6))
    return mono[max(int(loud[0]) - lead, 0) :] if len(loud) else mono[:0]
