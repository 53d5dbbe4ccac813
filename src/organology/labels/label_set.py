"""Label sets: what a model can tell, and how instruments become labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from organology.errors import ConfigError
from organology.labels import set_file
from organology.labels._find import find
from organology.labels._rules import Rules
from organology.labels._words import normalized, singular, suggestion
from organology.labels.colors import shades
from organology.labels.concepts import concept_tree
from organology.labels.label_tree import LabelTree
from organology.labels.values import LabelArray
from organology.labels.view import View

_FOLDER = Path(__file__).with_name("sets")
_MOST_ENCODED = 4096  # vectors kept
_TEXTS = ("parents", "display", "colors")
_RULES = ("concepts", "unknown", "core", "aliases")


@dataclass(frozen=True)
class LabelSet(LabelTree):
    """An ordered set of labels; immutable, hashable by its content, and safe to pickle.

    Attributes
    ----------
    name : str
    labels : tuple of str
    parents : mapping of str to str
        Label -> the label that it belongs to; to any depth. A parent is never below its children.
    display : mapping of str to str
        Names for people; by default the label with spaces.
    colors : mapping of str to str
        As "#rrggbb"; by default shades of the color of the instrument's family.
    concepts : mapping of str to tuple of str
        Label -> the concepts that make it present, with all below them; by default the concept of the same name.
    unknown : mapping of str to tuple of str
        Label -> further concepts that leave it unknown.
    core : mapping of str to tuple of str
        Label -> what another set must tell for it to be read from that set's scores; by default its concepts.
    aliases : mapping of str to tuple of str
        Other names by which `find` knows a label.

    Raises
    ------
    ValueError
        If a label stands twice, a mapping names something else than a label, or a label is above itself.

    Examples
    --------
    >>> mine = LabelSet("mine", ("guitar", "piano"))
    >>> mine.decode(mine.encode(["electric_guitar"]))
    (['guitar'], [])
    """

    display: Mapping[str, str] = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    core: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_keys("display", "colors", *_RULES)
        display = {label: label.replace("_", " ") for label in self.labels} | dict(self.display)
        concepts = {label: (label,) if label in concept_tree() else () for label in self.labels} | dict(self.concepts)
        self._freeze(display=display, concepts=concepts)
        self._freeze(**{name: {key: tuple(cell) for key, cell in getattr(self, name).items()} for name in _RULES})
        self._freeze(colors=self._all_colors())

    def _all_colors(self) -> dict[str, str]:
        bare = [label for label in self.labels if label not in self.colors]
        families = [concept_tree().family((*self.concepts[label], "")[0]) for label in bare]
        shaded = dict(zip(bare, shades(families, self.colors.values()), strict=True))
        return {label: shaded.get(label) or self.colors[label] for label in self.labels}

    @staticmethod
    def load(name_or_path: str | PathLike[str]) -> LabelSet:
        """A set that ships with organology, by its name, or a person's own, from its table (see `set_file`).

        Raises
        ------
        ConfigError
            If there is no set of that name, or the table is at fault: names file, line and reason.
        """
        text = str(name_or_path)
        if text in label_sets():
            return _shipped(text)
        if not (path := Path(text)).suffix and not path.is_file():
            hint = suggestion(text, label_sets())
            raise ConfigError(f"no label set {text!r}{hint}; there are {', '.join(label_sets())}")
        return _from_table(path)

    def __hash__(self) -> int:
        return hash((self.name, self.labels, self.digest))

    def __reduce__(self) -> tuple[Any, ...]:
        return LabelSet.from_dict, (self.to_dict(),)

    def subset(self, labels: Iterable[str], name: str = "") -> LabelSet:
        """The set of some of the labels, in the order given; a label whose parent is left out moves up.

        Raises
        ------
        ValueError
            If one of them is not a label.
        """
        labels = self.check(labels)
        mappings = {key: {k: v for k, v in getattr(self, key).items() if k in labels} for key in (*_TEXTS, *_RULES)}
        return LabelSet(name or self.name, labels, **mappings | {"parents": self._kept_parents(labels)})

    def find(self, text: str) -> tuple[str, ...]:
        """The labels that a person's word means.

        It may be a label, its display name, an alias, the plural of one, or an instrument that takes in several
        labels: of `bradl15`, "guitar" means the electric and the acoustic one.

        Raises
        ------
        ValueError
            If there is none; says what may have been meant, or as what the set counts the instrument.

        Examples
        --------
        >>> LabelSet.load("bradl15").find("guitars")
        ('electric_guitar', 'acoustic_guitar')
        """
        return find(text, self.name, self._words, self.concepts, self.parents)

    @cached_property
    def _words(self) -> dict[str, str]:
        """Normalized names -> labels; labels before display names and aliases."""
        words = {normalized(label): label for label in self.labels}
        for label in self.labels:
            for name in map(normalized, (self.display[label], *self.aliases.get(label, ()))):
                words.setdefault(name, label)
                words.setdefault(singular(name), label)
        return words

    @cached_property
    def _rules(self) -> Rules:
        rules = [
            [mapping.get(label, ()) for label in self.labels] for mapping in (self.concepts, self.unknown, self.core)
        ]
        return Rules(*rules)

    def encode(self, present: Iterable[str], unknown: Iterable[str] = ()) -> LabelArray:
        """Label vector of one source, from concepts.

        A label is present if a present concept lies within its concepts. It is unknown if a present concept may lie
        within them (a bare "guitar" may be an electric one), or may sound with one that does (`Concept.open`), or if
        an unknown concept or the set's `unknown` touches it. Else it is absent. A parent of a present label is
        present; that of an unknown label is unknown unless it is present.

        Parameters
        ----------
        present, unknown : iterable of str
            Concepts.

        Returns
        -------
        int8 array, shape (n_labels,)

        Raises
        ------
        ValueError
            If a word is not a concept.

        Examples
        --------
        >>> bradl15 = LabelSet.load("bradl15")
        >>> bradl15.decode(bradl15.encode(["double_bass"]))
        ([], ['bowed_string', 'plucked_string'])
        """
        key = tuple(present), tuple(unknown)
        if (vector := self._encoded.get(key)) is None:
            vector = self._with_parents(self._rules.encode(*key))
            if len(self._encoded) < _MOST_ENCODED:
                self._encoded[key] = vector
        return vector.copy()

    @cached_property
    def _encoded(self) -> dict[tuple[tuple[str, ...], ...], LabelArray]:
        return {}

    def view_of(self, other: LabelSet) -> View[LabelSet]:
        """How this set is read from the scores of another.

        A label can be told if labels of the other set lie wholly within it and together take in all of its core:
        an electric and an acoustic guitar make a guitar, a violin alone no bowed strings.
        """
        columns = dict(zip(self.labels, self._rules.columns(other._rules), strict=True))
        told = [label for label in self.labels if columns[label]]
        missing = tuple(label for label in self.labels if not columns[label])
        return View(self.subset(told), missing, tuple(columns[label] for label in told), len(other))

    def to_dict(self) -> dict[str, Any]:
        """All of the set as plain values, for JSON."""
        values: dict[str, Any] = {"name": self.name, "labels": list(self.labels)}
        values |= {name: dict(getattr(self, name)) for name in _TEXTS}
        return values | {name: {k: list(cell) for k, cell in getattr(self, name).items()} for name in _RULES}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> LabelSet:
        """The set that `to_dict` wrote. Concepts that this version does not know stand for themselves.

        Raises
        ------
        ValueError
            If the values are no label set.
        """
        try:
            mappings = {name: dict(values.get(name, {})) for name in (*_TEXTS, *_RULES)}
            return LabelSet(str(values["name"]), tuple(map(str, values["labels"])), **mappings)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a label set: {type(error).__name__}: {error}") from error

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the labels mean, as 64 hex digits: names for people and colors do not count."""
        values = self.to_dict()
        meaning = {name: values[name] for name in ("labels", "parents", "concepts", "unknown")}
        return hashlib.sha256(json.dumps(meaning, sort_keys=True, allow_nan=False).encode()).hexdigest()


@cache
def label_sets() -> tuple[str, ...]:
    """Names of the label sets that ship with organology, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.tsv")))


@cache
def _shipped(name: str) -> LabelSet:
    return _from_table(_FOLDER / f"{name}.tsv")


def _from_table(path: Path) -> LabelSet:
    rows = set_file.read(path)
    return LabelSet(path.stem, tuple(rows.labels), **{name: getattr(rows, name) for name in (*_TEXTS, *_RULES)})
