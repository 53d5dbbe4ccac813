"""The labels of a set as a tree: checks, order, colors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from organology.labels._words import quoted
from organology.labels.colors import shades
from organology.labels.concepts import concept_tree

if TYPE_CHECKING:
    from organology.labels.label_set import LabelSet

_MAPPINGS = ("parents", "display", "colors", "concepts", "unknown", "core", "aliases")


def check(label_set: LabelSet) -> None:
    """Raise ValueError if a label stands twice, a mapping names another word, or a label is above itself."""
    name, labels = label_set.name, label_set.labels
    twice = [label for label in dict.fromkeys(labels) if labels.count(label) > 1]
    if twice:
        raise ValueError(f"label set {name}: {quoted(twice)} stands twice")
    for mapping in _MAPPINGS:
        strange = [label for label in getattr(label_set, mapping) if label not in labels]
        if strange:
            raise ValueError(f"label set {name}: {quoted(strange)} in {mapping} is not a label")
    for label in labels:
        above = [label]
        while (parent := label_set.parents.get(above[-1])) is not None:
            if parent not in labels:
                raise ValueError(f"label set {name}: parent {parent!r} of {above[-1]!r} is not a label")
            if parent in above:
                raise ValueError(f"label set {name}: {label!r} is above itself")
            above.append(parent)


def tree_order(label_set: LabelSet) -> tuple[str, ...]:
    """All labels, each parent right before its children."""
    order: list[str] = []
    waiting = list(reversed(label_set.families))
    while waiting:
        order.append(waiting.pop())
        waiting.extend(reversed(label_set.children(order[-1])))
    return tuple(order)


def kept_parents(label_set: LabelSet, labels: Iterable[str]) -> dict[str, str]:
    """The parents of some labels, where those in between are left out."""
    kept, parents = set(labels), {}
    for label in kept:
        parent = label_set.parents.get(label)
        while parent is not None and parent not in kept:
            parent = label_set.parents.get(parent)
        if parent is not None:
            parents[label] = parent
    return parents


def colors(label_set: LabelSet) -> dict[str, str]:
    """Colors of the labels that have none: shades of their instruments' family."""
    tree = concept_tree()
    bare = [label for label in label_set.labels if label not in label_set.colors]
    families = [tree.family((*label_set.concepts[label], "")[0]) for label in bare]
    return dict(zip(bare, shades(families, label_set.colors.values()), strict=True))
