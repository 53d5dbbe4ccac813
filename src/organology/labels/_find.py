"""The labels of a set that a person's word means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from organology.labels._words import normalized, singular, suggestion
from organology.labels.concepts import concept_tree

if TYPE_CHECKING:
    from organology.labels.label_set import LabelSet


def find(label_set: LabelSet, text: str) -> tuple[str, ...]:
    """As `LabelSet.find`."""
    words = _words(label_set)
    word = normalized(text)
    label = words.get(word) or words.get(singular(word))
    if label:
        return (label,)
    concept = concept_tree().find(text)
    if concept is None:
        known = [*words, *concept_tree().words]
        hint = suggestion(word, words) or suggestion(word, known) or f"; the labels are {', '.join(label_set.labels)}"
        raise ValueError(f"no instrument {text!r}{hint}")
    found = _labels_of(label_set, concept)
    if not found:
        above = [label for label in label_set.labels if concept in _members(label_set, label)]
        hint = f"; it counts as {' and '.join(above)}" if above else f"; the labels are {', '.join(label_set.labels)}"
        raise ValueError(f"{label_set.name} has no label for {text!r}{hint}")
    return found


def _words(label_set: LabelSet) -> dict[str, str]:
    words = {normalized(label): label for label in label_set.labels}
    for label in label_set.labels:
        for name in (label_set.display[label], *label_set.aliases.get(label, ())):
            words.setdefault(normalized(name), label)
            words.setdefault(singular(normalized(name)), label)
    return words


def _labels_of(label_set: LabelSet, concept: str) -> tuple[str, ...]:
    """The labels of a concept: the one that means it, or the highest of those within it."""
    same = tuple(label for label in label_set.labels if concept in label_set.concepts[label])
    if same:
        return same
    below = concept_tree().below(concept)
    inside = [label for label in label_set.labels if _members(label_set, label) and _members(label_set, label) <= below]
    return tuple(label for label in inside if label_set.parents.get(label) not in inside)


def _members(label_set: LabelSet, label: str) -> frozenset[str]:
    return concept_tree().all_below(label_set.concepts[label])
