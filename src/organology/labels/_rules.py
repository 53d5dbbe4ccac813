"""From concepts to the labels of a set, and from one set to another.

A concept stands for itself and all below it, and so does a label for its concepts. What plays is within a label if
its concept is one of these; it may be within the label if the two have any concept in common.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from organology.labels.concepts import concept_tree
from organology.labels.values import ABSENT, PRESENT, UNKNOWN, LabelArray


class Rules:
    """The rules of the labels of a set, worked out once.

    Parameters
    ----------
    concepts, unknown, core : sequence of iterable of str
        One item a label; see `LabelSet`.

    Attributes
    ----------
    within : list of frozenset of str
        For each label, the concepts that make it present.
    """

    def __init__(
        self, concepts: Sequence[Iterable[str]], unknown: Sequence[Iterable[str]], core: Sequence[Iterable[str]]
    ) -> None:
        self._tree = concept_tree()
        self.within = list(map(self._tree.all_below, concepts))
        self._unknown = list(map(self._tree.all_below, unknown))
        self._core = [tuple(own) or tuple(all_) for own, all_ in zip(core, concepts, strict=True)]

    def encode(self, present: tuple[str, ...], unknown: tuple[str, ...]) -> LabelArray:
        """Label vector of concepts, int8 of shape (n_labels,), without what follows for parents.

        Raises
        ------
        ValueError
            If a word is not a concept.
        """
        tree = self._tree
        named = tree.all_below(tree.check((*present, *unknown)))
        perhaps = named | tree.all_below(concept for name in present for concept in tree[name].open)
        vector = np.full(len(self.within), ABSENT, dtype=np.int8)
        for i, (within, doubtful) in enumerate(zip(self.within, self._unknown, strict=True)):
            if not within.isdisjoint(present):
                vector[i] = PRESENT
            elif not (within.isdisjoint(perhaps) and doubtful.isdisjoint(named)):
                vector[i] = UNKNOWN
        return vector

    def columns(self, other: Rules) -> list[tuple[int, ...]]:
        """For each label the places of the other set's labels within it; none if they do not take in all its core."""
        columns = []
        for within, core in zip(self.within, self._core, strict=True):
            inside = tuple(i for i, part in enumerate(other.within) if part and part <= within)
            known = frozenset[str]().union(*(other.within[i] for i in inside))
            told = bool(core) and all(self._tree.covered(concept, known) for concept in core)
            columns.append(inside if told else ())
        return columns
