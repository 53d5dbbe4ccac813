"""From which score on a label plays: the model's thresholds, or the caller's in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.model_metadata import preset_of

Thresholds = float | str | Mapping[str, float] | Sequence[float] | NDArray[np.floating]
"""One threshold for all labels, the name of one of the model's presets, some by label, or one a label."""


def resolve_thresholds(
    label_set: LabelSet,
    defaults: Sequence[float] | NDArray[np.floating],
    given: Thresholds | None = None,
    presets: Mapping[str, tuple[float, ...]] | None = None,
) -> NDArray[np.float64]:
    """The threshold of each label.

    Parameters
    ----------
    label_set : LabelSet
    defaults : sequence of float, length n_labels
        The model's.
    given : float, str, mapping, sequence or array, optional
        In place of the model's: one for all, the name of a preset, some by label or by a word that means labels
        (`LabelSet.find`), or one a label.
    presets : mapping of str to tuple of float, optional
        The model's.

    Returns
    -------
    float64 array, shape (n_labels,)

    Raises
    ------
    ValueError
        If a word means no label, a threshold is not between 0 and 1, there are more or fewer than labels, or there is
        no such preset.

    Examples
    --------
    >>> label_set = LabelSet("three", ("electric_guitar", "acoustic_guitar", "piano"))
    >>> resolve_thresholds(label_set, [0.5] * 3, {"guitar": 0.3}).tolist()
    [0.3, 0.3, 0.5]
    """
    thresholds = np.array(defaults, dtype=np.float64)
    if isinstance(given, str):
        thresholds = np.array(preset_of(presets or {}, given), dtype=np.float64)
    elif isinstance(given, Mapping):
        # A label by its own name wins over a word that takes in several.
        named = {word: label_set.find(word) for word in given}
        for word in sorted(given, key=lambda word: -len(named[word])):
            thresholds[[label_set.index(label) for label in named[word]]] = given[word]
    elif given is not None:
        values = np.asarray(given, dtype=np.float64)
        if values.shape not in ((), thresholds.shape):
            raise ValueError(f"thresholds must be one, or one for each of {len(label_set)} labels, got {values.size}")
        thresholds = np.broadcast_to(values, thresholds.shape).copy()
    if not ((thresholds >= 0) & (thresholds <= 1)).all():
        wrong = thresholds[~((thresholds >= 0) & (thresholds <= 1))][0]
        raise ValueError(f"a threshold must be between 0 and 1, got {wrong:g}")
    return thresholds
