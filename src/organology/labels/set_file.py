"""Tables of label sets: those that ship with organology, and a person's own.

A table is a text file of tab- or comma-separated columns, one row a label. Only `label` has to be there; a label that
is no concept needs `concepts` too. Empty lines and lines that begin with `#` are skipped.

| column | meaning | default |
|---|---|---|
| `label` | lower-case letters, digits and underscores | |
| `concepts` | the instruments that make it present, with all those below them | the concept of the label's name |
| `unknown` | instruments that leave it unknown | none |
| `core` | what must be told for the label to be read from another set | as `concepts` |
| `parent` | the label that it belongs to | none |
| `display` | its name for people | the label, with spaces |
| `color` | as #rrggbb | a shade of its family's color |
| `aliases` | other names by which people may ask for it | none |

Several values in a cell are joined by a vertical bar. Instruments are concepts, or names of them that
`concepts.tsv` knows. A complete table of three labels:

    label,concepts
    guitar,guitar
    bass,bass guitar|double bass
    drums,drums
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from organology.errors import ConfigError
from organology.labels._words import suggestion
from organology.labels.concepts import concept_tree

COLUMNS = ("label", "concepts", "unknown", "core", "parent", "display", "color", "aliases")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass
class Rows:
    """The columns of a table: the labels, and for those that have one a value."""

    labels: list[str] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    display: dict[str, str] = field(default_factory=dict)
    colors: dict[str, str] = field(default_factory=dict)
    concepts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: dict[str, tuple[str, ...]] = field(default_factory=dict)
    core: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)


def read(path: Path) -> Rows:
    """The rows of a table.

    Raises
    ------
    ConfigError
        If the file cannot be read or a row is at fault; names file, line and reason.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read: {reason}") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    if not lines:
        raise ConfigError(f"{path}: no label")
    first, header = lines[0]
    delimiter = "\t" if "\t" in header else ","
    columns = _columns(header, delimiter, f"{path}, line {first}")
    table, numbers = Rows(), {}
    for number, line in lines[1:]:
        cells = next(csv.reader([line], delimiter=delimiter))
        if len(cells) > len(columns):
            raise ConfigError(f"{path}, line {number}: {len(cells)} cells under {len(columns)} columns")
        row = dict.fromkeys(COLUMNS, "") | {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
        _add(table, row, f"{path}, line {number}")
        numbers[row["label"]] = number
    if not table.labels:
        raise ConfigError(f"{path}: no label")
    _check_parents(table, path, numbers)
    return table


def _columns(header: str, delimiter: str, place: str) -> list[str]:
    columns = [name.strip().casefold() for name in next(csv.reader([header], delimiter=delimiter))]
    for name in columns:
        if name not in COLUMNS:
            raise ConfigError(f"{place}: unknown column {name!r}{suggestion(name, COLUMNS)}")
        if columns.count(name) > 1:
            raise ConfigError(f"{place}: column {name!r} stands twice")
    if "label" not in columns:
        raise ConfigError(f"{place}: there must be a column `label`, got {', '.join(columns)}")
    return columns


def _add(table: Rows, row: dict[str, str], place: str) -> None:
    label = row["label"]
    if not _LABEL.fullmatch(label):
        _fail(place, f"a label must be lower-case letters, digits and underscores, got {label!r}")
    if label in table.labels:
        _fail(place, f"label {label!r} stands twice")
    if row["color"] and not _COLOR.fullmatch(row["color"]):
        _fail(place, f"a color must be of the form #rrggbb, got {row['color']!r}")
    table.labels.append(label)
    table.concepts[label] = _concepts(row["concepts"] or label, place)
    for target, name in ((table.unknown, "unknown"), (table.core, "core")):
        if row[name]:
            target[label] = _concepts(row[name], place)
    for texts, name in ((table.parents, "parent"), (table.display, "display"), (table.colors, "color")):
        if row[name]:
            texts[label] = row[name]
    if row["aliases"]:
        table.aliases[label] = tuple(filter(None, map(str.strip, row["aliases"].split("|"))))


def _concepts(cell: str, place: str) -> tuple[str, ...]:
    tree, found = concept_tree(), []
    for word in filter(None, map(str.strip, cell.split("|"))):
        concept = tree.find(word)
        if concept is None:
            _fail(place, f"no instrument {word!r}{suggestion(word, tree.words)}")
        found.append(concept)
    return tuple(dict.fromkeys(found))


def _check_parents(table: Rows, path: Path, numbers: dict[str, int]) -> None:
    for label, parent in table.parents.items():
        place = f"{path}, line {numbers[label]}"
        if parent not in table.labels:
            _fail(place, f"parent {parent!r} of {label!r} is not a label{suggestion(parent, table.labels)}")
        above = [label]
        while above[-1] in table.parents:
            if table.parents[above[-1]] in above:
                _fail(place, f"{label!r} is above itself: {' < '.join([*above, table.parents[above[-1]]])}")
            above.append(table.parents[above[-1]])


def _fail(place: str, reason: str) -> NoReturn:
    raise ConfigError(f"{place}: {reason}")
