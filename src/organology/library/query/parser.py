"""The query language of `organology find`: what a recording has to be like.

```
query      = all ("or" all)*
all        = one ("and" one)*
one        = "not" one | "(" query ")" | comparison
comparison = value (("<" | "<=" | ">" | ">=" | "=" | "!=" | "~") value)*
value      = label | label "." ("score" | "seconds" | "share") | "duration" | "channel" | "path" | number | "text"
```

A label alone says that it plays; compared with a number it is its score, from 0 to 1. `seconds` is how long it plays,
`share` that divided by the duration. Numbers may carry `%`, `s`, `min` or `h`, or be written m:ss or h:mm:ss. `~`
compares the path with a pattern of `*`, `?`, `[…]`. `&`, `|`, `!` stand for the words. Case does not matter, but in
paths.

A label may be written as people say it (`LabelSet.find`): "keys", "electric guitar". A word that means several labels,
as "guitar" does, plays where one of them plays; its value is the highest of theirs.
"""

from __future__ import annotations

import difflib
from typing import NoReturn

from organology.labels import LabelSet, default_set
from organology.library.query.tokens import Token, fail, tokens
from organology.library.query.tree import All, AnyOf, Compare, Not, Plays, Query, Value

PARTS = ("score", "seconds", "share")
FIELDS = ("duration", "channel", "path")
OPERATORS = ("<", "<=", ">", ">=", "=", "!=", "~")
_NUMERIC = ("duration", "channel")
_MAX_DEPTH = 100
_MOST_WORDS = 3  # of the name of a label
_HUNDRED = 100


def parse(text: str, label_set: LabelSet | None = None) -> Query:
    """Read a query.

    Parameters
    ----------
    text : str
        Empty: every recording.
    label_set : LabelSet, optional
        Of the recordings. Default: the default set.

    Raises
    ------
    QueryError
        One line that says what is wrong and at which character.

    Examples
    --------
    >>> parse("violin and not drums")
    All(of=(Plays(label='violin'), Not(of=Plays(label='drums'))))
    >>> parse("guitar")
    AnyOf(of=(Plays(label='electric_guitar'), Plays(label='acoustic_guitar')))
    >>> parse("viola")
    Traceback (most recent call last):
    ...
    organology.errors.QueryError: 'viola': unknown word 'viola' at character 1; it counts as bowed_string
    """
    found = list(tokens(text))
    if len(found) == 1:
        return All(())
    return _Parser(text, found, label_set or default_set()).query()


