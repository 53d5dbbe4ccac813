"""Write docs/labels.md: every word of every vocabulary and the labels that it gives, from the data files.

python scripts/make_label_table.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from organology.taxonomy import DISPLAY_NAMES, FAMILIES, FAMILY_OF, INSTRUMENTS, Vocabulary, vocabularies

PAGE = Path(__file__).parents[1] / "docs" / "labels.md"
HEAD = """# Labels and vocabularies

The 8 families and 7 instruments, and what each corpus's own words say of them. A label that is *unknown* for a word
counts neither in the loss nor in any figure; an excluded word names no instrument, and its stem is not used.
This page is made by `scripts/make_label_table.py` from `src/organology/taxonomy/data`.
"""


def page() -> str:
    """The page as text."""
    lines = [HEAD, "| family | instruments |", "|---|---|"]
    for family in FAMILIES:
        members = [DISPLAY_NAMES[name] for name in INSTRUMENTS if FAMILY_OF[name] == family]
        lines.append(f"| {DISPLAY_NAMES[family]} | {', '.join(members)} |")
    for name in vocabularies():
        entries = list(Vocabulary.load(name).entries.values())
        used = [entry for entry in entries if entry.policy != "exclude"]
        silent = [entry.word for entry in entries if entry.policy == "exclude"]
        lines += ["", f"## {name}", "", f"{len(entries)} words, {len(silent)} of them excluded.", ""]
        lines += ["| word | plays | unknown |", "|---|---|---|"]
        for entry in used:
            note = f" ({entry.note})" if name == "general_midi" else ""
            cells = [", ".join(DISPLAY_NAMES[label] for label in part) for part in (entry.present, entry.unknown)]
            lines.append(f"| {entry.word}{note} | {cells[0]} | {cells[1]} |")
        if silent:
            told = silent if len(silent) <= 60 else [*silent[:60], "…"]
            lines += ["", f"Excluded: {', '.join(told)}."]
    return "\n".join(lines) + "\n"


def main() -> int:
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text("utf-8") != page())
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
