"""Labels of a stem that cannot be told: the column `mask` of a `stems.csv`, and "mask …" in its notes."""

from __future__ import annotations

import re

import numpy as np

from organology.errors import CorpusError
from organology.taxonomy import ABSENT, FAMILY_OF, LABELS, PRESENT, UNKNOWN, LabelArray


def checked(labels: list[str]) -> list[str]:
    """The labels as they are; raises CorpusError if a word is not one."""
    for label in labels:
        if label not in LABELS:
            raise CorpusError(f"{label!r} is not a label; the labels are {', '.join(LABELS)}")
    return labels


def mask(labels: LabelArray, unknown: list[str]) -> LabelArray:
    """Labels of which some are made unknown, whatever they were.

    With a family, its present instruments become unknown; with an instrument, its family does unless it is present.

    Raises
    ------
    CorpusError
        If a word is not a label.
    """
    vector = labels.copy()
    for label in checked(unknown):
        vector[LABELS.index(label)] = UNKNOWN
        for instrument, family in FAMILY_OF.items():
            child, parent = LABELS.index(instrument), LABELS.index(family)
            if family == label and vector[child] == PRESENT:
                vector[child] = UNKNOWN
            if instrument == label and vector[parent] == ABSENT:
                vector[parent] = UNKNOWN
    return np.asarray(vector, dtype=np.int8)


def mask_clauses(note: str) -> list[str]:
    """Labels that the "mask …" clauses of a note name; a label may be cut ("bowed" for `bowed_string`).

    Raises
    ------
    CorpusError
        If what follows "mask" or "and" is no label.

    Examples
    --------
    >>> mask_clauses("backing vocals: mask voice and singer (distractor)")
    ['voice', 'singer']
    >>> mask_clauses("double bass pizz: family ambiguous, mask bowed")
    ['bowed_string']
    """
    labels: list[str] = []
    for clause in re.finditer(r"\bmask\b[:\s]*", note, re.IGNORECASE):
        rest, must = note[clause.end() :], True
        while True:
            word = re.match(r"[a-z_]+", rest, re.IGNORECASE)
            label = _whole_label(word[0].casefold()) if word else None
            if word is None or label is None:
                if must:
                    raise CorpusError(f"label_note {note!r}: {word[0] if word else 'nothing'!r} after mask is no label")
                break
            labels.append(label)
            joint = re.match(r"\s*(,\s*and\b|,|\band\b|&|\|)\s*", rest[word.end() :], re.IGNORECASE)
            if joint is None:
                break
            must, rest = joint[1] != ",", rest[word.end() + joint.end() :]
    return list(dict.fromkeys(labels))


def _whole_label(word: str) -> str | None:
    if word in LABELS:
        return word
    longer = [label for label in LABELS if label.startswith(f"{word}_")]
    return longer[0] if len(longer) == 1 else None
