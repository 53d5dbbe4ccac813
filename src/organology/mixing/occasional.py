"""Settings of what is drawn with a probability: an effect on each source, a transform of each mixture."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self

from organology.config import FORBID
from organology.mixing.ranges import check_probability


@dataclass(frozen=True)
class Occasional:
    """Settings of a member of a registry that is drawn with a probability.

    Attributes
    ----------
    probability : float
        That it is drawn.

    Raises
    ------
    ValueError
        If the probability is none.
    """

    __pydantic_config__ = FORBID
    name: ClassVar[str]

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
