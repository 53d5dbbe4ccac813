"""From which score on a label plays: the model's thresholds, or the caller's in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from organology.taxonomy import LABELS

Thresholds = float | Mapping[str, float] | Sequence[float] | NDArray[np.floating]
"""One threshold for all labels, some by label, or all 15."""


def levels_of(models: Sequence[float], given: Thresholds | None = None) -> NDArray[np.float64]:
    """The threshold of each label.

    Parameters
    ----------
    models : sequence of float
        The model's, in the order of `taxonomy.LABELS`.
    given : float, mapping, sequence or array, optional
        In place of the model's: one for all, some by label, or all 15.

    Returns
    -------
    float64 array, shape (15,)

    Raises
    ------
    ValueError
        If one is for something that is not a label, or not between 0 and 1, or they are not 15.

    Examples
    --------
    >>> levels_of([0.5] * 15, {"violin": 0.3})[LABELS.index("violin")]
    np.float64(0.3)
    """
    levels = np.array(models, dtype=np.float64)
    if given is None:
        return levels
    if isinstance(given, Mapping):
        for label, level in given.items():
            if label not in LABELS:
                raise ValueError(f"a threshold for {label!r}, which is not a label")
            levels[LABELS.index(label)] = level
    else:
        levels = np.broadcast_to(np.asarray(given, dtype=np.float64), levels.shape).copy()
    if not ((levels >= 0) & (levels <= 1)).all():
        raise ValueError("thresholds lie between 0 and 1")
    return levels
