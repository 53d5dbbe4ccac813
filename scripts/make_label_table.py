"""Write docs/labels.md: every word of every vocabulary, the instruments that it names and the labels that they give.

python scripts/make_label_table.py [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from organology.labels import Entry, LabelSet, Vocabulary, concept_tree, default_set, label_sets, vocabularies

PAGE = Path(__file__).parents[1] / "docs" / "labels.md"
MOST_EXCLUDED = 60
HEAD = """# Labels and vocabularies

What the label sets hold, and what each corpus's own words mean in the default one, `bradl15`. A label that is
*unknown* for a word counts neither in the loss nor in any metric; an excluded word names no instrument, and its stem
is not used. This page is made by `scripts/make_label_table.py` from `src/organology/labels`.

A set of your own is a table of one row a label; every command that takes the name of a set takes its path. Only
`label` has to be there, and `concepts` for a label that is not the name of an instrument in the tree below. Several
instruments in a cell are joined by a vertical bar.

```
label,concepts
guitar,
basses,bass guitar|double bass
drums,
keys,
singer,
```

| column | meaning | default |
|---|---|---|
| `label` | lower-case letters, digits and underscores | |
| `concepts` | the instruments that make it present, with all those below them | the one of the label's name |
| `unknown` | instruments that leave it unknown | none |
| `core` | what must be told for the label to be read from the scores of another set | as `concepts` |
| `parent` | the label that it belongs to | none |
| `display` | its name for people | the label, with spaces |
| `color` | as #rrggbb | a shade of its family's color |
| `aliases` | other names by which people may ask for it | none |

<div data-filter-tables="Filter the tables: violin, tenor sax, 808, …"></div>
"""


def page() -> str:
    """The page as text."""
    lines = [HEAD]
    for name in label_sets():
        lines += _set(LabelSet.load(name))
    lines += ["## Instruments", "", *_tree(), ""]
    for name in vocabularies():
        lines += _vocabulary(Vocabulary.load(name))
    return "\n".join(lines).rstrip() + "\n"


def _set(label_set: LabelSet) -> list[str]:
    lines = [f"## {label_set.name}", "", "| label | below | instruments |", "|---|---|---|"]
    for label in label_set.order():
        parent = label_set.parents.get(label)
        above = label_set.display[parent] if parent else ""
        lines.append(f"| {label_set.display[label]} | {above} | {_names(label_set.concepts[label])} |")
    return [*lines, ""]


def _tree() -> list[str]:
    tree = concept_tree()

    def branch(concept: str, depth: int) -> list[str]:
        below = [child for child in tree.children(concept) if tree[child].parents[0] == concept]
        line = f"{'  ' * depth}- `{concept}`"
        return [line, *(row for child in below for row in branch(child, depth + 1))]

    return [line for name, concept in tree.items() if not concept.parents for line in branch(name, 0)]


def _vocabulary(vocabulary: Vocabulary) -> list[str]:
    entries = list(vocabulary.entries.values())
    excluded = [entry.word for entry in entries if entry.policy == "exclude"]
    lines = [f"## {vocabulary.name}", "", f"{len(entries)} words, {len(excluded)} of them excluded.", ""]
    lines += ["| word | instruments | plays | unknown |", "|---|---|---|---|"]
    lines += [_row(entry, vocabulary.name == "general_midi") for entry in entries if entry.policy != "exclude"]
    if excluded:
        shown = excluded if len(excluded) <= MOST_EXCLUDED else [*excluded[:MOST_EXCLUDED], "…"]
        lines += ["", f"Excluded: {', '.join(shown)}."]
    return [*lines, ""]


def _row(entry: Entry, with_note: bool) -> str:
    label_set = default_set()
    present, unknown = (
        ", ".join(label_set.display[label] for label in part) for part in label_set.decode(entry.encode(label_set))
    )
    note = f" ({entry.note})" if with_note else ""
    perhaps = f" (or {_names(entry.unknown)})" if entry.unknown else ""
    return f"| {entry.word}{note} | {_names(entry.present)}{perhaps} | {present} | {unknown} |"


def _names(concepts: Iterable[str]) -> str:
    return ", ".join(concept_tree()[concept].name for concept in concepts)


def main() -> int:
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text("utf-8") != page())
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
