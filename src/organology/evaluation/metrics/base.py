"""What a metric is, and what it is computed from.

There are two kinds. Score metrics need no threshold; decision metrics count what is right and wrong at thresholds.
Both are computed for every label under rows of item weights, one row a resample, so that one preparation of the items
serves a whole bootstrap. A metric is NaN where it is not defined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from organology.evaluation.arrays import Floats, Targets

T = TypeVar("T")


class Items:
    """Items of an evaluation, and what metrics computed from them before.

    Parameters
    ----------
    targets : int8 array, shape (n_items, n_labels)
    scores : float array, shape (n_items, n_labels)
    """

    def __init__(self, targets: Targets, scores: Floats) -> None:
        self.targets, self.scores = targets, scores
        self._once: dict[str, Any] = {}
        self._weights: Floats | None = None
        self._for_weights: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What depends on the items only: made when it is first asked for."""
        if name not in self._once:
            self._once[name] = make()
        made: T = self._once[name]
        return made

    def for_weights(self, name: str, weights: Floats, make: Callable[[], T]) -> T:
        """What several metrics need of the same weights: made once for them."""
        if weights is not self._weights:
            self._weights, self._for_weights = weights, {}
        if name not in self._for_weights:
            self._for_weights[name] = make()
        made: T = self._for_weights[name]
        return made


class Counts(NamedTuple):
    """Right and wrong decisions: float arrays of one shape."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Where there are both present and absent items."""
        both: NDArray[np.bool_] = (self.tp + self.fn > 0) & (self.fp + self.tn > 0)
        return both


@dataclass(frozen=True)
class Metric:
    """A metric's names.

    Attributes
    ----------
    name : str
        In JSON and in Python.
    heading, short : str
        Over its column in tables, and in narrow ones.
    meaning : str
        For the docs.
    """

    name: str
    heading: str
    short: str
    meaning: str


@dataclass(frozen=True)
class ScoreMetric(Metric):
    """A metric that needs no threshold.

    Attributes
    ----------
    compute : callable
        From `Items` and weights of shape (n_weightings, n_items) to values of shape (n_weightings, n_labels).
    """

    compute: Callable[[Items, Floats], Floats]


@dataclass(frozen=True)
class DecisionMetric(Metric):
    """A metric of decisions at thresholds.

    Attributes
    ----------
    compute : callable
        From `Counts` to values of the same shape.
    has_intervals : bool
        Whether the labels' values have confidence intervals; the macro mean always has one.
    """

    compute: Callable[[Counts], Floats]
    has_intervals: bool = False
