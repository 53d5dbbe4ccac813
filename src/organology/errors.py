"""Errors that a user can act on.

Every error that organology raises on purpose derives from `OrganologyError`; its text is one line that names
the file and the reason. The command line prints that line and goes on; anything else is a bug.
"""

from __future__ import annotations

import os
import sys
import traceback

DEBUG_VARIABLE = "ORGANOLOGY_DEBUG"
"""Set to anything but 0, every error on one line is followed by its traceback."""


class OrganologyError(Exception):
    """Base of all errors raised on purpose: one line, with the file and the reason."""


class AudioError(OrganologyError):
    """An audio file that cannot be used."""


class UnreadableError(AudioError):
    """A file that cannot be opened as things are: gone, no permission, no regular file. Later it may well be."""


class ConfigError(OrganologyError):
    """A recipe or a setting that is not valid."""


class CorpusError(OrganologyError):
    """A corpus folder, table or stem that is not as it has to be."""


class ModelError(OrganologyError):
    """A model file or checkpoint that cannot be used."""


class QueryError(OrganologyError):
    """A query that cannot be read; says where."""


class StoreError(OrganologyError):
    """A store of recognitions that cannot be used."""


class OptionError(OrganologyError, ValueError):
    """An option that does not fit what it is used on.

    Attributes
    ----------
    option : str
        As the command line writes it, e.g. "--only".
    """

    def __init__(self, option: str, reason: str) -> None:
        self.option, self.reason = option, reason
        super().__init__(f"{option}: {reason}")


class StoppedError(OrganologyError):
    """Work that was stopped by its user (Ctrl-C); says what was done."""


class UnknownWordError(OrganologyError, KeyError):
    """A word that a vocabulary does not hold.

    Attributes
    ----------
    word, vocabulary : str
        The word and the vocabulary that lacks it.
    where : str
        File and stem in which it stands, or "".
    """

    def __init__(self, word: str, vocabulary: str, where: str = "") -> None:
        self.word, self.vocabulary, self.where = word, vocabulary, where
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}unknown instrument word {self.word!r} (vocabulary {self.vocabulary})"


def one_line(error: BaseException) -> str:
    r"""What an error says, in one line.

    >>> one_line(FileNotFoundError(2, "No such file or directory"))
    'No such file or directory'
    >>> one_line(RuntimeError("two\nlines"))
    'RuntimeError: two lines'
    """
    if isinstance(error, OrganologyError):
        text = str(error)
    elif isinstance(error, OSError):
        text = error.strerror or str(error) or type(error).__name__
    elif isinstance(error, MemoryError):
        text = "not enough memory"
    else:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def show_traceback(error: BaseException) -> None:
    """Print the traceback of an error that was told in one line, if `ORGANOLOGY_DEBUG` asks for it."""
    if os.environ.get(DEBUG_VARIABLE, "0") not in ("", "0"):
        traceback.print_exception(error, file=sys.stderr)
