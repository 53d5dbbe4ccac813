"""The labels that a person's word means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from organology.labels._words import normalized, singular, suggestion
from organology.labels.concepts import concept_tree


def find(
    text: str,
    set_name: str,
    words: Mapping[str, str],
    concepts: Mapping[str, Iterable[str]],
    parents: Mapping[str, str],
) -> tuple[str, ...]:
    """The labels of a set that a word means; see `LabelSet.find`.

    Parameters
    ----------
    text, set_name : str
    words : mapping of str to str
        Normalized names -> labels.
    concepts, parents : mapping
        Of the labels, as in `LabelSet`.

    Raises
    ------
    ValueError
        If there is none.
    """
    word = normalized(text)
    label = words.get(word) or words.get(singular(word))
    if label:
        return (label,)
    tree = concept_tree()
    concept, the_labels = tree.find(text), f"; the labels are {', '.join(concepts)}"
    if concept is None:
        hint = suggestion(word, words) or suggestion(word, tree.words) or the_labels
        raise ValueError(f"no instrument {text!r}{hint}")
    members = {label: tree.all_below(own) for label, own in concepts.items()}
    found = tuple(label for label, own in concepts.items() if concept in own)
    if not found:
        inside = [label for label, own in members.items() if own and own <= tree.below(concept)]
        found = tuple(label for label in inside if parents.get(label) not in inside)
    if not found:
        above = [label for label, own in members.items() if concept in own]
        hint = f"; it counts as {' and '.join(above)}" if above else the_labels
        raise ValueError(f"{set_name} has no label for {text!r}{hint}")
    return found
