"""Counts behind the two kinds of figures of Mesaros, Heittola and Virtanen (2016): of cells of time, and of segments.

"Metrics for polyphonic sound event detection", Applied Sciences 6 (2016) 162; its authors' library is sed_eval.
Intervals are float arrays of shape (n, 2), start and end in seconds, of one label in one recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Intervals = NDArray[np.float64]
Counted = tuple[int, int, int]
"""Right ones, false ones, missed ones."""

_SLACK = 1e-9
"""Seconds by which rounding may move an edge."""


@dataclass(frozen=True)
class EventSettings:
    """When a segment counts as found.

    Attributes
    ----------
    collar_seconds : float
        Its start lies within so many seconds of the annotation's.
    length_share : float or None
        Its end within as many, or within this share of the annotated length where that is more; None: anywhere.
    """

    collar_seconds: float = 0.5
    length_share: float | None = 0.5

    def __post_init__(self) -> None:
        if not self.collar_seconds > 0 or (self.length_share is not None and self.length_share < 0):
            raise ValueError("the collar is above 0, the share of the length 0 or more")


def count_cells(reference: Intervals, estimated: Intervals, cell_seconds: float) -> Counted:
    """Cells of time that both have, that only the estimate has, that only the reference has.

    An interval has every cell that it reaches into.

    Examples
    --------
    >>> count_cells(np.array([[0.0, 2.0]]), np.array([[1.5, 3.2]]), 1.0)
    (1, 2, 1)
    """
    last = max((float(each[:, 1].max()) for each in (reference, estimated) if len(each)), default=0.0)
    n_cells = math.ceil(last / cell_seconds - _SLACK)
    wanted, found = (_cells(each, cell_seconds, n_cells) for each in (reference, estimated))
    return int((wanted & found).sum()), int((found & ~wanted).sum()), int((wanted & ~found).sum())


def _cells(intervals: Intervals, cell_seconds: float, n_cells: int) -> NDArray[np.bool_]:
    on = np.zeros(n_cells, dtype=np.bool_)
    for start, end in intervals / cell_seconds:
        on[math.floor(start + _SLACK) : math.ceil(end - _SLACK)] = True
    return on


def count_events(reference: Intervals, estimated: Intervals, settings: EventSettings) -> Counted:
    """Segments that are found, that are false, that are missed.

    Each annotated one is found by one segment at the most, and the other way round; of all ways to pair them the one
    with most pairs counts.

    Examples
    --------
    >>> count_events(np.array([[0.0, 4.0], [6.0, 9.0]]), np.array([[0.3, 4.1], [7.0, 9.0]]), EventSettings())
    (1, 1, 1)
    """
    found = 0
    if len(reference) and len(estimated):
        from scipy.sparse import csr_array  # type: ignore[import-untyped]
        from scipy.sparse.csgraph import maximum_bipartite_matching  # type: ignore[import-untyped]

        fits = np.abs(reference[:, None, 0] - estimated[None, :, 0]) <= settings.collar_seconds + _SLACK
        if settings.length_share is not None:
            lengths = reference[:, 1] - reference[:, 0]
            within = np.maximum(settings.collar_seconds, settings.length_share * lengths)
            fits &= np.abs(reference[:, None, 1] - estimated[None, :, 1]) <= within[:, None] + _SLACK
        found = int((maximum_bipartite_matching(csr_array(fits), perm_type="column") >= 0).sum())
    return found, len(estimated) - found, len(reference) - found
