"""The models that a model comes from, in its provenance: each by name and by the SHA-256 of its weights.

Files of earlier versions held the whole provenance of every ancestor, with JSON references to parts that stood before.
They are read, and cut down to the parents; the lineage of a model that is given to others belongs in its model card.
"""

from __future__ import annotations

from typing import Any

REFERENCE = "$ref"
"""Key of an object that stands for a part elsewhere: its value is that part's JSON Pointer (RFC 6901) after a `#`."""

_ENTRY = ("share", "name", "file", "sha256")
"""What is kept of a parent."""

_MOST_VALUES = 500_000
"""References to parts that hold references make much of little: beyond this a file is damaged, or meant to harm."""

_EARLIER = {"goes_on_with": "init_from"}


def parents_only(provenance: dict[str, Any]) -> dict[str, Any]:
    """The provenance with nothing of its parents but what identifies them.

    Examples
    --------
    >>> parents_only({"seed": 1, "goes_on_with": {"name": "shipped", "seed": 0}})
    {'seed': 1, 'init_from': {'name': 'shipped'}}
    """
    short = {_EARLIER.get(key, key): value for key, value in provenance.items()}
    if isinstance(short.get("init_from"), dict):
        short["init_from"] = _entry(short["init_from"])
    if isinstance(short.get("average_of"), list):
        short["average_of"] = [_entry(parent) if isinstance(parent, dict) else parent for parent in short["average_of"]]
    return short


def _entry(parent: dict[str, Any]) -> dict[str, Any]:
    return {key: parent[key] for key in _ENTRY if key in parent}


def unfold(value: Any) -> Any:
    """A value without references: each is replaced by the part that it leads to.

    Raises
    ------
    ValueError
        If a reference leads to nothing that stands before it, or they make more than 500 000 values.
    """
    return _unfold(value, "#", {})[0]


def _unfold(value: Any, place: str, known: dict[str, tuple[Any, int]]) -> tuple[Any, int]:
    """A value without references, and of how many values it consists."""
    if isinstance(value, dict):
        if value.keys() == {REFERENCE}:
            pointer = value[REFERENCE]
            if not isinstance(pointer, str) or pointer not in known:
                raise ValueError(f"{place}: no {pointer} before it")
            return known[pointer]
        parts = {key: _unfold(part, f"{place}/{_escaped(key)}", known) for key, part in value.items()}
        whole: Any = {key: part for key, (part, _) in parts.items()}
        size = 1 + sum(n for _, n in parts.values())
    elif isinstance(value, list):
        items = [_unfold(part, f"{place}/{number}", known) for number, part in enumerate(value)]
        whole, size = [part for part, _ in items], 1 + sum(n for _, n in items)
    else:
        return value, 1
    if size > _MOST_VALUES:
        raise ValueError(f"{place}: references make more than {_MOST_VALUES} values of it")
    known[place] = whole, size
    return whole, size


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
