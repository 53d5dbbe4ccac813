"""Of which rows of a library a query is true, for all of them at once."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from organology.library.query.tree import All, Compare, Not, Plays, Query, Value
from organology.taxonomy import LABELS

if TYPE_CHECKING:
    from organology.library.table import Library

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


def matching_rows(library: Library, query: Query) -> NDArray[np.intp]:
    """Rows of a library that a query is true of, in order.

    How long labels play is asked for only where nothing else decides.
    """
    can, must = _bounds(library, query)
    open_rows = np.flatnonzero(can & ~must)
    if len(open_rows):
        part = library.taken(open_rows)
        part.seconds  # noqa: B018  # from here on it is known
        must[open_rows] = _bounds(part, query)[1]
    return np.flatnonzero(must)


def _bounds(library: Library, query: Query) -> tuple[Mask, Mask]:
    """Where a query can be true, and where it is in any case, with what is known by now."""
    if isinstance(query, Plays):
        if library.min_seconds is None:
            plays = library.plays[:, LABELS.index(query.label)]
            return plays, plays
        return _compared(
            library, Compare(Value("seconds", query.label), ">=", Value("number", number=library.min_seconds))
        )
    if isinstance(query, Compare):
        return _compared(library, query)
    if isinstance(query, Not):
        can, must = _bounds(library, query.of)
        return ~must, ~can
    bounds = [_bounds(library, part) for part in query.of]
    whole = np.full(len(library), isinstance(query, All))
    join = np.logical_and if isinstance(query, All) else np.logical_or
    return (
        join.reduce([whole, *(can for can, _ in bounds)]),
        join.reduce([whole, *(must for _, must in bounds)]),
    )


def _compared(library: Library, comparison: Compare) -> tuple[Mask, Mask]:
    left, right = comparison.left, comparison.right
    if left.kind == "path":
        found = _named(library.paths, right.text, comparison.operator)
        return found, found
    if {left.kind, right.kind} & {"seconds", "share"} and "seconds" not in vars(library):
        return np.ones(len(library), bool), np.zeros(len(library), bool)
    found = _COMPARE[comparison.operator](_numbers(library, left), _numbers(library, right))
    return found, found


def _numbers(library: Library, value: Value) -> Numbers:
    if value.kind == "number":
        return np.full(len(library), value.number)
    if value.kind == "duration":
        return library.durations
    if value.kind == "channel":
        return library.channels.astype(np.float64)
    column = LABELS.index(value.label)
    if value.kind == "score":
        return library.scores[:, column].astype(np.float64)
    seconds = library.seconds[:, column]
    return seconds if value.kind == "seconds" else seconds / np.maximum(library.durations, 1e-9)


def _named(paths: Sequence[str], text: str, operator: str) -> Mask:
    if operator == "~":
        pattern = re.compile(fnmatch.translate(text), re.DOTALL)
        return np.array([pattern.match(path) is not None for path in paths], bool)
    found = np.array([path == text for path in paths], bool)
    return found if operator == "=" else ~found
