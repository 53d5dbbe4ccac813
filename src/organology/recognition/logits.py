"""Means over windows, taken of the logits of their scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST = 1e-6  # the logits of 0 and 1 are not finite


def logits_of(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Logits of scores; those of 0 and 1 as of a score a millionth off."""
    exact = np.clip(scores.astype(np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(exact) - np.log1p(-exact))


def scores_of(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of logits."""
    return np.asarray(1 / (1 + np.exp(-logits)))


def sums_between(rows: NDArray[Any], first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sums of rows, shape (len(first), n_columns): from each `first` to before its `last`."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    return np.asarray(sums[last] - sums[first])
