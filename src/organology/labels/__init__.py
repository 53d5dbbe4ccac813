"""What is recognized: a shared tree of instrument concepts, label sets over it, and the words of corpora.

A word of a corpus stands for concepts (`Vocabulary`), and concepts become the labels of a set (`LabelSet`). Labels
have three values: `PRESENT`, `ABSENT` or `UNKNOWN`. An unknown label is left out of the loss and of the metrics. A
parent is never below its children: where an instrument is present its family is, and where an instrument is unknown
its family is at least unknown unless it is known to be present.

Examples
--------
>>> bradl15 = LabelSet.load("bradl15")
>>> entry = Vocabulary.load("stems")["guitar"]
>>> bradl15.decode(entry.encode(bradl15))
(['plucked_string'], ['electric_guitar', 'acoustic_guitar'])
"""

from organology.labels.concepts import Concept, Concepts, concept_tree
from organology.labels.label_set import LabelSet, label_sets
from organology.labels.values import ABSENT, PRESENT, UNKNOWN, LabelArray
from organology.labels.view import View
from organology.labels.vocabulary import Entry, Vocabulary, vocabularies

DEFAULT = "bradl15"
"""Name of the set that is used where none is named: the paper's."""

__all__ = [
    "ABSENT",
    "DEFAULT",
    "PRESENT",
    "UNKNOWN",
    "Concept",
    "Concepts",
    "Entry",
    "LabelArray",
    "LabelSet",
    "View",
    "Vocabulary",
    "concept_tree",
    "default_set",
    "label_sets",
    "vocabularies",
]


def default_set() -> LabelSet:
    """The set named `DEFAULT`."""
    return LabelSet.load(DEFAULT)
