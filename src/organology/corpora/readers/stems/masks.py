"""What cannot be said of a stem: the column `mask` of a `stems.csv`, and "mask …" in its notes."""

from __future__ import annotations

import re

from organology.corpora.instruments import Instruments
from organology.errors import CorpusError
from organology.labels import concept_tree, default_set


def checked(words: list[str]) -> list[str]:
    """The words as they are; raises CorpusError if one is neither a label of the default set nor a concept."""
    labels = default_set().labels
    for word in words:
        if word not in labels and word not in concept_tree():
            raise CorpusError(f"{word!r} is not a label; the labels are {', '.join(labels)}")
    return words


def mask(instruments: Instruments, unknown: list[str]) -> Instruments:
    """Instruments of which some are made unknown, whatever they were.

    With a family, its present instruments become unknown; with an instrument, its family does unless it is present.

    Parameters
    ----------
    instruments : Instruments
    unknown : list of str
        Labels of the default set, or concepts.

    Raises
    ------
    CorpusError
        If a word is neither.
    """
    labels = [word for word in checked(unknown) if word in default_set().labels]
    concepts = [word for word in unknown if word not in labels]
    if labels:
        instruments = instruments.without(default_set(), labels)
    for concept in concepts:
        instruments = instruments.with_unknown(concept)
    return instruments


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
    labels = default_set().labels
    if word in labels:
        return word
    longer = [label for label in labels if label.startswith(f"{word}_")]
    return longer[0] if len(longer) == 1 else None
