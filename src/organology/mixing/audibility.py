"""Whether a source is heard in its mixture, and the labels that it then adds."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from organology.mixing.config import AudibilityConfig
from organology.taxonomy import PRESENT, UNKNOWN, LabelArray, union

Powers = NDArray[np.float32]
Audibility = Literal["audible", "uncertain", "inaudible"]


def frame_powers(samples: NDArray[np.float32], frame: int) -> Powers:
    """Mean square of each frame of `frame` samples.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    frame : int

    Returns
    -------
    float32 array, shape (ceil(n / frame),)
        The last frame may be shorter.

    Examples
    --------
    >>> frame_powers(np.array([1, 1, 0, 0, 2], dtype=np.float32), 2).tolist()
    [1.0, 0.0, 4.0]
    """
    whole = len(samples) // frame
    body = samples[: whole * frame].reshape(whole, frame)
    powers: Powers = np.einsum("ij,ij->i", body, body) / np.float32(frame)
    rest = samples[whole * frame :]
    if len(rest):
        powers = np.append(powers, np.mean(rest * rest))
    return np.asarray(powers, dtype=np.float32)


def sounding_rms(powers: Powers, depth_db: float = 40.0) -> float:
    """RMS over the frames that are not more than `depth_db` below the loudest; 0 for silence."""
    loudest = float(powers.max(initial=0))
    if loudest <= 0:
        return 0.0
    return float(np.sqrt(powers[powers >= loudest * 10 ** (-depth_db / 10)].mean()))


def judge(source: Powers, mixture: Powers, frame_seconds: float, config: AudibilityConfig) -> Audibility:
    """Whether a source is heard in its mixture; see `AudibilityConfig`.

    Parameters
    ----------
    source, mixture : float32 array, shape (n_frames,)
        As `frame_powers` gives them.
    frame_seconds : float
        Length of a frame.
    config : AudibilityConfig
    """
    sounds = source > 10 ** (config.floor_db / 10)

    def heard_seconds(depth_db: float) -> float:
        return float((sounds & (source >= mixture * 10 ** (-depth_db / 10))).sum()) * frame_seconds

    tolerance = frame_seconds / 100
    if heard_seconds(config.clear_db) >= config.clear_seconds - tolerance:
        return "audible"
    if heard_seconds(config.inaudible_db) < config.inaudible_seconds - tolerance:
        return "inaudible"
    return "uncertain"


def mixture_labels(labels: LabelArray, audibilities: list[Audibility]) -> LabelArray:
    """Labels of a mixture.

    An audible source adds its labels. An uncertain one makes those it has unknown, unless another source has them. An
    inaudible one adds nothing.

    Parameters
    ----------
    labels : int8 array, shape (n_sources, 15)
    audibilities : list of {"audible", "uncertain", "inaudible"}

    Returns
    -------
    int8 array, shape (15,)
    """
    vectors = []
    for vector, audibility in zip(labels, audibilities, strict=True):
        if audibility == "audible":
            vectors.append(vector)
        elif audibility == "uncertain":
            vectors.append(np.where(vector == PRESENT, UNKNOWN, vector).astype(np.int8))
    return union(vectors)
