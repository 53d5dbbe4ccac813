"""What an effect is: settings, a draw of its parameters, and what these do to a source."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from organology.config import FORBID
from organology.mixing.ranges import check_probability
from organology.mixing.registry import Parameters

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Effect:
    """An effect on single sources. Subclasses are its settings, and say how it is drawn and applied.

    Attributes
    ----------
    probability : float
        Of each source.
    """

    __pydantic_config__ = FORBID
    name: ClassVar[str]
    changes_pitch_or_time: ClassVar[bool] = False
    """Left out of musical mixtures: their sources stay together."""

    probability: float = 0.0

    def __post_init__(self) -> None:
        check_probability(f"{self.name}.probability", self.probability)

    @property
    def is_on(self) -> bool:
        """Whether it can be drawn."""
        return self.probability > 0

    def disabled(self) -> Self:
        """The same settings with probability 0."""
        return dataclasses.replace(self, probability=0.0)

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
