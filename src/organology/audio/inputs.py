"""From what a user names to files: paths, folders, patterns, playlists, lists of paths, standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from organology.audio.discovery import is_pattern, matching, search
from organology.audio.playlist import is_playlist, read_playlist
from organology.audio.sources.spooling import STANDARD_INPUT, standard_input
from organology.errors import AudioError, OrganologyError


@dataclass(frozen=True)
class Input:
    """Something to recognize.

    Attributes
    ----------
    name : str
        The path as it was given, or as it was found below what was given; results and errors carry it.
    root : Path
        The folder that was given, else the file's: where the tree of outputs begins.
    file : binary file object, optional
        The audio itself, where it is not the file `name`.
    """

    name: str
    root: Path
    file: BinaryIO | None = field(default=None, compare=False)

    @property
    def source(self) -> str | BinaryIO:
        """What a recognizer takes."""
        return self.name if self.file is None else self.file

    @cached_property
    def size(self) -> int:
        """In bytes; 0 where that is not known."""
        try:
            return 0 if self.file is not None else Path(self.name).stat().st_size
        except (OSError, ValueError):
            return 0


@dataclass
class Inputs:
    """What was named, as files.

    Attributes
    ----------
    files : list of Input
        In the order in which they were named, sorted within folders and patterns; no name twice.
    failures : list of (str, str)
        Names without any file behind them, and why.
    """

    files: list[Input] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


def expand(
    paths: Iterable[str | os.PathLike[str]],
    lists: Iterable[str | os.PathLike[str]] = (),
    *,
    null: bool = False,
    recursive: bool = True,
    hidden: bool = False,
) -> Inputs:
    """Find the files behind what a user names.

    Parameters
    ----------
    paths : iterable of path
        Files (taken whatever their suffix), folders (`audio.search`), playlists (`audio.read_playlist`), patterns with
        `*`, `?`, `[…]`, `**` where no such file exists, `-` for the audio on standard input, `@LIST` for a list.
    lists : iterable of path
        Files with one path a line (file, folder or playlist), relative to the current folder; `-` is standard input.
    null : bool
        A NUL byte, not a line's end, follows each path of a list (`find -print0`).
    recursive, hidden : bool
        As in `audio.search`.

    Returns
    -------
    Inputs

    Raises
    ------
    OrganologyError
        If standard input is named twice.
    """
    expansion = _Expansion(null, recursive, hidden)
    for path in paths:
        expansion.add(os.fspath(path))
    for path in lists:
        expansion.add_list(os.fspath(path))
    return Inputs(list(expansion.files.values()), expansion.failures)


class _Expansion:
    def __init__(self, null: bool, recursive: bool, hidden: bool) -> None:
        self.files: dict[str, Input] = {}
        self.failures: list[tuple[str, str]] = []
        self._null, self._recursive, self._hidden = null, recursive, hidden
        self._stdin_taken = False

    def add(self, path: str) -> None:
        """Add what is named on the command line."""
        if path == "-":
            self._add_stdin()
        elif path.startswith("@") and len(path) > 1 and not os.path.lexists(path):
            self.add_list(path[1:])
        elif is_pattern(path) and not os.path.lexists(path):
            self._add_pattern(path)
        else:
            self._add_path(path)

    def add_list(self, path: str) -> None:
        """Add what a list of paths names."""
        try:
            if path == "-":
                self._take_stdin()
                content = sys.stdin.buffer.read()
            else:
                content = Path(path).read_bytes()
        except (OSError, ValueError) as error:
            self._fail(path, getattr(error, "strerror", None) or str(error))
            return
        if not self._null and b"\0" in content:
            self._fail(path, "not a list of paths, one a line; if NUL bytes divide them, say --null")
            return
        named = content.split(b"\0") if self._null else content.removeprefix(b"\xef\xbb\xbf").splitlines()
        for one in named:
            if one:
                self._add_path(os.fsdecode(one))

    def _add_path(self, path: str) -> None:
        if os.path.isdir(path):  # noqa: PTH112  # keeps the path as it was given
            self._add_folder(path)
        elif not os.path.lexists(path):
            self._fail(path, "no such file or folder")
        elif is_playlist(path):
            self._add_playlist(path)
        else:
            self._add_file(path, Path(path).parent)

    def _add_file(self, name: str, root: Path) -> None:
        self.files.setdefault(name, Input(name, root))

    def _add_folder(self, path: str, root: Path | None = None) -> None:
        def unreadable(error: OSError) -> None:
            self._fail(Path(error.filename).as_posix(), error.strerror or str(error))

        n_failures = len(self.failures)
        found = search(path, recursive=self._recursive, hidden=self._hidden, unreadable=unreadable)
        if not found and len(self.failures) == n_failures:
            self._fail(path, "no audio in this folder")
        for file in found:
            self._add_file(file.as_posix(), root or Path(path))

    def _add_pattern(self, pattern: str) -> None:
        try:
            base, found = matching(pattern, hidden=self._hidden)
        except AudioError as error:
            self._fail(pattern, str(error).removeprefix(f"{pattern}: "))
            return
        if not found:
            self._fail(pattern, "no file matches this pattern" if base.is_dir() else "no such file or folder")
        for path in found:
            if path.is_dir():
                self._add_folder(path.as_posix(), base)
            else:
                self._add_file(path.as_posix(), base)

    def _add_playlist(self, path: str) -> None:
        try:
            entries = read_playlist(path)
        except AudioError as error:
            self._fail(path, str(error).removeprefix(f"{path}: "))
            return
        for entry in entries:
            if entry.path is None:
                self._fail(path, f"line {entry.line}: {entry.text}: {entry.reason}")
            elif not os.path.lexists(entry.path):
                self._fail(entry.path, f"no such file (line {entry.line} of {path})")
            elif os.path.isdir(entry.path):  # noqa: PTH112
                self._add_folder(entry.path)
            else:
                self._add_file(entry.path, Path(entry.path).parent)

    def _add_stdin(self) -> None:
        self._take_stdin()
        try:
            self.files[STANDARD_INPUT] = Input(STANDARD_INPUT, Path(), standard_input())
        except AudioError as error:
            self._fail(STANDARD_INPUT, str(error).removeprefix(f"{STANDARD_INPUT}: "))

    def _take_stdin(self) -> None:
        if self._stdin_taken:
            raise OrganologyError("standard input (-) can be read once only")
        self._stdin_taken = True

    def _fail(self, name: str, reason: str) -> None:
        self.failures.append((name, reason))
