"""Plain values that hold the same part many times, written with each part once.

A network that goes on with another, or is the mean of several, tells how each of them came about; these may go back to
the same one, so that without this the account doubles with every step.
"""

from __future__ import annotations

import json
from typing import Any

REFERENCE = "$ref"
"""Key of an object that stands for a part elsewhere: its value is that part's JSON Pointer (RFC 6901) behind a `#`."""
SHORTEST = 400
"""Parts whose JSON text is shorter stay as they are."""


def fold(value: Any) -> Any:
    """The value with every object that stood before, in the order of the text, replaced by a reference to it.

    Parameters
    ----------
    value : JSON value
        Dictionaries, lists, strings, numbers, booleans, None.
    """
    return _fold(value, "#", {})


def _fold(value: Any, place: str, first: dict[str, str]) -> Any:
    if isinstance(value, dict):
        text = json.dumps(value, sort_keys=True)
        if len(text) >= SHORTEST:
            if text in first:
                return {REFERENCE: first[text]}
            first[text] = place
        return {key: _fold(part, f"{place}/{_escaped(key)}", first) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_fold(part, f"{place}/{number}", first) for number, part in enumerate(value)]
    return value


def unfold(value: Any) -> Any:
    """The value that `fold` was given; parts that are the same are one object.

    Raises
    ------
    ValueError
        If a reference leads to nothing that stands before it.
    """
    return _unfold(value, "#", {})


def _unfold(value: Any, place: str, known: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {REFERENCE}:
            if value[REFERENCE] not in known:
                raise ValueError(f"{place}: no {value[REFERENCE]} before it")
            return known[value[REFERENCE]]
        whole: Any = {key: _unfold(part, f"{place}/{_escaped(key)}", known) for key, part in value.items()}
    elif isinstance(value, list):
        whole = [_unfold(part, f"{place}/{number}", known) for number, part in enumerate(value)]
    else:
        return value
    known[place] = whole
    return whole


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
