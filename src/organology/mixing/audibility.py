"""Whether a source is heard in its mixture, and the labels that it then adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from organology.config import FORBID
from organology.labels import PRESENT, UNKNOWN, LabelArray, LabelSet
from organology.mixing.ranges import check

Powers = NDArray[np.float32]
Audibility = Literal["audible", "uncertain", "inaudible"]


@dataclass(frozen=True)
class AudibilityConfig:
    """When a source is heard in its mixture, and so adds its labels. Not in the paper.

    Source and mixture are measured in frames. In a frame a source is heard at Y dB where it is above `floor_db` and
    not more than Y dB below the mixture. It is *audible* if it is heard at `clear_db` for `clear_seconds` in all: its
    labels are set. It is *inaudible* if it is heard at `inaudible_db` for less than `inaudible_seconds`: it adds no
    label. Between the two it is *uncertain*: its labels become unknown.

    Attributes
    ----------
    clear_db, clear_seconds : float
    inaudible_db, inaudible_seconds : float
    floor_db : float
        RMS level of a frame, in dB of full scale, below which nothing sounds.
    frame_seconds : float
    """

    __pydantic_config__ = FORBID
    clear_db: float = 20.0
    clear_seconds: float = 0.3
    inaudible_db: float = 40.0
    inaudible_seconds: float = 0.1
    floor_db: float = -60.0
    frame_seconds: float = 0.05

    def __post_init__(self) -> None:
        check(
            self.clear_db <= self.inaudible_db,
            f"audibility.clear_db must not be above inaudible_db ({self.inaudible_db}), got {self.clear_db}",
        )
        check(
            0 < self.inaudible_seconds <= self.clear_seconds,
            "audibility.inaudible_seconds must be above 0 and not above clear_seconds "
            f"({self.clear_seconds}), got {self.inaudible_seconds}",
        )
        check(self.frame_seconds > 0, f"audibility.frame_seconds must be above 0, got {self.frame_seconds}")


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


def mixture_labels(labels: LabelArray, audibilities: Sequence[Audibility], label_set: LabelSet) -> LabelArray:
    """Labels of a mixture.

    An audible source adds its labels. An uncertain one makes those it has unknown, unless another source has them. An
    inaudible one adds nothing.

    Parameters
    ----------
    labels : int8 array, shape (n_sources, n_labels)
    audibilities : sequence of {"audible", "uncertain", "inaudible"}
    label_set : LabelSet

    Returns
    -------
    int8 array, shape (n_labels,)
    """
    vectors = []
    for vector, audibility in zip(labels, audibilities, strict=True):
        if audibility == "audible":
            vectors.append(vector)
        elif audibility == "uncertain":
            vectors.append(np.where(vector == PRESENT, UNKNOWN, vector).astype(np.int8))
    return label_set.union(vectors)
