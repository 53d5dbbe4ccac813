"""How one label set is read from the scores of another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from organology.labels.label_tree import LabelTree

Set = TypeVar("Set", bound=LabelTree)


@dataclass(frozen=True)
class View(Generic[Set]):
    """A label set as far as another one can tell it; `LabelSet.view_of` makes it.

    Attributes
    ----------
    label_set : LabelSet
        The labels that can be told, in the order of the set that was asked for.
    missing : tuple of str
        Those that cannot.
    columns : tuple of tuple of int
        For each label of `label_set`, the labels of the other set that lie within it.
    n_source_labels : int
        Length of the other set.
    """

    label_set: Set
    missing: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]
    n_source_labels: int

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that can be told."""
        return self.label_set.labels

    def apply(self, scores: ArrayLike) -> NDArray[Any]:
        """Scores of `labels`: each is the highest of the scores within it.

        Parameters
        ----------
        scores : array, shape (..., n_source_labels)

        Returns
        -------
        array, shape (..., len(labels)), of the same type

        Raises
        ------
        ValueError
            If the last axis has another length.
        """
        scores = self._checked(scores)
        return self.label_set.raise_parents(np.maximum.reduce(scores[..., self._padded], axis=-1))

    def apply_thresholds(self, thresholds: ArrayLike) -> NDArray[Any]:
        """Thresholds of `labels`: each is the lowest of the thresholds within it.

        So whatever the other set reports is reported here too: where an electric guitar is above its threshold,
        so is the guitar.

        Parameters
        ----------
        thresholds : array, shape (..., n_source_labels)

        Returns
        -------
        array, shape (..., len(labels)), of the same type

        Raises
        ------
        ValueError
            If the last axis has another length.
        """
        thresholds = self._checked(thresholds)
        lowest: NDArray[Any] = np.minimum.reduce(thresholds[..., self._padded], axis=-1)
        return lowest

    def _checked(self, values: ArrayLike) -> NDArray[Any]:
        array = np.asarray(values)
        if array.ndim == 0 or array.shape[-1] != self.n_source_labels:
            raise ValueError(f"the last axis must have {self.n_source_labels} labels, got shape {array.shape}")
        return array

    @cached_property
    def _padded(self) -> NDArray[np.intp]:
        """Columns as an array (n_labels, longest), short rows filled with their first."""
        longest = max(map(len, self.columns), default=1)
        rows = [row + row[:1] * (longest - len(row)) for row in self.columns]
        return np.array(rows, dtype=np.intp).reshape(len(rows), longest)
