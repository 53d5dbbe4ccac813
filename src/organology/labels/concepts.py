"""The tree of instrument concepts that all vocabularies and label sets share.

A concept is an instrument, or a group of instruments, as a musician names it: `tenor_saxophone`, `saxophone`,
`woodwind`. The tree is the table `concepts.tsv` with the columns

| column | meaning |
|---|---|
| `concept` | lower-case identifier |
| `parents` | the concepts that it is a kind of, joined by a vertical bar |
| `open` | concepts that may sound with it, or that it may be as well: their labels are unknown where it plays |
| `name` | for people |
| `aliases` | other names, joined by a vertical bar |

A few concepts have two parents: a plucked double bass is a double bass and a plucked string. A few have none and are
no family: a `double_bass` may be bowed or plucked, a `bass` may be a guitar, an upright or a synthesizer.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from organology.labels._words import normalized, quoted, singular, suggestion

_TABLE = Path(__file__).with_name("concepts.tsv")
FAMILIES = ("voice", "percussion", "bowed_string", "plucked_string", "woodwind", "free_reed", "brass", "key", "synth")
"""The roots that are families of instruments. Free reeds stand apart; the paper counts them as woodwind."""


@dataclass(frozen=True)
class Concept:
    """One row of the table; see the module's head.

    Attributes
    ----------
    id : str
    parents, open : tuple of str
        Concepts.
    name : str
    aliases : tuple of str
    """

    id: str
    parents: tuple[str, ...]
    open: tuple[str, ...]
    name: str
    aliases: tuple[str, ...]


class Concepts(Mapping[str, Concept]):
    """The concepts by their identifiers, in the order of the table.

    Examples
    --------
    >>> tree = concept_tree()
    >>> sorted(tree.below("saxophone"))[:2]
    ['alto_saxophone', 'baritone_saxophone']
    >>> tree.find("Bari sax")
    'baritone_saxophone'
    >>> tree.family("hammond_organ")
    'key'
    """

    def __init__(self, concepts: Iterable[Concept]) -> None:
        self._concepts = MappingProxyType({concept.id: concept for concept in concepts})
        children: dict[str, list[str]] = {name: [] for name in self._concepts}
        for concept in self._concepts.values():
            for parent in concept.parents:
                children[parent].append(concept.id)
        self._children = {name: tuple(members) for name, members in children.items()}
        self._below: dict[str, frozenset[str]] = {}

    def __getitem__(self, concept: str) -> Concept:
        return self._concepts[concept]

    def __iter__(self) -> Iterator[str]:
        return iter(self._concepts)

    def __len__(self) -> int:
        return len(self._concepts)

    def children(self, concept: str) -> tuple[str, ...]:
        """The concepts right below one."""
        return self._children.get(concept, ())

    def below(self, concept: str) -> frozenset[str]:
        """A concept and all those below it; one that is not in the tree stands alone."""
        if concept not in self._below:
            members = {concept}.union(*(self.below(child) for child in self.children(concept)))
            self._below[concept] = frozenset(members)
        return self._below[concept]

    def all_below(self, concepts: Iterable[str]) -> frozenset[str]:
        """Several concepts and all those below them."""
        return frozenset().union(*map(self.below, concepts))

    def covered(self, concept: str, known: frozenset[str]) -> bool:
        """Whether a concept is among the known ones, or all of its children are covered."""
        children = self.children(concept)
        return concept in known or (bool(children) and all(self.covered(child, known) for child in children))

    def family(self, concept: str) -> str:
        """The root above a concept (by its first parents); for a group beside the families, that of its first member.

        Examples
        --------
        >>> concept_tree().family("double_bass")
        'bowed_string'
        """
        root = self._root(concept)
        if root in FAMILIES or concept not in self._concepts:
            return root
        members = (*self.children(concept), *self[concept].open)
        return next((root for root in map(self.family, members) if root in FAMILIES), concept)

    def _root(self, concept: str) -> str:
        while concept in self._concepts and self[concept].parents:
            concept = self[concept].parents[0]
        return concept

    def check(self, concepts: Iterable[str]) -> tuple[str, ...]:
        """The concepts as a tuple.

        Raises
        ------
        ValueError
            If one of them is not in the tree.
        """
        concepts = tuple(concepts)
        wrong = [concept for concept in concepts if concept not in self._concepts]
        if wrong:
            raise ValueError(f"not a concept: {quoted(wrong)}{suggestion(wrong[0], self._concepts)}")
        return concepts

    def find(self, text: str) -> str | None:
        """The concept of a name, an alias, or a plural of one; None if there is none."""
        word = normalized(text)
        return self._words.get(word) or self._words.get(singular(word))

    @cached_property
    def _words(self) -> dict[str, str]:
        words: dict[str, str] = {}
        for concept in self._concepts.values():
            words[normalized(concept.id)] = concept.id
        for concept in self._concepts.values():
            for word in (concept.name, *concept.aliases):
                words.setdefault(normalized(word), concept.id)
        return words

    @property
    def words(self) -> tuple[str, ...]:
        """All names and aliases, normalized."""
        return tuple(self._words)


@cache
def concept_tree() -> Concepts:
    """The tree that ships with organology."""
    rows = csv.DictReader(_TABLE.read_text("utf-8").splitlines(), delimiter="\t")
    return Concepts(
        Concept(row["concept"], _split(row["parents"]), _split(row["open"]), row["name"], _split(row["aliases"]))
        for row in rows
    )


def _split(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split("|")))
