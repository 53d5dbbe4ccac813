"""Words as people write them: normalized, singular, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable


def normalized(text: str) -> str:
    """Lower case, with single spaces for white space, underscores and hyphens.

    Examples
    --------
    >>> normalized(" Electric_Guitar ")
    'electric guitar'
    """
    return " ".join(text.replace("_", " ").replace("-", " ").split()).casefold()


def singular(word: str) -> str:
    """An English plural without its ending; other words lose an s at most.

    Examples
    --------
    >>> singular("basses"), singular("violins"), singular("cellos"), singular("snare drums")
    ('bass', 'violin', 'cello', 'snare drum')
    """
    for ending in ("sses", "xes", "ches", "shes"):
        if word.endswith(ending):
            return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def quoted(words: Iterable[str]) -> str:
    """Words in quotation marks, with commas between."""
    return ", ".join(map(repr, words))


def suggestion(word: str, known: Iterable[str]) -> str:
    """What to add to an error: "; did you mean X?", or "" if nothing is near."""
    import difflib  # only errors need it

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
