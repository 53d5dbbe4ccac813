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
