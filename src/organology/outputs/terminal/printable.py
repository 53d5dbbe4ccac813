"""Foreign text on a terminal: names of files, tags and stored texts must not steer it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO

# Marks that turn the direction of the text after them: a name could look like another one.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KINDS = frozenset(("Cc", "Cs", "Zl", "Zp"))


def printable(text: str) -> str:
    r"""A text in one line without control characters: these stand as `\x1b` or `\u202e`.

    Bytes of a name that are not UTF-8 stand as `\udcff`, as Python has them.

    >>> printable("a\x1b[31m\nb.wav")
    'a\\x1b[31m\\nb.wav'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if _is_control(one) else one for one in text)


class PrintableStream:
    """A stream of text that is a terminal: control characters but ends of lines and tabs are written escaped.

    Parameters
    ----------
    stream : text stream
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text."""
        shown = text if text.isascii() and text.replace("\n", "").isprintable() else _lines(text)
        self._stream.write(shown)
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Write texts."""
        for text in texts:
            self.write(text)


def _lines(text: str) -> str:
    return "".join(one if one in "\n\t" else printable(one) for one in text)


def _is_control(one: str) -> bool:
    return one in _TURNING or unicodedata.category(one) in _KINDS


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
