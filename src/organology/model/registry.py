"""Choices by name: what may stand in a configuration, and the class behind it.

Entries name their classes by text, `module:Class`, and import them when one is made: a recipe can be checked, and the
command line can list its choices, without torch. Adding a choice takes one new file and one registration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar


class Named(Protocol):
    """An entry of a registry."""

    @property
    def name(self) -> str: ...  # noqa: D102


E = TypeVar("E", bound=Named)


class Registry(Generic[E]):
    """Entries by name, in the order in which they were registered.

    Parameters
    ----------
    what : str
        What an entry is, for errors: "backbone".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, E] = {}

    def register(self, entry: E) -> E:
        """Add an entry.

        Raises
        ------
        ValueError
            If there is one of that name.
        """
        if entry.name in self._entries:
            raise ValueError(f"{self.what} {entry.name!r} is registered already")
        self._entries[entry.name] = entry
        return entry

    def remove(self, name: str) -> None:
        """Take an entry out again."""
        del self._entries[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The choices."""
        return tuple(self._entries)

    def __iter__(self) -> Iterator[E]:
        return iter(self._entries.values())

    def __getitem__(self, name: str) -> E:
        """The entry of a name; ValueError if there is none."""
        if name not in self._entries:
            raise ValueError(f"{self.what} must be one of {', '.join(self.names)}, got {name!r}")
        return self._entries[name]


def load_target(target: str) -> Any:
    """The object that a text `module:name` stands for."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _any_size(config: Any) -> int:
    return 1


@dataclass(frozen=True)
class Backbone:
    """A backbone: mel spectrograms -> embeddings.

    Attributes
    ----------
    name : str
    target : str
        `module:Class`. The class takes the settings as keywords. It has `embedding_size`, `stages()` (its parts from
        input to output) and `forward`: (batch, 1, bands, frames) -> (batch, embedding_size).
    about : str
        One line for lists.
    frontend : str
        Preset of the front end that it is used with.
    settings : mapping of str to str
        Keyword of the class -> the setting of `ModelConfig`, or the key of `ModelConfig.options`, that it comes from.
    published : str or None
        `module:function` that reads a file of published weights as a state dict with the parts `backbone.…` and, if
        there is one, `classifier.…`. None: there are no published weights.
    smallest : callable
        `ModelConfig` -> how many bands and frames it needs.
    """

    name: str
    target: str
    about: str
    frontend: str = "paper"
    settings: Mapping[str, str] = field(default_factory=dict)
    published: str | None = None
    smallest: Callable[[Any], int] = _any_size


def _nothing(config: Any) -> None:
    return None


@dataclass(frozen=True)
class Head:
    """A head: embeddings -> logits of the labels.

    Attributes
    ----------
    name : str
    target : str
        `module:Class`. The class takes the size of the embedding, the label set, and the settings as keywords. It has
        `features`, `blend` (see `heads`) and `forward`: (batch, embedding_size) -> (batch, n_labels).
    about : str
        One line for lists.
    settings : mapping of str to str
        As those of a `Backbone`.
    check : callable
        `ModelConfig` -> None; raises ValueError where the head does not fit the backbone.
    instruments_only : bool
        It knows its labels as instruments, so that it is of no use for tags.
    """

    name: str
    target: str
    about: str
    settings: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Any], None] = _nothing
    instruments_only: bool = False


def build(entry: Backbone | Head, config: Any, *arguments: Any) -> Any:
    """The module of an entry, with its settings from a `ModelConfig`."""
    values = {keyword: setting_of(config, name) for keyword, name in entry.settings.items()}
    return load_target(entry.target)(*arguments, **{k: v for k, v in values.items() if v is not None})


def setting_of(config: Any, name: str) -> Any:
    """A setting of a `ModelConfig` by its name, from its fields or its `options`; None if it is not given."""
    return getattr(config, name) if hasattr(config, name) else config.options.get(name)