class _Parser:
    """Recursive descent over tokens."""

    def __init__(self, text: str, tokens: list[Token], label_set: LabelSet) -> None:
        self._text = text
        self._label_set = label_set
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> Token | None:
        token = self._next
        if token.kind == "sign" and token.text in signs:
            self._at += 1
            return token
        return None

    def _shown(self, token: Token) -> str:
        return repr(token.text) if token.kind != "end" else "nothing"

    def _instead(self, token: Token) -> str:
        return "" if token.kind == "end" else f", not {token.text!r}"

    def query(self) -> Query:
        found = self._any()
        if self._next.kind != "end":
            token = self._next
            problem = (
                ("')'", " closes nothing")
                if token.text == ")"
                else (f"and, or, or a sign is missing before {self._shown(token)}", "")
            )
            fail(self._text, problem[0], token.position, problem[1])
        return found

    def _any(self) -> Query:
        found = [self._all()]
        while self._take("or"):
            found.append(self._all())
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _all(self) -> Query:
        found = [self._one()]
        while self._take("and"):
            found.append(self._one())
        return found[0] if len(found) == 1 else All(tuple(found))

    def _one(self) -> Query:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            fail(self._text, f"more than {_MAX_DEPTH} levels", self._next.position)
        try:
            if self._take("not"):
                return Not(self._one())
            opened = self._take("(")
            if opened is None:
                return self._comparison()
            found = self._any()
            if self._take(")") is None:
                fail(self._text, "the '('", opened.position, " is not closed")
            return found
        finally:
            self._depth -= 1

    def _comparison(self) -> Query:
        left = first = self._value()
        found: list[Query] = []
        while (sign := self._take(*OPERATORS)) is not None:
            right = self._value()
            self._check(left, sign, right)
            found.append(Compare(left, sign.text, right))
            left = right
        if found:
            return found[0] if len(found) == 1 else All(tuple(found))
        if first.kind != "score":
            fail(self._text, "a comparison is missing behind the value", first.position)
        plays = tuple(Plays(label) for label in first.labels)
        return plays[0] if len(plays) == 1 else AnyOf(plays)

    def _check(self, left: Value, sign: Token, right: Value) -> None:
        texts = [value.kind in ("text", "path") for value in (left, right)]
        if any(texts) != all(texts):
            fail(self._text, "a text is compared with a number", sign.position)
        if all(texts) and (sign.text not in ("=", "!=", "~") or left.kind != "path" or right.kind != "text"):
            fail(self._text, 'texts are compared as path = "…", path != "…" or path ~ "…", not as', sign.position)
        if sign.text == "~" and not any(texts):
            fail(self._text, "'~'", sign.position, " compares the path with a text")
        for value, other in ((left, right), (right, left)):
            if value.kind in ("score", "share") and other.kind == "number" and not 0 <= other.number <= 1:
                self._out_of_range(value, other)

    def _out_of_range(self, value: Value, number: Value) -> NoReturn:
        what = "scores" if value.kind == "score" else "shares"
        as_share = f"; did you mean {number.number:g}%?" if 1 < number.number <= _HUNDRED else ""
        fail(self._text, f"{what} run from 0 to 1, got {number.number:g}", number.position, as_share)

    def _value(self) -> Value:
        token = self._next
        if token.kind == "number":
            self._at += 1
            return Value("number", number=token.number, position=token.position)
        if token.kind == "text":
            self._at += 1
            return Value("text", text=token.text, position=token.position)
        if token.kind != "word":
            fail(self._text, "a label or a value is expected", token.position, self._instead(token))
        self._at += 1
        return self._word(token)

    def _word(self, token: Token) -> Value:
        name, dot, part = token.text.partition(".")
        if name in FIELDS and name not in self._label_set.labels:
            if dot:
                fail(self._text, name, token.position, " has no parts")
            return Value(name, position=token.position)
        labels: tuple[str, ...] = (name,)
        if name not in self._label_set.labels:
            labels, dot, part = self._spoken(token)
        if dot and part not in PARTS:
            fail(self._text, name, token.position, f" has {', '.join(PARTS)}, not {part!r}")
        return Value(part or "score", labels=labels, position=token.position)

    def _spoken(self, first: Token) -> tuple[tuple[str, ...], str, str]:
        """The labels that one word or several mean, the longest name first; and the part of them that is asked for."""
        following = self._tokens[self._at : self._at + _MOST_WORDS - 1]
        words = [first]
        for token in following:
            if token.kind != "word" or "." in words[-1].text:
                break
            words.append(token)
        reason = ""
        for n_words in range(len(words), 0, -1):
            spoken, dot, part = " ".join(token.text for token in words[:n_words]).partition(".")
            try:
                labels = self._label_set.find(spoken.replace("_", " "))
            except ValueError as error:
                reason = str(error)
                continue
            self._at += n_words - 1
            return labels, dot, part
        return self._unknown(first, reason)

    def _unknown(self, token: Token, reason: str) -> NoReturn:
        name = token.text.partition(".")[0]
        _, separator, hint = reason.partition("; ")
        near = difflib.get_close_matches(name, [*self._label_set.labels, *FIELDS], n=1)
        is_instrument = hint.startswith("it counts as")
        hint = f"; did you mean {near[0]}?" if near and not is_instrument else f"{separator}{hint}"
        fail(self._text, f"unknown word {name!r}", token.position, hint)
