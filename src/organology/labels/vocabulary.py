"""Vocabularies: what a corpus calls its instruments -> concepts.

A vocabulary is a table `vocabularies/NAME.tsv` with the columns `word`, `policy` (`use`, `mask`, `exclude`),
`present`, `unknown` (concepts joined by `|`) and `note`. `mask` means that some label of the paper's set cannot
honestly be set for the word; `exclude` that the word names no instrument and its stem is not used. Words are compared
without regard to case and to white space at their ends.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args

from organology.errors import CorpusError, UnknownWordError
from organology.labels._words import suggestion
from organology.labels.concepts import concept_tree
from organology.labels.label_set import LabelSet
from organology.labels.values import LabelArray

Policy = Literal["use", "mask", "exclude"]
_FOLDER = Path(__file__).with_name("vocabularies")
_COLUMNS = ("word", "policy", "present", "unknown")


@dataclass(frozen=True)
class Entry:
    """What a vocabulary says of one word.

    Attributes
    ----------
    word : str
        As it stands in the table.
    policy : {"use", "mask", "exclude"}
    present, unknown : tuple of str
        Concepts; empty where the policy is "exclude".
    note : str
    """

    word: str
    policy: Policy
    present: tuple[str, ...]
    unknown: tuple[str, ...]
    note: str = ""

    def encode(self, label_set: LabelSet) -> LabelArray:
        """Label vector of the word, int8 of shape (n_labels,)."""
        return label_set.encode(self.present, self.unknown)


@dataclass(frozen=True)
class Vocabulary:
    """The words of one corpus, each with its concepts."""

    name: str
    entries: Mapping[str, Entry]

    @staticmethod
    def load(name: str) -> Vocabulary:
        """A vocabulary that ships with organology; `vocabularies` lists their names.

        Raises
        ------
        ValueError
            If there is none of that name.
        """
        if name not in vocabularies():
            hint = suggestion(name, vocabularies())
            raise ValueError(f"no vocabulary {name!r}{hint}; there are {', '.join(vocabularies())}")
        return _shipped(name)

    @staticmethod
    def parse(text: str, name: str) -> Vocabulary:
        """A vocabulary from the text of its table.

        Raises
        ------
        CorpusError
            If a row is not as the module's head says.
        """
        entries: dict[str, Entry] = {}
        for number, row in enumerate(csv.DictReader(text.splitlines(), delimiter="\t"), start=2):
            try:
                entry = _entry(row)
                if _key(entry.word) in entries:
                    raise ValueError(f"{entry.word!r} stands twice")
            except ValueError as error:
                raise CorpusError(f"vocabulary {name}, line {number}: {error}") from error
            entries[_key(entry.word)] = entry
        return Vocabulary(name, MappingProxyType(entries))

    def __reduce__(self) -> tuple[type[Vocabulary], tuple[str, dict[str, Entry]]]:
        return Vocabulary, (self.name, dict(self.entries))

    def __getitem__(self, word: str) -> Entry:
        return self.entry(word)

    def __contains__(self, word: str) -> bool:
        return _key(word) in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def entry(self, word: str, where: str = "") -> Entry:
        """What the vocabulary says of a word.

        Parameters
        ----------
        word : str
        where : str
            File and stem, named in the error.

        Raises
        ------
        UnknownWordError
            If the word is not in the table.

        Examples
        --------
        >>> Vocabulary.load("medleydb").entry("tenor saxophone").present
        ('tenor_saxophone',)
        """
        try:
            return self.entries[_key(word)]
        except KeyError:
            raise UnknownWordError(word, self.name, where) from None


@cache
def vocabularies() -> tuple[str, ...]:
    """Names of the vocabularies that ship with organology, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.tsv")))


@cache
def _shipped(name: str) -> Vocabulary:
    return Vocabulary.parse((_FOLDER / f"{name}.tsv").read_text("utf-8"), name)


def _entry(row: dict[str, str | None]) -> Entry:
    missing = [name for name in _COLUMNS if row.get(name) is None]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)}")
    word, policy, present, unknown = (cast(str, row[name]) for name in _COLUMNS)
    if policy not in get_args(Policy):
        raise ValueError(f"policy must be use, mask or exclude, got {policy!r}")
    entry = Entry(word, cast(Policy, policy), _concepts(present), _concepts(unknown), row.get("note") or "")
    if (policy == "exclude") != (not entry.present and not entry.unknown):
        raise ValueError("a word must have concepts unless its policy is exclude")
    return entry


def _concepts(cell: str) -> tuple[str, ...]:
    return concept_tree().check(filter(None, cell.split("|")))


def _key(word: str) -> str:
    return " ".join(word.split()).casefold()
