"""Which rows of a library match a query, for all of them at once."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.library.query.tree import All, Compare, Not, Plays, Query, Value

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]

_COMPARE: dict[str, Callable[[Numbers, Numbers], Mask]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "=": np.equal,
    "!=": np.not_equal,
}


class Recordings(Protocol):
    """What a store or a dataset says of recordings, a row each. See `library.table.Library`."""

    @property
    def label_set(self) -> LabelSet:
        """Of the columns."""
        ...

    @property
    def paths(self) -> list[str]:
        """Absolute, or addresses."""
        ...

    @property
    def channels(self) -> NDArray[np.int64]:
        """0 where all are mixed, shape (n,)."""
        ...

    @property
    def durations(self) -> Numbers:
        """In seconds, shape (n,)."""
        ...

    @property
    def scores(self) -> NDArray[np.float32]:
        """Of the files, shape (n, n_labels)."""
        ...

    @property
    def plays(self) -> Mask:
        """Whether each label plays, shape (n, n_labels)."""
        ...


class Rows(Recordings, Protocol):
    """What a query looks at."""

    @property
    def min_seconds(self) -> float | None:
        """A label plays where its segments add up to this."""
        ...

    @property
    def has_seconds(self) -> bool:
        """Whether `seconds` is known without work."""
        ...

    @property
    def seconds(self) -> Numbers:
        """How long each label plays, shape (n, n_labels)."""
        ...

    def __len__(self) -> int: ...

    def taken(self, rows: NDArray[np.intp]) -> Self:
        """Some rows, in an order."""
        ...


def matching_rows(rows: Rows, query: Query) -> NDArray[np.intp]:
    """Numbers of the rows that match a query, in order.

    How long labels play is asked for only where nothing else decides.
    """
    can, must = _bounds(rows, query)
    undecided = np.flatnonzero(can & ~must)
    if len(undecided):
        part = rows.taken(undecided)
        part.seconds  # noqa: B018  # from here on it is known
        must[undecided] = _bounds(part, query)[1]
    return np.flatnonzero(must)


def _bounds(rows: Rows, query: Query) -> tuple[Mask, Mask]:
    """Where a query can match, and where it does in any case, with what is known by now."""
    if isinstance(query, Plays):
        if rows.min_seconds is None:
            plays = rows.plays[:, rows.label_set.index(query.label)]
            return plays, plays
        least = Value("number", number=rows.min_seconds)
        return _compared(rows, Compare(Value("seconds", (query.label,)), ">=", least))
    if isinstance(query, Compare):
        return _compared(rows, query)
    if isinstance(query, Not):
        can, must = _bounds(rows, query.of)
        return ~must, ~can
    bounds = [_bounds(rows, part) for part in query.of]
    whole = np.full(len(rows), isinstance(query, All))
    join = np.logical_and if isinstance(query, All) else np.logical_or
    return (
        join.reduce([whole, *(can for can, _ in bounds)]),
        join.reduce([whole, *(must for _, must in bounds)]),
    )


def _compared(rows: Rows, comparison: Compare) -> tuple[Mask, Mask]:
    left, right = comparison.left, comparison.right
    if left.kind == "path":
        found = _named(rows.paths, right.text, comparison.operator)
        return found, found
    if {left.kind, right.kind} & {"seconds", "share"} and not rows.has_seconds:
        return np.ones(len(rows), bool), np.zeros(len(rows), bool)
    found = _COMPARE[comparison.operator](_numbers(rows, left), _numbers(rows, right))
    return found, found


def _numbers(rows: Rows, value: Value) -> Numbers:
    if value.kind == "number":
        return np.full(len(rows), value.number)
    if value.kind == "duration":
        return rows.durations
    if value.kind == "channel":
        return rows.channels.astype(np.float64)
    columns = [rows.label_set.index(label) for label in value.labels]
    table = rows.scores if value.kind == "score" else rows.seconds
    highest: Numbers = table[:, columns].max(axis=1).astype(np.float64)
    return highest / np.maximum(rows.durations, 1e-9) if value.kind == "share" else highest


def _named(paths: Sequence[str], text: str, operator: str) -> Mask:
    if operator == "~":
        pattern = re.compile(fnmatch.translate(text), re.DOTALL)
        return np.array([pattern.match(path) is not None for path in paths], bool)
    found = np.array([path == text for path in paths], bool)
    return found if operator == "=" else ~found
