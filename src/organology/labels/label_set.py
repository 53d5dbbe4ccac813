"""Label sets: what a model can tell, and arithmetic of three-valued label vectors.

A label vector is an int8 array of shape (n_labels,), in the order of the set: 1 present, 0 absent, -1 unknown. An
unknown label is left out of the loss and of the metrics.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from organology.errors import ConfigError
from organology.labels import _find, _structure, set_file
from organology.labels._rules import Rules
from organology.labels._words import quoted, suggestion
from organology.labels.concepts import concept_tree
from organology.labels.values import ABSENT, PRESENT, UNKNOWN, LabelArray
from organology.labels.view import View

_FOLDER = Path(__file__).with_name("sets")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_TEXTS = ("parents", "display", "colors")
_RULES = ("concepts", "unknown", "core", "aliases")


@dataclass(frozen=True)
class LabelSet:
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

    name: str
    labels: tuple[str, ...]
    parents: Mapping[str, str] = field(default_factory=dict)
    display: Mapping[str, str] = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    core: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = tuple(self.labels)
        display = {label: label.replace("_", " ") for label in labels} | dict(self.display)
        concepts = {label: (label,) if label in concept_tree() else () for label in labels} | dict(self.concepts)
        self._freeze(labels=labels, display=display, concepts=concepts)
        self._freeze(**{name: {key: tuple(cell) for key, cell in getattr(self, name).items()} for name in _RULES})
        _structure.check(self)
        colors = _structure.colors(self) | dict(self.colors)
        self._freeze(parents=dict(self.parents), colors={label: colors[label] for label in labels})

    def _freeze(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, MappingProxyType(value) if isinstance(value, dict) else value)

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
        path = Path(text)
        if not path.suffix and not path.is_file():
            hint = suggestion(text, label_sets())
            raise ConfigError(f"no label set {text!r}{hint}; there are {', '.join(label_sets())}, or a table's path")
        return _from_table(path)

    def __len__(self) -> int:
        return len(self.labels)

    def __hash__(self) -> int:
        return hash((self.name, self.labels, self.digest))

    def __reduce__(self) -> tuple[Any, ...]:
        return LabelSet.from_dict, (self.to_dict(),)

    # -- labels and their tree -------------------------------------------------------------------------------------

    @cached_property
    def _index(self) -> dict[str, int]:
        return {label: i for i, label in enumerate(self.labels)}

    def index(self, label: str) -> int:
        """Place of a label; raises ValueError if it is none."""
        try:
            return self._index[label]
        except KeyError:
            self.check([label])
            raise

    def check(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The labels as a tuple.

        Raises
        ------
        ValueError
            If one of them is not a label; names the wrong ones and what may have been meant.
        """
        labels = tuple(labels)
        wrong = [label for label in labels if label not in self._index]
        if wrong:
            hint = suggestion(wrong[0], self.labels) or f"; the labels are {', '.join(self.labels)}"
            raise ValueError(f"not a label of {self.name}: {quoted(wrong)}{hint}")
        return labels

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The labels that have no parent."""
        return tuple(label for label in self.labels if label not in self.parents)

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """The labels that have no children."""
        return tuple(label for label in self.labels if label not in self.parents.values())

    def children(self, label: str) -> tuple[str, ...]:
        """The labels right below one."""
        self.check([label])
        return tuple(child for child in self.labels if self.parents.get(child) == label)

    def family(self, label: str) -> str:
        """The label without parent that a label stands below, or the label itself."""
        self.check([label])
        while label in self.parents:
            label = self.parents[label]
        return label

    def order(self) -> tuple[str, ...]:
        """All labels, each parent right before its children."""
        return self._order

    @cached_property
    def _order(self) -> tuple[str, ...]:
        return _structure.tree_order(self)

    def subset(self, labels: Iterable[str], name: str = "") -> LabelSet:
        """The set of some of the labels, in the order given; a label whose parent is left out moves up.

        Raises
        ------
        ValueError
            If one of them is not a label.
        """
        labels = self.check(labels)
        mappings = {key: {k: v for k, v in getattr(self, key).items() if k in labels} for key in (*_TEXTS, *_RULES)}
        mappings["parents"] = _structure.kept_parents(self, labels)
        return LabelSet(name or self.name, labels, **mappings)

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
        return _find.find(self, text)

    # -- label vectors ---------------------------------------------------------------------------------------------

    @cached_property
    def _rules(self) -> Rules:
        return Rules(self)

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
        return self._rules.encode(tuple(present), tuple(unknown)).copy()

    def encode_labels(self, present: Iterable[str], unknown: Iterable[str] = ()) -> LabelArray:
        """Label vector of one source, from labels; parents follow, and a label named in both counts as present.

        Raises
        ------
        ValueError
            If a word is not a label.
        """
        return self._rules.encode_labels(self.check(present), self.check(unknown))

    def decode(self, vector: ArrayLike) -> tuple[list[str], list[str]]:
        """The present and the unknown labels of a label vector of shape (n_labels,)."""
        values = np.asarray(vector)
        return (
            [label for label, value in zip(self.labels, values, strict=True) if value == PRESENT],
            [label for label, value in zip(self.labels, values, strict=True) if value == UNKNOWN],
        )

    def union(self, vectors: ArrayLike | Sequence[LabelArray]) -> LabelArray:
        """Label vector of a mixture of sources.

        A label is present if any source has it, else unknown if it is unknown in any source, else absent.

        Parameters
        ----------
        vectors : int8 array, shape (n_sources, n_labels), or a list of vectors
            No source at all gives all labels absent.
        """
        stacked = np.asarray(vectors, dtype=np.int8).reshape(-1, len(self))
        present, unknown = (stacked == PRESENT).any(axis=0), (stacked == UNKNOWN).any(axis=0)
        return np.where(present, PRESENT, np.where(unknown, UNKNOWN, ABSENT)).astype(np.int8)

    def raise_parents(self, scores: ArrayLike) -> NDArray[Any]:
        """Scores in which no label is below its children.

        Parameters
        ----------
        scores : array, shape (..., n_labels)

        Returns
        -------
        array of the same shape and type; the argument is left as it is
        """
        raised = np.array(scores, copy=True)
        for child, parent in self._rules.upward:
            np.maximum(raised[..., parent], raised[..., child], out=raised[..., parent])
        return raised

    def view_of(self, other: LabelSet) -> View:
        """How this set is read from the scores of another.

        A label can be told if labels of the other set lie wholly within it and together take in all of its core:
        an electric and an acoustic guitar make a guitar, a violin alone no bowed strings.
        """
        columns = self._rules.columns(other._rules)
        told = [label for label in self.labels if columns[label]]
        missing = tuple(label for label in self.labels if not columns[label])
        return View(self.subset(told), missing, tuple(columns[label] for label in told), len(other))

    # -- plain values ----------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """All of the set as plain values, for JSON; `from_dict` reads them without any table."""
        texts = {name: dict(getattr(self, name)) for name in _TEXTS}
        rules = {name: {label: list(cell) for label, cell in getattr(self, name).items()} for name in _RULES}
        return {"name": self.name, "labels": list(self.labels)} | texts | rules

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
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


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
