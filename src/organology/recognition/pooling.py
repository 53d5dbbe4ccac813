"""From the scores of a file's windows to the scores of the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from organology.model_metadata import Pooling
from organology.recognition.logits import logits_of, scores_of, sums_between

TOP_SHARE = 0.25
"""Of the windows, for `top_mean`."""

STRETCH_SECONDS = 12.0
"""For `top_stretch`."""


def pool(
    scores: NDArray[np.float32], how: Pooling, starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Scores of a file.

    Parameters
    ----------
    scores : float array, shape (n_windows, n_labels)
        Of the windows that sound.
    how : {"top_stretch", "top_mean", "mean", "max", "noisy_or"}
        `top_stretch` is the mean over the windows within 12 seconds where it is highest, each label by itself; it is
        taken of the logits, and given as a score. `top_mean` is the mean of the highest quarter of the windows, at
        least one, each label by itself. `noisy_or` is the chance that a label plays in any window, were the windows
        independent: 1 - prod(1 - score).
    starts, ends : float array, shape (n_windows,)
        Of these windows, in seconds, ascending; the last end is taken for that of the sound.

    Returns
    -------
    float32 array, shape (n_labels,)
        Zeros if there is no window.
    """
    if len(scores) == 0:
        return np.zeros(scores.shape[1], np.float32)
    exact = np.clip(scores.astype(np.float64), 0, 1)
    if how == "top_stretch":
        pooled = _top_stretch(exact, starts, ends)
    elif how == "top_mean":
        pooled = np.sort(exact, axis=0)[-int(np.ceil(len(exact) * TOP_SHARE)) :].mean(axis=0)
    elif how == "mean":
        pooled = exact.mean(axis=0)
    elif how == "max":
        pooled = exact.max(axis=0)
    elif how == "noisy_or":
        pooled = 1 - np.prod(1 - exact, axis=0)
    else:
        raise ValueError(f"not a pooling: {how!r}")
    return np.asarray(pooled, dtype=np.float32)


def _top_stretch(
    scores: NDArray[np.float64], starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A stretch begins with each window, or so that it ends with the last one: none is shorter than it has to be."""
    within = 1e-6
    begins = np.minimum(starts, max(starts[0], ends[-1] - STRETCH_SECONDS))
    first = np.searchsorted(starts, begins - within)
    last = np.searchsorted(ends, begins + STRETCH_SECONDS + within, side="right")  # exclusive
    # A window longer than a stretch is one by itself.
    last = np.maximum(last, first + 1)
    means = sums_between(logits_of(scores), first, last) / (last - first)[:, None]
    return scores_of(means.max(axis=0))
