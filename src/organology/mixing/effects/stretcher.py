"""Pitch shift and time stretch in one pass of the same stretcher."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

METHOD = "signalsmith_stretch"
"""Of pitch shift and time stretch: as fast as audiomentations' other method, and of better quality."""


def shift_and_stretch(
    samples: NDArray[np.float32], semitones: float, rate: float, sample_rate: int
) -> NDArray[np.float32]:
    """What audiomentations' PitchShift and TimeStretch do one after the other, at half the cost.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    semitones, rate : float
    sample_rate : int
        In Hz.

    Returns
    -------
    float32 array of near n / rate samples
    """
    import python_stretch

    stretch: Any = python_stretch.Signalsmith.Stretch()
    stretch.preset(1, sample_rate)
    stretch.setTransposeSemitones(semitones)
    stretch.setTimeFactor(rate)
    return np.asarray(stretch.process(samples[np.newaxis, :])[0], dtype=np.float32)
