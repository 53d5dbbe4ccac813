"""What is worth saying of a corpus: one line an issue, and who follows how a run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from organology.errors import CorpusError

Severity = Literal["dropped", "refused", "failed", "note"]
"""`dropped`: left out on purpose (an excluded word, a mix); `refused`: its labels are not known; `failed`: its audio
cannot be used; `note`: worth saying, nothing lost. Refused and failed make the exit status 1."""

BAD: tuple[Severity, ...] = ("failed", "refused")
"""The severities that make the exit status 1."""


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

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


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
    """A path as issues name it: relative to the root of its corpus if it lies in it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def check_apart(root: Path, out: Path) -> None:
    """Check that a prepared corpus does not lie in its source.

    Raises
    ------
    CorpusError
        If it does.
    """
    if out.resolve().is_relative_to(root.resolve()):
        raise CorpusError(f"{out}: lies in the source {root}; choose another folder for --out")
