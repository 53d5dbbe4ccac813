"""What is known of the instruments in a stem, in concepts, so that the labels of any set follow from it.

Readers turn the words of their corpus into `Instruments`; the table of a prepared corpus keeps them; a `LabelSet`
turns them into label vectors when the table is used. So another label set converts no audio.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from organology.labels import ABSENT, PRESENT, UNKNOWN, Entry, LabelArray, LabelSet, concept_tree

_MOST_CACHED = 16384


@dataclass(frozen=True)
class Instruments:
    """The instruments of a stem.

    Attributes
    ----------
    present : tuple of str
        Concepts that sound.
    unknown : tuple of str
        Concepts that may sound.
    absent : tuple of str
        Concepts that do not sound although the others leave them open. Needed where a stem is labeled by the labels of
        a set: a "plucked string, but no guitar" has the concept `plucked_string`, of which guitars are a part.

    Examples
    --------
    >>> from organology.labels import LabelSet
    >>> bradl15 = LabelSet.load("bradl15")
    >>> bradl15.decode(Instruments(("guitar",)).encode(bradl15))
    (['plucked_string'], ['electric_guitar', 'acoustic_guitar'])
    >>> bradl15.decode(Instruments(("guitar",), absent=("acoustic_guitar",)).encode(bradl15))
    (['plucked_string'], ['electric_guitar'])
    """

    present: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @staticmethod
    def of(entry: Entry) -> Instruments:
        """Those of a word of a vocabulary."""
        return Instruments(entry.present, entry.unknown)

    @staticmethod
    def of_labels(label_set: LabelSet, present: Iterable[str], unknown: Iterable[str] = ()) -> Instruments:
        """Those of which only labels are known; all other labels of the set are absent.

        Raises
        ------
        ValueError
            If a word is not a label of the set.
        """
        return Instruments().fitted(label_set, label_set.encode_labels(present, unknown))

    @staticmethod
    def union(several: Iterable[Instruments]) -> Instruments:
        """Those of several sources together."""
        several = list(several)
        absent = set(several[0].absent).intersection(*(one.absent for one in several)) if several else set()
        return Instruments(
            _unique(concept for one in several for concept in one.present),
            _unique(concept for one in several for concept in one.unknown),
            tuple(sorted(absent)),
        )

    def encode(self, label_set: LabelSet) -> LabelArray:
        """Label vector, int8 of shape (n_labels,); see `LabelSet.encode`.

        Raises
        ------
        ValueError
            If a word is not a concept.
        """
        return _encoded(self, label_set).copy()

    def or_perhaps(self, *others: Instruments) -> Instruments:
        """These, and perhaps others too: what the others have present or unknown is unknown here."""
        unknown = _unique([*self.unknown, *(concept for other in others for concept in other._touched)])
        return Instruments(self.present, unknown, self.absent if unknown == self.unknown else ())

    def or_perhaps_anything(self) -> Instruments:
        """These, and perhaps anything else."""
        return Instruments(self.present, _roots())

    def confirmed_by(self, other: Instruments) -> Instruments:
        """What two descriptions of one stem agree on; what only one of them says is unknown.

        Of a drum kit and a cowbell, percussion is left.
        """
        shared = _unique(
            concept for mine in self.present for theirs in other.present for concept in _nearest_shared(mine, theirs)
        )
        touched = _unique([*self._touched, *other._touched])
        return Instruments(shared, touched, _rest(shared, touched))

    def without(self, label_set: LabelSet, labels: Sequence[str]) -> Instruments:
        """These with some labels of a set made unknown, whatever they were.

        With a parent, its present children become unknown; with a child, its parents do unless they are present.

        Raises
        ------
        ValueError
            If a word is not a label of the set.
        """
        vector = self.encode(label_set)
        hidden: set[str] = set()
        for label in label_set.check(labels):
            vector[label_set.index(label)] = UNKNOWN
            for other in label_set.labels:
                place = label_set.index(other)
                if label in _above(label_set, other) and vector[place] == PRESENT:
                    vector[place] = UNKNOWN
                if other in _above(label_set, label) and vector[place] == ABSENT:
                    vector[place] = UNKNOWN
            hidden |= concept_tree().all_below(label_set.concepts[label])
        kept = tuple(concept for concept in self.present if concept not in hidden)
        dropped = [concept for concept in self.present if concept in hidden]
        return Instruments(kept, _unique([*self.unknown, *_with_open(dropped)]), self.absent).fitted(label_set, vector)

    def with_unknown(self, concept: str) -> Instruments:
        """These with a concept, and all below it, made unknown; what it is a kind of stays present if it was.

        Raises
        ------
        ValueError
            If it is not a concept.
        """
        tree = concept_tree()
        (concept,) = tree.check([concept])
        hidden = [name for name in self.present if name in tree.below(concept)]
        kept = [name for name in self.present if name not in hidden]
        present = _unique([*kept, *(tree[concept].parents if hidden else ())])
        return (
            Instruments(present, self.unknown, self.absent)
            ._allowing([concept])
            ._plus(unknown=[concept, *_with_open(hidden)])
        )

    def fitted(self, label_set: LabelSet, vector: LabelArray) -> Instruments:
        """These with as few concepts more as make their label vector the given one.

        A label that is present beside none of its children gets its first concept; the others of its concepts, and
        whatever the set says nothing of, stay open.
        """
        fitted = self
        for label in reversed(label_set.order()):  # children first: they bring their parents along
            place = label_set.index(label)
            wanted, concepts = vector[place], label_set.concepts[label]
            if not concepts or fitted.encode(label_set)[place] == wanted:
                continue
            if wanted == PRESENT:
                fitted = fitted._allowing(concepts)._plus(present=concepts[:1], unknown=concepts[1:])
            elif wanted == UNKNOWN:
                fitted = fitted._allowing(concepts)._plus(unknown=concepts)
        for label in label_set.labels:
            place = label_set.index(label)
            if vector[place] == ABSENT and fitted.encode(label_set)[place] == UNKNOWN:
                fitted = fitted._plus(absent=label_set.concepts[label])
        return fitted

    def _allowing(self, concepts: Iterable[str]) -> Instruments:
        """These without saying that some concepts are absent."""
        allowed = concept_tree().all_below(concepts)
        return Instruments(self.present, self.unknown, tuple(name for name in self.absent if name not in allowed))

    def _plus(
        self, present: Iterable[str] = (), unknown: Iterable[str] = (), absent: Iterable[str] = ()
    ) -> Instruments:
        return Instruments(
            _unique([*self.present, *present]), _unique([*self.unknown, *unknown]), _unique([*self.absent, *absent])
        )

    @property
    def _touched(self) -> list[str]:
        """All concepts that sound or may."""
        return [*_with_open(self.present), *self.unknown]


def _unique(concepts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(concepts))


def _with_open(present: Iterable[str]) -> list[str]:
    tree = concept_tree()
    return [name for concept in present for name in (concept, *tree[concept].open)]


def _roots() -> tuple[str, ...]:
    tree = concept_tree()
    return tuple(concept for concept in tree if not tree[concept].parents)


def _above(label_set: LabelSet, label: str) -> list[str]:
    above = []
    while label in label_set.parents:
        label = label_set.parents[label]
        above.append(label)
    return above


def _ancestors(concept: str) -> set[str]:
    """A concept and all above it."""
    return {concept}.union(*map(_ancestors, concept_tree()[concept].parents))


def _nearest_shared(one: str, other: str) -> list[str]:
    """The concepts that both are a kind of, but for those above another of them; in the order of the tree."""
    tree, shared = concept_tree(), _ancestors(one) & _ancestors(other)
    nearest = {concept for concept in shared if not shared & (tree.below(concept) - {concept})}
    return [concept for concept in tree if concept in nearest]


def _rest(whole: Iterable[str], parts: Iterable[str]) -> tuple[str, ...]:
    """The largest concepts below `whole` that have nothing in common with `parts`."""
    tree = concept_tree()
    used = tree.all_below(parts)
    apart = [name for name in tree if name in tree.all_below(whole) and used.isdisjoint(tree.below(name))]
    return tuple(name for name in apart if not set(tree[name].parents).intersection(apart))


def _ruled_out(absent: Iterable[str]) -> frozenset[str]:
    """Absent concepts, all below them, and those of which all kinds are absent.

    One kind alone (the hi-hat of the cymbals) is not all there are.
    """
    tree = concept_tree()
    ruled_out = set(tree.all_below(tree.check(absent)))
    while True:
        several = [concept for concept in tree if len(tree.children(concept)) > 1 and concept not in ruled_out]
        grown = {concept for concept in several if ruled_out.issuperset(tree.children(concept))}
        if not grown:
            return frozenset(ruled_out)
        ruled_out |= grown


@lru_cache(_MOST_CACHED)
def _encoded(instruments: Instruments, label_set: LabelSet) -> LabelArray:
    vector = label_set.encode(instruments.present, instruments.unknown)
    if not instruments.absent:
        return vector
    tree = concept_tree()
    ruled_out = _ruled_out(instruments.absent)
    named = tree.all_below((*instruments.present, *instruments.unknown))
    possible = tree.all_below((*_with_open(instruments.present), *instruments.unknown))
    for place, label in enumerate(label_set.labels):
        within = tree.all_below(label_set.concepts[label]) & possible
        doubtful = tree.all_below(label_set.unknown.get(label, ())) & named
        if vector[place] == UNKNOWN and ruled_out.issuperset(within | doubtful):
            vector[place] = ABSENT
    for label in reversed(label_set.order()):  # a child that stays unknown leaves its parent unknown
        parent = label_set.parents.get(label)
        if parent and vector[label_set.index(label)] != ABSENT and vector[label_set.index(parent)] == ABSENT:
            vector[label_set.index(parent)] = UNKNOWN
    encoded: LabelArray = np.asarray(vector, dtype=np.int8)
    return encoded
