"""From the scores of a file's windows to the scores of the file: the registry of rules, and the rules.

A rule is a function of the scores of the windows that sound, shape (n_windows, n_labels), at least one, and of the
starts and ends of these windows in seconds. To add one, write a function and `register` it: model files may name it,
and `organology export --pooling`, the JSON Schema and the docs know it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from organology.recognition.logits import logits_of, scores_of, sums_between

TOP_SHARE = 0.25
"""Of the windows, for `top_mean`."""

STRETCH_SECONDS = 12.0
"""For `top_stretch`."""

Scores = NDArray[np.float64]
Rule = Callable[[Scores, NDArray[np.float64], NDArray[np.float64]], Scores]


@dataclass(frozen=True)
class Pooling:
    """A rule of the registry.

    Attributes
    ----------
    name : str
        As model files name it.
    what : str
        One line for docs and help texts.
    rule : callable
    """

    name: str
    what: str
    rule: Rule


POOLINGS: dict[str, Pooling] = {}
"""Every rule by its name."""


def register(name: str, what: str, rule: Rule) -> None:
    """Add a rule."""
    POOLINGS[name] = Pooling(name, what, rule)


def check_pooling(name: str) -> str:
    """The name of a rule.

    Raises
    ------
    ValueError
        If there is no such rule.
    """
    if name not in POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}, got {name!r}")
    return name


def pool(
    scores: NDArray[np.float32], how: str, starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Scores of a file.

    Parameters
    ----------
    scores : float array, shape (n_windows, n_labels)
        Of the windows that sound.
    how : str
        One of `POOLINGS`.
    starts, ends : float array, shape (n_windows,)
        Of these windows, in seconds, ascending; the last end is taken for that of the sound.

    Returns
    -------
    float32 array, shape (n_labels,)
        Zeros if there is no window.

    Raises
    ------
    ValueError
        If there is no such rule.
    """
    rule = POOLINGS[check_pooling(how)].rule
    if len(scores) == 0:
        return np.zeros(scores.shape[1], np.float32)
    return np.asarray(rule(np.clip(scores.astype(np.float64), 0, 1), starts, ends), dtype=np.float32)


def _top_stretch(scores: Scores, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> Scores:
    """A stretch begins with each window, or so that it ends with the last one: none is shorter than it has to be."""
    within = 1e-6
    begins = np.minimum(starts, max(starts[0], ends[-1] - STRETCH_SECONDS))
    first = np.searchsorted(starts, begins - within)
    last = np.searchsorted(ends, begins + STRETCH_SECONDS + within, side="right")  # exclusive
    # A window longer than a stretch is one by itself.
    last = np.maximum(last, first + 1)
    means = sums_between(logits_of(scores), first, last) / (last - first)[:, None]
    return scores_of(means.max(axis=0))


def _top_mean(scores: Scores, *_: NDArray[np.float64]) -> Scores:
    highest = np.sort(scores, axis=0)[-int(np.ceil(len(scores) * TOP_SHARE)) :]
    return np.asarray(highest.mean(axis=0))


register("top_stretch", "the mean of the logits over the 12 seconds where it is highest", _top_stretch)
register("top_mean", "the mean of the highest quarter of the windows, at least one", _top_mean)
register("mean", "the mean of all windows", lambda scores, *_: np.asarray(scores.mean(axis=0)))
register("max", "the highest window", lambda scores, *_: np.asarray(scores.max(axis=0)))
register(
    "noisy_or",
    "the chance that it plays in any window, were they independent: 1 - prod(1 - score)",
    lambda scores, *_: np.asarray(1 - np.prod(1 - scores, axis=0)),
)
