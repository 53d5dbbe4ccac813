"""Thresholds, presets and labels as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from organology.errors import OptionError

if TYPE_CHECKING:
    from organology.labels import LabelSet
    from organology.recognition.thresholds import Thresholds


def preset_of(strict: bool, sensitive: bool) -> str | None:
    """The name of the model's thresholds that two options ask for.

    Raises
    ------
    OptionError
        If both are set.
    """
    if strict and sensitive:
        raise OptionError("--sensitive", "does not go with --strict")
    return "strict" if strict else "sensitive" if sensitive else None


def thresholds_of(given: Thresholds | Sequence[str] | None, label_set: LabelSet) -> Thresholds | None:
    """Thresholds from numbers, or from texts: `0.4` (for all labels) and `violin=0.4`.

    The later ones win, and those of a label over those for all.

    Raises
    ------
    OptionError
        If a text is neither, or a number is not between 0 and 1.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        return given
    texts = [one for one in given if isinstance(one, str)]
    if not texts:
        return [float(number) for number in given] or None
    for_all: float | None = None
    by_label: dict[str, float] = {}
    for text in texts:
        word, sign, number = text.rpartition("=")
        try:
            threshold = float(number)
        except ValueError:
            threshold = -1.0
        if not 0 <= threshold <= 1:
            raise OptionError("--threshold", f"must be a number from 0 to 1, or LABEL=NUMBER, got {text!r}")
        if sign:
            by_label |= dict.fromkeys(_found(word, label_set, "--threshold"), threshold)
        else:
            for_all = threshold
    if for_all is None:
        return by_label
    return {**dict.fromkeys(label_set.labels, for_all), **by_label} if by_label else for_all


def labels_of(given: Sequence[str] | None, label_set: LabelSet, option: str = "--only") -> tuple[str, ...] | None:
    """Labels from texts like `violin,brass`, in the order of the labels; None if none is given.

    Raises
    ------
    OptionError
        If a word means no label.
    """
    words = [word for text in given or () for word in text.split(",") if word.strip()]
    chosen = {label for word in words for label in _found(word, label_set, option)}
    return tuple(label for label in label_set.labels if label in chosen) or None


def _found(word: str, label_set: LabelSet, option: str) -> tuple[str, ...]:
    try:
        return label_set.find(word.strip())
    except ValueError as error:
        raise OptionError(option, str(error)) from None
