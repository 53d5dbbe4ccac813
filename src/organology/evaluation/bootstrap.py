"""Confidence intervals: percentile bootstrap over groups.

Mixtures of one song are not independent, so whole songs are drawn with replacement (Efron and Tibshirani, 1993, the
bootstrap for clustered data). Where a label has lost its present or its absent items in a resample, that resample
says nothing of the label; `arrays.macro_mean` is its macro figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from organology.evaluation.arrays import Floats

ROWS_AT_ONCE = 50


@dataclass(frozen=True)
class Estimate:
    """A figure with its confidence interval; NaN where it is not defined.

    Attributes
    ----------
    value : float
        Of the items as they are.
    low, high : float
        Ends of the interval.
    """

    value: float
    low: float = float("nan")
    high: float = float("nan")

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "-"
        interval = f" [{self.low:.3f}, {self.high:.3f}]" if np.isfinite(self.low) else ""
        return f"{self.value:.3f}{interval}"


def group_numbers(groups: ArrayLike | None, n_items: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], int]:
    """Number the groups: the group of every item, shape (n_items,), and how many there are.

    Without groups every item is one of its own.

    Raises
    ------
    ValueError
        If there is not one group for each item.
    """
    if groups is None:
        return np.arange(n_items), n_items
    array = np.asarray(groups)
    if array.shape != (n_items,):
        raise ValueError(f"groups name each of {n_items} items, not {array.shape}")
    names, numbers = np.unique(array, return_inverse=True)
    return numbers.astype(np.intp).reshape(n_items), len(names)


def weightings(groups: ArrayLike | None, n_items: int, n_resamples: int, seed: int) -> Iterator[Floats]:
    """How often each item counts in each resample, in blocks of shape (up to 50, n_items)."""
    numbers, n_groups = group_numbers(groups, n_items)
    rng = np.random.default_rng(seed)
    even = np.full(n_groups, 1 / n_groups)
    for start in range(0, n_resamples, ROWS_AT_ONCE):
        drawn = rng.multinomial(n_groups, even, size=min(ROWS_AT_ONCE, n_resamples - start))
        yield drawn[:, numbers].astype(np.float64)


def resampled(
    statistic: Callable[[Floats], dict[str, Floats]],
    groups: ArrayLike | None,
    n_items: int,
    n_resamples: int,
    seed: int,
) -> dict[str, Floats]:
    """Evaluate a weighted statistic on resamples of the groups.

    Parameters
    ----------
    statistic
        From weights of shape (k, n_items) to named arrays of shape (k, ...).
    groups : array, shape (n_items,), or None
    n_items, n_resamples, seed : int

    Returns
    -------
    dict of float arrays, shape (n_resamples, ...)
        Empty without resamples.
    """
    blocks = [statistic(weights) for weights in weightings(groups, n_items, n_resamples, seed)]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]} if blocks else {}


def interval(samples: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Percentile interval over the first axis; NaN where no sample is a number."""
    tails = [50 * (1 - confidence), 50 * (1 + confidence)]
    ends = np.full((2, *samples.shape[1:]), np.nan)
    usable = np.isfinite(samples).any(axis=0)
    ends[:, usable] = np.nanpercentile(samples[:, usable], tails, axis=0)
    return ends[0], ends[1]
