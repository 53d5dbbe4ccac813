"""The words of a query: numbers, texts, words, signs, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from organology.errors import QueryError

_UNITS = {"": 1.0, "%": 0.01, "s": 1.0, "min": 60.0, "h": 3600.0}
_WORDS = {"&": "and", "&&": "and", "|": "or", "||": "or", "!": "not", "==": "=", "≤": "<=", "≥": ">=", "≠": "!="}
_PATTERN = re.compile(
    r"""(?P<space>\s+)
    |(?P<clock>\d+(?::[0-5]\d){1,2}(?:\.\d+)?)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>%|(?:s|sec|seconds?|min|minutes?|h|hours?)\b)?
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<word>[^\W\d][\w-]*(?:\.[\w-]+)*)
    |(?P<sign><=|>=|!=|==|&&|\|\||[<>=~≤≥≠&|!()])""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    """A word of a query.

    Attributes
    ----------
    kind : {"number", "text", "word", "sign", "end"}
        `and`, `or` and `not` are signs, too.
    text : str
        Words in lower case with `_` for `-`, texts without their quotation marks.
    position : int
        Of its first character.
    number : float
        In seconds, where it has a unit of time.
    """

    kind: str
    text: str
    position: int
    number: float = 0.0


def fail(query: str, problem: str, position: int, more: str = "") -> NoReturn:
    """End with "QUERY: problem at character N, and what more there is to say"."""
    where = "at the end" if position >= len(query.rstrip()) else f"at character {position + 1}"
    raise QueryError(f"{query!r}: {problem} {where}{more}")


def tokens(text: str) -> Iterator[Token]:
    """The words of a query; the last one is of kind `end`.

    Raises
    ------
    QueryError
        At a character that means nothing.
    """
    position = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        if match is None:
            quote = text[position] in "\"'"
            problem = (
                ("the quotation mark", " is not closed") if quote else (repr(text[position]), " means nothing here")
            )
            fail(text, problem[0], position, problem[1])
        kind, found = match.lastgroup, match[0]
        if match["clock"]:
            number = 0.0
            for part in match["clock"].split(":"):
                number = 60 * number + float(part)
            yield Token("number", found, position, number)
        elif match["number"]:
            unit = match["unit"] or ""
            unit = unit if unit in _UNITS else next(one for one in ("min", "s", "h") if unit.startswith(one))
            yield Token("number", found, position, float(match["number"]) * _UNITS[unit])
        elif match["text"]:
            yield Token("text", found[1:-1], position)
        elif match["word"]:
            word = found.lower().replace("-", "_")
            yield Token("sign" if word in ("and", "or", "not") else "word", word, position)
        elif kind == "sign":
            yield Token("sign", _WORDS.get(found, found), position)
        position = match.end()
    yield Token("end", "", position)
