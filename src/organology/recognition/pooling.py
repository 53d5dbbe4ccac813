"""From the scores of a file's windows to the scores of the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from organology.metadata import Pooling

TOP_SHARE = 0.25
"""Of the windows, for `top_mean`."""


def pool(scores: NDArray[np.float32], how: Pooling) -> NDArray[np.float32]:
    """Scores of a file.

    Parameters
    ----------
    scores : float array, shape (n_windows, n_labels)
    how : {"mean", "max", "noisy_or", "top_mean"}
        `noisy_or` is the chance that a label plays in any window, were the windows independent: 1 - prod(1 - score).
        `top_mean` is the mean of the highest quarter of the windows, at least one, each label by itself.

    Returns
    -------
    float32 array, shape (n_labels,)
        Zeros if there is no window.
    """
    if len(scores) == 0:
        return np.zeros(scores.shape[1], np.float32)
    exact = np.clip(scores.astype(np.float64), 0, 1)
    if how == "mean":
        pooled = exact.mean(axis=0)
    elif how == "max":
        pooled = exact.max(axis=0)
    elif how == "noisy_or":
        pooled = 1 - np.prod(1 - exact, axis=0)
    elif how == "top_mean":
        pooled = np.sort(exact, axis=0)[-int(np.ceil(len(exact) * TOP_SHARE)) :].mean(axis=0)
    else:
        raise ValueError(f"not a pooling: {how!r}")
    return np.asarray(pooled, dtype=np.float32)
