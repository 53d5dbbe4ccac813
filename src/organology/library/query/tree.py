"""What a query means, as a tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from organology.taxonomy import LABELS


@dataclass(frozen=True)
class Value:
    """A number, a text, or something of the recording.

    Attributes
    ----------
    kind : {"number", "text", "score", "seconds", "share", "duration", "channel", "path"}
    label : str
        Of score, seconds and share.
    number : float
    text : str
    position : int
        Where it stands in the query.
    """

    kind: str
    label: str = ""
    number: float = 0.0
    text: str = ""
    position: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Plays:
    """A label plays."""

    label: str


@dataclass(frozen=True)
class Compare:
    """`left operator right` is true."""

    left: Value
    operator: str
    right: Value


@dataclass(frozen=True)
class Not:
    """The opposite."""

    of: Query


@dataclass(frozen=True)
class All:
    """All are true; of none, this is true."""

    of: tuple[Query, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one is true."""

    of: tuple[Query, ...]


Query = Plays | Compare | Not | All | AnyOf


def labels_of(query: Query) -> list[str]:
    """Labels that a query names, in the order of `taxonomy.LABELS`."""
    named: set[str] = set()
    stack: list[Query] = [query]
    while stack:
        node = stack.pop()
        if isinstance(node, Plays):
            named.add(node.label)
        elif isinstance(node, Compare):
            named |= {node.left.label, node.right.label}
        elif isinstance(node, Not):
            stack.append(node.of)
        else:
            stack += node.of
    return [label for label in LABELS if label in named]
