"""Vocabularies: what a corpus calls its instruments -> labels.

A vocabulary is a table `data/NAME.tsv` with the columns `word`, `policy` (`use`, `mask`, `exclude`), `present`,
`unknown` (labels joined by `|`) and `note`. `mask` means that some output cannot honestly be set for the word;
`exclude` that the word names no instrument and its stem is not used. Words are compared without regard to case and
to white space at their ends.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal, cast

from organology.errors import CorpusError, UnknownWordError
from organology.taxonomy.labels import LabelArray, encode

Policy = Literal["use", "mask", "exclude"]


@dataclass(frozen=True)
class Entry:
    """What a vocabulary says of one word.

    Attributes
    ----------
    word : str
        As it stands in the table.
    policy : {"use", "mask", "exclude"}
    present, unknown : tuple of str
        Labels; empty where the policy is "exclude".
    note : str
    """

    word: str
    policy: Policy
    present: tuple[str, ...]
    unknown: tuple[str, ...]
    note: str = ""

    @property
    def labels(self) -> LabelArray:
        """Label vector, int8 of shape (15,)."""
        return encode(self.present, self.unknown)


@dataclass(frozen=True)
class Vocabulary:
    """The words of one corpus, each with its labels."""

    name: str
    entries: dict[str, Entry]

    @staticmethod
    @cache
    def load(name: str) -> Vocabulary:
        """A vocabulary that ships with organology; `vocabularies` lists their names.

        Raises
        ------
        ValueError
            If there is none of that name.
        """
        if name not in vocabularies():
            raise ValueError(f"no vocabulary {name!r}; there are {', '.join(vocabularies())}")
        file = resources.files("organology.taxonomy") / "data" / f"{name}.tsv"
        return Vocabulary.parse(file.read_text("utf-8"), name)

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
                entry = Entry(
                    word=row["word"],
                    policy=cast(Policy, row["policy"]),
                    present=tuple(filter(None, row["present"].split("|"))),
                    unknown=tuple(filter(None, row["unknown"].split("|"))),
                    note=row.get("note") or "",
                )
                if entry.policy not in ("use", "mask", "exclude"):
                    raise ValueError(f"policy {entry.policy!r}")
                if (entry.policy == "exclude") != (not entry.present and not entry.unknown):
                    raise ValueError("labels and policy disagree")
                entry.labels  # noqa: B018  (a wrong label is an error here, not later)
            except (KeyError, AttributeError, ValueError) as error:
                raise CorpusError(f"vocabulary {name}, line {number}: {error}") from error
            key = _key(entry.word)
            if key in entries:
                raise CorpusError(f"vocabulary {name}, line {number}: {entry.word!r} stands twice")
            entries[key] = entry
        return Vocabulary(name, entries)

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
        >>> Vocabulary.load("medleydb").entry("clean electric guitar").present
        ('electric_guitar',)
        """
        try:
            return self.entries[_key(word)]
        except KeyError:
            raise UnknownWordError(word, self.name, where) from None


def vocabularies() -> tuple[str, ...]:
    """Names of the vocabularies that ship with organology, sorted."""
    folder = resources.files("organology.taxonomy") / "data"
    names = (Path(file.name) for file in folder.iterdir())
    return tuple(sorted(p.stem for p in names if p.suffix == ".tsv" and p.stem != "taxonomy"))


def _key(word: str) -> str:
    return " ".join(word.split()).casefold()
