"""What is worth saying of a corpus: one line an issue, and who follows how a run goes on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from organology.errors import CorpusError, one_line, show_traceback

Severity = Literal["dropped", "refused", "failed", "note"]
"""`dropped`: left out on purpose (an excluded word, a mix); `refused`: its labels are not known; `failed`: its audio
cannot be used; `note`: worth saying, nothing lost. Refused and failed make the exit status 1."""

BAD: tuple[Severity, ...] = ("failed", "refused")
"""The severities that make the exit status 1."""


NOT_TEXT = "its name must be UTF-8; rename it"


@dataclass(frozen=True)
class Issue:
    """One line of the report.

    Attributes
    ----------
    severity : {"dropped", "refused", "failed", "note"}
    place : str
        File, and line or stem where that helps.
    reason : str
    song : str
    stem : str
    """

    severity: Severity
    place: str
    reason: str
    song: str = ""
    stem: str = ""

    def __post_init__(self) -> None:
        for name in ("place", "reason", "song", "stem"):
            object.__setattr__(self, name, _visible(getattr(self, name)))

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


def _visible(text: str) -> str:
    """A text whose control characters, but for the ends of lines, are escaped; they come from names and tables."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") else ascii(c)[1:-1] for c in text)


def issue_of(error: Exception, place: str, song: str = "", stem: str = "", severity: Severity = "refused") -> Issue:
    r"""The issue that an exception makes of one input, so that the others go on.

    Raises
    ------
    ImportError
        If that is the exception: a package that is missing is missing for all inputs.
    """
    if isinstance(error, ImportError):
        raise error
    show_traceback(error)
    return Issue(severity, place, one_line(error).removeprefix(f"{place}: "), song, stem)


class Listener:
    """Follows how a run goes on; the methods do nothing here."""

    def started(self, songs: int, size: int) -> None:
        """So many songs, so many bytes of source audio."""

    def finished(self, song: str, size: int) -> None:
        """A song is done, now or in an earlier run."""

    def issue(self, issue: Issue) -> None:
        """A line for the report."""


class IssueLog:
    """Collects issues, passes them on, and stops at the first bad one if that is asked for."""

    def __init__(self, listener: Listener, strict: bool) -> None:
        self.all: list[Issue] = []
        self._listener, self._strict = listener, strict

    def add(self, issue: Issue) -> None:
        """Keep an issue and pass it on.

        Raises
        ------
        CorpusError
            If the run is strict and something was refused or failed.
        """
        if self._strict and issue.severity in BAD:
            raise CorpusError(str(issue))
        self.all.append(issue)
        self._listener.issue(issue)


def shown_path(path: Path, root: Path) -> str:
    r"""A path as issues name it: relative to the root of its corpus if it lies in it, and always text.

    Examples
    --------
    >>> shown_path(Path("songs/a\udcff.wav"), Path("songs"))
    'a?.wav'
    """
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    return shown.encode("utf-8", "replace").decode()


def is_text(*names: str) -> bool:
    """Whether names are such as can be written: those of files that are not UTF-8 are not."""
    try:
        "".join(names).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_apart(root: Path, out: Path) -> None:
    """Check that a prepared corpus does not lie in its source.

    Raises
    ------
    CorpusError
        If it does.
    """
    if out.resolve().is_relative_to(root.resolve()):
        raise CorpusError(f"{out}: lies in the source {root}; choose another folder for --out")
