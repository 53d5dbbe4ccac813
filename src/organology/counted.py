"""How many of something, as a reader would say it."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """A number and a noun whose plural ends in s.

    Examples
    --------
    >>> counted(1, "recording"), counted(0, "recording"), counted(2, "recording")
    ('1 recording', '0 recordings', '2 recordings')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"
