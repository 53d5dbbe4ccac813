"""From concepts to the label vectors of a set, and from one set to another.

A concept stands for itself and all below it, and so does a label for its concepts. What plays is within a label if
its concept is one of these; it may be within the label if the two have any concept in common.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from organology.labels.concepts import concept_tree
from organology.labels.values import ABSENT, PRESENT, UNKNOWN, LabelArray

if TYPE_CHECKING:
    from organology.labels.label_set import LabelSet

_MOST_CACHED = 4096


class Rules:
    """The rules of one label set, worked out once.

    Attributes
    ----------
    within : list of frozenset of str
        For each label, the concepts that make it present.
    upward : tuple of (int, int)
        Places of each child and its parent, the deepest children first.
    """

    def __init__(self, label_set: LabelSet) -> None:
        self._tree = tree = concept_tree()
        self._set = label_set
        self.within = [tree.all_below(label_set.concepts[label]) for label in label_set.labels]
        self._unknown = [tree.all_below(label_set.unknown.get(label, ())) for label in label_set.labels]
        place = label_set.labels.index
        order, parents = reversed(label_set.order()), label_set.parents
        self.upward = tuple((place(child), place(parents[child])) for child in order if child in parents)
        self._cache: dict[tuple[tuple[str, ...], tuple[str, ...]], LabelArray] = {}

    def encode(self, present: tuple[str, ...], unknown: tuple[str, ...]) -> LabelArray:
        """As `LabelSet.encode`; the vector is shared and must not be written to."""
        key = present, unknown
        if key not in self._cache:
            if len(self._cache) >= _MOST_CACHED:
                self._cache.clear()
            self._cache[key] = self._encode(self._tree.check(present), self._tree.check(unknown))
        return self._cache[key]

    def _encode(self, present: tuple[str, ...], unknown: tuple[str, ...]) -> LabelArray:
        tree = self._tree
        open_ = [concept for name in present for concept in tree[name].open]
        perhaps = tree.all_below((*present, *unknown, *open_))
        named = tree.all_below((*present, *unknown))
        vector = np.full(len(self.within), ABSENT, dtype=np.int8)
        for i, (within, doubtful) in enumerate(zip(self.within, self._unknown, strict=True)):
            if not within.isdisjoint(present):
                vector[i] = PRESENT
            elif not (within.isdisjoint(perhaps) and doubtful.isdisjoint(named)):
                vector[i] = UNKNOWN
        return self._with_parents(vector)

    def encode_labels(self, present: Iterable[str], unknown: Iterable[str]) -> LabelArray:
        """As `LabelSet.encode_labels`, of checked labels."""
        vector = np.full(len(self.within), ABSENT, dtype=np.int8)
        vector[[self._set.index(label) for label in unknown]] = UNKNOWN
        vector[[self._set.index(label) for label in present]] = PRESENT
        return self._with_parents(vector)

    def _with_parents(self, vector: LabelArray) -> LabelArray:
        for child, parent in self.upward:
            if vector[child] == PRESENT or (vector[child] == UNKNOWN and vector[parent] == ABSENT):
                vector[parent] = vector[child]
        return vector

    def columns(self, other: Rules) -> dict[str, tuple[int, ...]]:
        """For each label the places of the other set's labels within it; none if they do not take in all its core."""
        columns = {}
        for label, within in zip(self._set.labels, self.within, strict=True):
            inside = tuple(i for i, part in enumerate(other.within) if part and part <= within)
            known = frozenset[str]().union(*(other.within[i] for i in inside))
            core = self._set.core.get(label) or self._set.concepts[label]
            told = bool(core) and all(self._tree.covered(concept, known) for concept in core)
            columns[label] = inside if told else ()
        return columns
