"""What a query means, as a tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from organology.labels import LabelSet


@dataclass(frozen=True)
class Value:
    """A number, a text, or something of the recording.

    Attributes
    ----------
    kind : {"number", "text", "score", "seconds", "share", "duration", "channel", "path"}
    labels : tuple of str
        Of score, seconds and share: the value is the highest of theirs.
    number : float
    text : str
    position : int
        Where it stands in the query.
    """

    kind: str
    labels: tuple[str, ...] = ()
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


def labels_of(query: Query, label_set: LabelSet) -> list[str]:
    """Labels that a query names, in the order of the label set."""
    named: set[str] = set()
    stack: list[Query] = [query]
    while stack:
        node = stack.pop()
        if isinstance(node, Plays):
            named.add(node.label)
        elif isinstance(node, Compare):
            named |= {*node.left.labels, *node.right.labels}
        elif isinstance(node, Not):
            stack.append(node.of)
        else:
            stack += node.of
    return [label for label in label_set.labels if label in named]
