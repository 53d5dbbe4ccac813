"""The 15 labels: 8 instrument families and 7 instruments, and the words that corpora use for them.

Labels are three-valued: `PRESENT`, `ABSENT` or `UNKNOWN`. An unknown label is left out of the loss and of the
figures. A family is never below its instruments: where an instrument is present its family is, and where an
instrument is unknown its family is at least unknown unless it is known to be present.

The classes and the vocabularies are data files (`data/*.tsv`), one per corpus.
"""

from organology.taxonomy.labels import (
    ABSENT,
    DISPLAY_NAMES,
    FAMILIES,
    FAMILY_OF,
    INSTRUMENTS,
    LABELS,
    PRESENT,
    UNKNOWN,
    LabelArray,
    decode,
    encode,
    raise_families,
    union,
)
from organology.taxonomy.vocabulary import Entry, Vocabulary, vocabularies

__all__ = [
    "ABSENT",
    "DISPLAY_NAMES",
    "FAMILIES",
    "FAMILY_OF",
    "INSTRUMENTS",
    "LABELS",
    "PRESENT",
    "UNKNOWN",
    "Entry",
    "LabelArray",
    "Vocabulary",
    "decode",
    "encode",
    "raise_families",
    "union",
    "vocabularies",
]
