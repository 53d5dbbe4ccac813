"""Queries of `organology find` as conditions in SQL.

A condition comes in two: where a query can be true, and where it is true in any case. They are the same unless how long
labels play has to be computed from the windows.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass

from organology.labels import LabelSet
from organology.library.columns import quoted
from organology.library.query.tree import All, Compare, Not, Plays, Query, Value

Bounds = tuple[str, str]


@dataclass(frozen=True)
class Conditions:
    """Makes conditions for the rows of one run.

    Attributes
    ----------
    label_set : LabelSet
    thresholds : sequence of float
        One a label.
    min_seconds : float, optional
        A label plays where its segments add up to this.
    has_seconds : bool
        Whether the `…_seconds` columns are of these thresholds.
    """

    label_set: LabelSet
    thresholds: Sequence[float]
    min_seconds: float | None
    has_seconds: bool

    def bounds(self, query: Query) -> Bounds:
        """Where a query can be true, and where it is in any case."""
        if isinstance(query, Plays):
            if self.min_seconds is None:
                found = self.plays(query.label)
                return found, found
            least = Value("number", number=self.min_seconds)
            return self._compared(Compare(Value("seconds", (query.label,)), ">=", least))
        if isinstance(query, Compare):
            return self._compared(query)
        if isinstance(query, Not):
            can, must = self.bounds(query.of)
            return f"NOT {must}", f"NOT {can}"
        word, empty = (" AND ", "TRUE") if isinstance(query, All) else (" OR ", "FALSE")
        bounds = [self.bounds(part) for part in query.of]
        return _joined(word, empty, [can for can, _ in bounds]), _joined(word, empty, [must for _, must in bounds])

    def plays(self, label: str) -> str:
        """Where a label, or one that belongs to it, reaches its threshold."""
        below = [label]
        for one in below:
            below += self.label_set.children(one)
        reached = [
            f"{_number_column(one)} >= {float(self.thresholds[self.label_set.index(one)])!r}::DOUBLE" for one in below
        ]
        return _joined(" OR ", "FALSE", reached)

    def _compared(self, comparison: Compare) -> Bounds:
        left, right = comparison.left, comparison.right
        if left.kind == "path":
            found = _named(right.text, comparison.operator)
            return found, found
        if {left.kind, right.kind} & {"seconds", "share"} and not self.has_seconds:
            return "TRUE", "FALSE"
        operator = "<>" if comparison.operator == "!=" else comparison.operator
        found = f"({self._number(left)} {operator} {self._number(right)})"
        return found, found

    def _number(self, value: Value) -> str:
        if value.kind == "number":
            return f"{float(value.number)!r}::DOUBLE"
        if value.kind in ("duration", "channel"):
            return f"{value.kind}::DOUBLE"
        names = [label if value.kind == "score" else f"{label}_seconds" for label in value.labels]
        highest = ", ".join(_number_column(name) for name in names)
        highest = f"greatest({highest})" if len(names) > 1 else highest
        return f"({highest} / greatest(duration, 1e-9))" if value.kind == "share" else highest


def _number_column(name: str) -> str:
    return f"{quoted(name)}::DOUBLE"


def _joined(word: str, empty: str, parts: Sequence[str]) -> str:
    return f"({word.join(parts)})" if parts else empty


def _named(text: str, operator: str) -> str:
    if operator == "~":
        pattern = text.replace("\\", "\\\\")
        return f"(path GLOB {literal(pattern)})"
    return f"(path {'=' if operator == '=' else '<>'} {literal(text)})"


def literal(text: str) -> str:
    """A text as SQL wants it.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def scan(urls: Sequence[str]) -> str:
    """The rows of Parquet files."""
    files = ", ".join(literal(glob.escape(url) if any(one in url for one in "*?[") else url) for url in urls)
    return f"read_parquet([{files}])"
