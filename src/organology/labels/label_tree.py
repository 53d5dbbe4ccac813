"""Labels as a tree, and arithmetic of three-valued label vectors.

A label vector is an int8 array of shape (n_labels,), in the order of the labels: 1 present, 0 absent, -1 unknown. An
unknown label is left out of the loss and of the metrics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from organology.labels._words import quoted, suggestion
from organology.labels.values import ABSENT, PRESENT, UNKNOWN, LabelArray


@dataclass(frozen=True)
class LabelTree:
    """Ordered labels, some of them below others; what `LabelSet` knows without looking at instruments.

    Attributes
    ----------
    name : str
    labels : tuple of str
    parents : mapping of str to str
        Label -> the label that it belongs to; to any depth. A parent is never below its children.

    Raises
    ------
    ValueError
        If a label stands twice, a parent is no label, or a label is above itself.
    """

    name: str
    labels: tuple[str, ...]
    parents: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._freeze(labels=tuple(self.labels), parents=dict(self.parents))
        twice = [label for label in dict.fromkeys(self.labels) if self.labels.count(label) > 1]
        if twice:
            raise ValueError(f"label set {self.name}: {quoted(twice)} stands twice")
        self._check_keys("parents")
        for label in self.labels:
            self._check_above(label)

    def depth(self, label: str) -> int:
        """How many labels stand above one; 0 for a family."""
        above = 0
        while (parent := self.parents.get(label)) is not None:
            label, above = parent, above + 1
        return above

    def _freeze(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, MappingProxyType(value) if isinstance(value, dict) else value)

    def _check_keys(self, *mappings: str) -> None:
        for name in mappings:
            strange = [label for label in getattr(self, name) if label not in self.labels]
            if strange:
                raise ValueError(f"label set {self.name}: {quoted(strange)} in {name} is not a label")

    def _check_above(self, label: str) -> None:
        above = [label]
        while (parent := self.parents.get(above[-1])) is not None:
            if parent not in self.labels:
                raise ValueError(f"label set {self.name}: parent {parent!r} of {above[-1]!r} is not a label")
            if parent in above:
                raise ValueError(f"label set {self.name}: {label!r} is above itself")
            above.append(parent)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {label: i for i, label in enumerate(self.labels)}

    def index(self, label: str) -> int:
        """Place of a label; raises ValueError if it is none."""
        try:
            return self._index[label]
        except KeyError:
            self.check([label])
            raise

    def check(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The labels as a tuple.

        Raises
        ------
        ValueError
            If one of them is not a label; names the wrong ones and what may have been meant.
        """
        labels = tuple(labels)
        wrong = [label for label in labels if label not in self._index]
        if wrong:
            hint = suggestion(wrong[0], self.labels) or f"; the labels are {', '.join(self.labels)}"
            raise ValueError(f"not a label of {self.name}: {quoted(wrong)}{hint}")
        return labels

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The labels that have no parent."""
        return tuple(label for label in self.labels if label not in self.parents)

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """The labels that have no children."""
        return tuple(label for label in self.labels if label not in self.parents.values())

    def children(self, label: str) -> tuple[str, ...]:
        """The labels right below one."""
        self.check([label])
        return tuple(child for child in self.labels if self.parents.get(child) == label)

    def family(self, label: str) -> str:
        """The label without parent that a label stands below, or the label itself."""
        self.check([label])
        while label in self.parents:
            label = self.parents[label]
        return label

    def order(self) -> tuple[str, ...]:
        """All labels, each parent right before its children."""
        return self._order

    @cached_property
    def _order(self) -> tuple[str, ...]:
        order: list[str] = []
        waiting = list(reversed(self.families))
        while waiting:
            order.append(waiting.pop())
            waiting.extend(reversed(self.children(order[-1])))
        return tuple(order)

    def _kept_parents(self, labels: tuple[str, ...]) -> dict[str, str]:
        """The parents of some labels where those in between are left out."""
        parents = {}
        for label in labels:
            parent = self.parents.get(label)
            while parent is not None and parent not in labels:
                parent = self.parents.get(parent)
            if parent is not None:
                parents[label] = parent
        return parents

    @cached_property
    def _upward(self) -> tuple[tuple[int, int], ...]:
        """Places of each child and its parent, the deepest children first."""
        children = [label for label in reversed(self.order()) if label in self.parents]
        return tuple((self.index(child), self.index(self.parents[child])) for child in children)

    def encode_labels(self, present: Iterable[str], unknown: Iterable[str] = ()) -> LabelArray:
        """Label vector of one source, from labels; parents follow, and a label named in both counts as present.

        Raises
        ------
        ValueError
            If a word is not a label.
        """
        vector = np.full(len(self), ABSENT, dtype=np.int8)
        vector[[self._index[label] for label in self.check(unknown)]] = UNKNOWN
        vector[[self._index[label] for label in self.check(present)]] = PRESENT
        return self._with_parents(vector)

    def _with_parents(self, vector: LabelArray) -> LabelArray:
        """The vector, changed in place so that parents of present and of unknown labels follow."""
        for child, parent in self._upward:
            if vector[child] == PRESENT or (vector[child] == UNKNOWN and vector[parent] == ABSENT):
                vector[parent] = vector[child]
        return vector

    def decode(self, vector: ArrayLike) -> tuple[list[str], list[str]]:
        """The present and the unknown labels of a label vector of shape (n_labels,)."""
        values = np.asarray(vector)
        return (
            [label for label, value in zip(self.labels, values, strict=True) if value == PRESENT],
            [label for label, value in zip(self.labels, values, strict=True) if value == UNKNOWN],
        )

    def union(self, vectors: ArrayLike | Sequence[LabelArray]) -> LabelArray:
        """Label vector of a mixture of sources.

        A label is present if any source has it, else unknown if it is unknown in any source, else absent.

        Parameters
        ----------
        vectors : int8 array, shape (n_sources, n_labels), or a list of vectors
            No source at all gives all labels absent.
        """
        stacked = np.asarray(vectors, dtype=np.int8).reshape(-1, len(self))
        present, unknown = (stacked == PRESENT).any(axis=0), (stacked == UNKNOWN).any(axis=0)
        return np.where(present, PRESENT, np.where(unknown, UNKNOWN, ABSENT)).astype(np.int8)

    def raise_parents(self, scores: ArrayLike) -> NDArray[Any]:
        """Scores in which no label is below its children.

        Parameters
        ----------
        scores : array, shape (..., n_labels)

        Returns
        -------
        array of the same shape and type; the argument is left as it is
        """
        raised = np.array(scores, copy=True)
        for child, parent in self._upward:
            np.maximum(raised[..., parent], raised[..., child], out=raised[..., parent])
        return raised
