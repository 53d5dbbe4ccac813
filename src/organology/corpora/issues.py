"""What the preparing of stems and of tagged tracks have in common: who hears how a run goes on, and its remarks."""

from __future__ import annotations

from pathlib import Path

from organology.corpora.base import Remark
from organology.errors import CorpusError


class Listener:
    """Hears how a run goes on; the methods do nothing here."""

    def started(self, songs: int, size: int) -> None:
        """So many songs, so many bytes of source audio."""

    def finished(self, song: str, size: int) -> None:
        """A song is done, now or in an earlier run."""

    def remark(self, remark: Remark) -> None:
        """A line for the report."""


class Remarks:
    """Collects remarks, tells them on, and stops at the first bad one if that is asked for."""

    def __init__(self, listener: Listener, strict: bool) -> None:
        self.all: list[Remark] = []
        self._listener, self._strict = listener, strict

    def add(self, remark: Remark) -> None:
        """Keep a remark and tell it on.

        Raises
        ------
        CorpusError
            If the run is strict and something was refused or failed.
        """
        if self._strict and remark.fate in ("refused", "failed"):
            raise CorpusError(str(remark))
        self.all.append(remark)
        self._listener.remark(remark)


def check_apart(root: Path, out: Path) -> None:
    """Check that a prepared corpus does not lie in its source.

    Raises
    ------
    CorpusError
        If it does.
    """
    if out.resolve().is_relative_to(root.resolve()):
        raise CorpusError(f"{out}: lies in the source {root}; choose another folder for --out")
