"""What a transform of the channel is: settings, a draw of its parameters, and what these do to sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from organology.config import FORBID
from organology.mixing.occasional import Occasional
from organology.mixing.ranges import Range, log_uniform, uniform
from organology.mixing.registry import Parameters

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Player:
    """What a transform of single sources may know of one.

    Attributes
    ----------
    instruments : frozenset of str
        Concepts that sound in it.
    word : str
        What its corpus calls it.
    """

    instruments: frozenset[str]
    word: str


@dataclass(frozen=True)
class Transform:
    """A transform on the way from the band to the file. Subclasses are its settings."""

    __pydantic_config__ = FORBID
    name: ClassVar[str]

    @property
    def is_on(self) -> bool:
        """Whether it can be drawn."""
        raise NotImplementedError

    def disabled(self) -> Self:
        """The same settings, never drawn."""
        raise NotImplementedError

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """Sound after the transform.

        Parameters
        ----------
        samples : float32 array, shape (n,)
            Not to be changed.
        sample_rate : int
            In Hz.
        **parameters
            As `draw` gave them; of a `MixtureTransform` that `needs_sources`, also `sources`.

        Returns
        -------
        float32 array, shape (n,)
        """
        raise NotImplementedError


@dataclass(frozen=True)
class SourceTransform(Transform):
    """A transform of single sources, before they are added up."""

    def draw(self, rng: np.random.Generator, player: Player) -> Parameters | None:
        """Parameters for one source, as `apply` takes them; None where it is left as it is."""
        raise NotImplementedError


@dataclass(frozen=True)
class MixtureTransform(Occasional, Transform):
    """A transform of a mixture, once its labels are set.

    Attributes
    ----------
    probability : float
        Of each mixture.
    """

    needs_sources: ClassVar[bool] = False
    """`apply` is given the sources beside their sum: `sources`, a list of float32 arrays of shape (n,)."""

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """Parameters for a mixture of so many sources, as `apply` takes them: plain values."""
        raise NotImplementedError


def draw_seed(rng: np.random.Generator) -> int:
    """A seed for chance within `apply`: noise is too long for the parameters."""
    return int(rng.integers(2**32))


def draw_peaks(rng: np.random.Generator, count: int, hz: Range, gain_db: float) -> list[list[float]]:
    """Resonances: Hz, gain in dB (at most `gain_db` up or down), quality factor."""
    return [[log_uniform(rng, hz), uniform(rng, (-gain_db, gain_db)), uniform(rng, (0.7, 4.0))] for _ in range(count)]
