"""The labels, their families, and arithmetic of three-valued label vectors.

A label vector is an int8 array of shape (15,), in the order of `LABELS`: 1 present, 0 absent, -1 unknown.
The two levels follow Bradl, Huber and Pernkopf (2023), figure 2.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

LabelArray = NDArray[np.int8]

PRESENT, ABSENT, UNKNOWN = 1, 0, -1


def _read() -> list[dict[str, str]]:
    text = (resources.files("organology.taxonomy") / "data" / "taxonomy.tsv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


_ROWS = _read()
LABELS: tuple[str, ...] = tuple(row["label"] for row in _ROWS)
DISPLAY_NAMES: dict[str, str] = {row["label"]: row["name"] for row in _ROWS}
FAMILY_OF: dict[str, str] = {row["label"]: row["family"] for row in _ROWS if row["family"]}
FAMILIES: tuple[str, ...] = tuple(label for label in LABELS if label not in FAMILY_OF)
INSTRUMENTS: tuple[str, ...] = tuple(FAMILY_OF)
_INDEX = {label: i for i, label in enumerate(LABELS)}


def _check(labels: Iterable[str]) -> list[str]:
    labels = list(labels)
    wrong = [label for label in labels if label not in _INDEX]
    if wrong:
        raise ValueError(f"not a label: {', '.join(map(repr, wrong))}; the labels are {', '.join(LABELS)}")
    return labels


def encode(present: Iterable[str], unknown: Iterable[str] = ()) -> LabelArray:
    """Label vector of one source.

    Parameters
    ----------
    present, unknown : iterable of str
        Labels that sound and labels that cannot honestly be set. The families of the present ones are set too;
        a family whose instrument is unknown becomes unknown unless it is present. A label named in both counts as
        present.

    Returns
    -------
    int8 array, shape (15,)

    Raises
    ------
    ValueError
        If a word is not one of `LABELS`.

    Examples
    --------
    >>> decode(encode(["violin"]))
    (['bowed_string', 'violin'], [])
    >>> decode(encode(["key"], unknown=["piano"]))
    (['key'], ['piano'])
    """
    vector = np.full(len(LABELS), ABSENT, dtype=np.int8)
    for label in _check(unknown):
        for name in (label, FAMILY_OF.get(label)):
            if name:
                vector[_INDEX[name]] = UNKNOWN
    for label in _check(present):
        for name in (label, FAMILY_OF.get(label)):
            if name:
                vector[_INDEX[name]] = PRESENT
    return vector


def decode(vector: LabelArray) -> tuple[list[str], list[str]]:
    """The present and the unknown labels of a label vector of shape (15,)."""
    return (
        [label for label, value in zip(LABELS, vector, strict=True) if value == PRESENT],
        [label for label, value in zip(LABELS, vector, strict=True) if value == UNKNOWN],
    )


def union(vectors: LabelArray | list[LabelArray]) -> LabelArray:
    """Label vector of a mixture of sources.

    A label is present if any source has it, else unknown if it is unknown in any source, else absent.

    Parameters
    ----------
    vectors : int8 array, shape (n_sources, 15), or a list of vectors
        No source at all gives all labels absent.
    """
    stacked = np.asarray(vectors, dtype=np.int8).reshape(-1, len(LABELS))
    if len(stacked) == 0:
        return np.full(len(LABELS), ABSENT, dtype=np.int8)
    unknown = (stacked == UNKNOWN).any(axis=0)
    present = (stacked == PRESENT).any(axis=0)
    return np.where(present, PRESENT, np.where(unknown, UNKNOWN, ABSENT)).astype(np.int8)


def raise_families(scores: NDArray[Any]) -> NDArray[Any]:
    """Scores in which no family is below its instruments.

    Parameters
    ----------
    scores : array, shape (..., 15)

    Returns
    -------
    array of the same shape and type; the argument is left as it is
    """
    raised = np.array(scores, copy=True)
    for instrument, family in FAMILY_OF.items():
        np.maximum(raised[..., _INDEX[family]], raised[..., _INDEX[instrument]], out=raised[..., _INDEX[family]])
    return raised
