"""Effects and transforms by name, and the part of a recipe that sets them.

A registry is the one place where the members are listed. The configuration, the keys of a recipe, the drawing and the
table in the docs follow from it: a new member is one class in a file of its own and one registration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from organology import config

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Applied:
    """An effect or a transform as it was drawn for one source or one mixture.

    Attributes
    ----------
    name : str
        In its registry.
    parameters : dict
        Plain values: all that its `apply` needs beside the samples.
    """

    name: str
    parameters: Parameters


class Member(Protocol):
    """What a registry holds: classes of settings, usable without arguments."""

    name: ClassVar[str]

    def __init__(self) -> None: ...

    @property
    def is_on(self) -> bool:
        """Whether it can be drawn with these settings."""

    def disabled(self) -> Self:
        """The same settings, never drawn."""


M = TypeVar("M", bound=Member)


class Registry(Mapping[str, type[M]], Generic[M]):
    """Classes by name, in the order of their registration.

    Parameters
    ----------
    noun : str
        What a member is; for errors.
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._members: dict[str, type[M]] = {}

    def register(self, member: type[M]) -> type[M]:
        """Add a class.

        Raises
        ------
        ValueError
            If its name is taken.
        """
        if member.name in self._members:
            raise ValueError(f"{self._noun} {member.name!r} is registered already")
        self._members[member.name] = member
        config.forget_validators()  # they list the keys of a recipe
        return member

    def remove(self, name: str) -> None:
        """Take a class out again."""
        del self._members[name]
        config.forget_validators()

    def table(self) -> str:
        """The members and their defaults as a Markdown table, for the docs."""
        lines = [f"| {self._noun} | what it does | settings |", "|---|---|---|"]
        for name, kind in self.items():
            settings = ", ".join(f"`{key}: {_yaml(value)}`" for key, value in config.to_plain(kind()).items())
            first = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
            lines.append(f"| `{name}` | {first} | {settings} |")
        return "\n".join(lines)

    def __getitem__(self, name: str) -> type[M]:
        if name not in self._members:
            raise ValueError(f"{self._noun} must be one of {', '.join(self._members)}, got {name!r}")
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


class RegistryConfig(Mapping[str, M]):
    """Settings of every member of a registry; immutable, hashable, picklable.

    Parameters
    ----------
    **settings
        By name; members that are left out have their defaults.

    Raises
    ------
    ValueError
        If a name is not registered, or its settings are of another class.
    """

    registry: ClassVar[Registry[Any]]

    def __init__(self, **settings: M) -> None:
        for name, given in settings.items():
            kind = self.registry[name]
            if not isinstance(given, kind):
                raise ValueError(f"{name} must be {kind.__name__}, got {type(given).__name__}")
        self._settings: dict[str, M] = {
            name: settings[name] if name in settings else kind() for name, kind in self.registry.items()
        }

    @classmethod
    def none(cls) -> Self:
        """Settings with which nothing is ever drawn."""
        return cls(**{name: kind().disabled() for name, kind in cls.registry.items()})

    @property
    def is_on(self) -> bool:
        """Whether any member can be drawn."""
        return any(settings.is_on for settings in self.values())

    def replace(self, **settings: M) -> Self:
        """The same settings but for some."""
        return type(self)(**{**self._settings, **settings})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._settings:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self._settings[name]

    def __getitem__(self, name: str) -> M:
        return self._settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._settings == other._settings

    def __hash__(self) -> int:
        return hash(tuple(self._settings.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={given!r}' for name, given in self.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _build, (type(self), self._settings)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        keys = {
            name: core_schema.typed_dict_field(handler.generate_schema(kind), required=False)
            for name, kind in cls.registry.items()
        }
        settings = core_schema.no_info_after_validator_function(
            lambda given: cls(**given), core_schema.typed_dict_schema(keys, extra_behavior="forbid")
        )
        return core_schema.no_info_before_validator_function(
            lambda given: dict(given) if isinstance(given, cls) else given,
            settings,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda given: {name: config.to_plain(value) for name, value in given.items()}
            ),
        )


def _yaml(value: Any) -> str:
    return (
        f"[{', '.join(map(_yaml, value))}]"
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _build(kind: type[RegistryConfig[M]], settings: dict[str, M]) -> RegistryConfig[M]:
    return kind(**settings)
