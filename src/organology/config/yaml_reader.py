"""YAML of unknown origin as plain values: bounded in size, depth and what its aliases grow to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

LARGEST_BYTES = 4 << 20
DEEPEST = 100
MOST_VALUES = 500_000
_LONG_NUMBER = re.compile(r"[-+]?[0-9_:.]{500,}")  # base 60: small in the file, huge as a number


class YamlError(ValueError):
    """A text that is no YAML, or that goes beyond the bounds; one line."""


def load_yaml(text: str | bytes, *, unique_keys: bool = False) -> Any:
    """Read one YAML document.

    Parameters
    ----------
    text : str or bytes
    unique_keys : bool
        Refuse a key that stands twice in a mapping; YAML as such takes the last.

    Raises
    ------
    YamlError
        If it is no YAML, a value cannot be made (a date of month 13), it is larger than `LARGEST_BYTES`, nested deeper
        than `DEEPEST`, or its aliases make more than `MOST_VALUES` values of it.
    """
    import yaml

    if len(text) > LARGEST_BYTES:
        raise YamlError(f"larger than {LARGEST_BYTES >> 20} MB")
    try:
        _check_bounds(text)
        return yaml.load(text, Loader=_loader(unique_keys))
    except YamlError:
        raise
    except Exception as error:  # PyYAML lets ValueError, OverflowError, RecursionError and others through
        said = " ".join(str(error).split())
        raise YamlError(said if isinstance(error, yaml.YAMLError) else f"{type(error).__name__}: {said}") from error


def _check_bounds(text: str | bytes) -> None:
    """Follow the events of a document, which takes no recursion, and count what its aliases stand for."""
    import yaml

    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    values = 0
    for event in yaml.parse(text, Loader=_base_loader()):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in {anchor for anchor, _ in open_}:
                raise YamlError(f"alias {event.anchor!r} stands in itself")
            values += sizes.get(event.anchor or "", 0)
        elif isinstance(event, yaml.ScalarEvent):
            values += 1
            if event.implicit[0] and _LONG_NUMBER.fullmatch(event.value):
                raise YamlError(f"a number of {len(event.value)} digits")
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, values))
            values += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = values - before
        if len(open_) > DEEPEST:
            raise YamlError(f"nested deeper than {DEEPEST} levels")
        if values > MOST_VALUES:
            raise YamlError(f"more than {MOST_VALUES} values")


def _base_loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast


def _loader(unique_keys: bool) -> Any:
    import yaml

    if not unique_keys:
        return _base_loader()
    base: Any = _base_loader()

    class UniqueKeys(base):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[Any] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in seen:
                        said = f"{key.value!r} stands twice"
                        raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
                    seen.add(key.value)
            mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
            return mapping

    return UniqueKeys
