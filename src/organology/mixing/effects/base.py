"""What an effect is: settings, a draw of its parameters, and what these do to a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from organology.mixing.occasional import Occasional
from organology.mixing.registry import Parameters

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Effect(Occasional):
    """An effect on single sources. Subclasses are its settings, and say how it is drawn and applied.

    Attributes
    ----------
    probability : float
        Of each source.
    """

    changes_pitch_or_time: ClassVar[bool] = False
    """Left out of musical mixtures: their sources stay together."""

    def check_sample_rate(self, sample_rate: int) -> None:
        """Raise ValueError if the settings do not fit a sample rate in Hz."""

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Parameters for one source, as `apply` takes them: plain values."""
        raise NotImplementedError

    @classmethod
    def apply(cls, samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """A source after the effect.

        Parameters
        ----------
        samples : float32 array, shape (n,)
            Not to be changed.
        sample_rate : int
            In Hz.
        **parameters
            As `draw` gave them.

        Returns
        -------
        float32 array, shape (n,); another length only where `input_frames` says so
        """
        raise NotImplementedError

    @classmethod
    def input_frames(cls, frames: int, **parameters: Any) -> int:
        """So many frames have to go in for `frames` to come out."""
        return frames


def apply_frozen(transform: Any, samples: Samples, sample_rate: int, parameters: Parameters) -> Samples:
    """Apply an audiomentations transform with our parameters.

    audiomentations draws from Python's and numpy's global generators. Frozen with parameters set, its
    `randomize_parameters` never runs.
    """
    transform.parameters = {"should_apply": True, **parameters}
    transform.freeze_parameters()
    return transform(samples, sample_rate)  # type: ignore[no-any-return]
