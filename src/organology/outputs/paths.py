"""Where results go in a folder: as the recordings lie in theirs, and none over another.

`music/a/song.flac`, found below `music`, becomes `FOLDER/a/song.SUFFIX`. Recordings of several folders keep these, as
far as they differ: `music/x.wav` and `live/x.wav` become `FOLDER/music/x.SUFFIX` and `FOLDER/live/x.SUFFIX`. Where two
recordings would share a name (`song.flac`, `song.mp3`), the second keeps its own suffix (`song.mp3.SUFFIX`), and where
that is taken too it gets a number. Names that differ in case alone are taken for the same, as some file systems do. A
name too long for a suffix behind it is cut, and gets some digits of its hash. What a recording's results are called
depends on the list of inputs alone, not on which of them could be recognized.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain, count
from pathlib import Path

from organology.audio.inputs import Input

_MOST_BYTES = 180  # of a name before its suffix; file systems take 255 in all
_STANDARD_INPUT = "<stdin>"
_CHANNEL = re.compile(r"(?P<name>.*)#(?P<channel>ch\d+)", re.DOTALL)


class OutputPaths:
    """Names for the results of recordings.

    Parameters
    ----------
    inputs : iterable of Input
        All of the run.
    split : bool
        A recording may give a result for each channel, named `NAME#chN`.
    also_read : iterable of path
        What else the run reads: lists, a store, a model.

    Examples
    --------
    >>> names = OutputPaths([Input("m/a/x.wav", Path("m")), Input("m/a/x.mp3", Path("m"))])
    >>> [names.path(name, Path("out"), ".jams").as_posix() for name in ("m/a/x.wav", "m/a/x.mp3")]
    ['out/a/x.jams', 'out/a/x.mp3.jams']
    """

    def __init__(
        self, inputs: Iterable[Input] = (), split: bool = False, also_read: Iterable[str | os.PathLike[str]] = ()
    ) -> None:
        self._also_read = list(also_read)
        self._bases: dict[str, str] = {}
        self._taken: dict[str, str] = {}  # folded base -> the name that has it
        self._split = split
        items = list(inputs)
        folders = _kept_folders([item.root for item in items if item.name != _STANDARD_INPUT])
        for item in items:
            self._place(item.name, item.root, folders.get(item.root, Path()))

    def __len__(self) -> int:
        return len(self._bases)

    @property
    def many(self) -> bool:
        """Whether there may be more than one result."""
        return len(self) > 1 or self._split

    def _place(self, name: str, root: Path | None, kept: Path = Path()) -> None:
        given = Path("stdin") if name == _STANDARD_INPUT else Path(name)
        try:
            inner = given.relative_to(root) if root is not None else Path(given.name)
        except ValueError:
            inner = Path(given.name)
        if ".." in inner.parts or inner.is_absolute():
            inner = Path(inner.name)
        inner = kept / inner
        folder = "" if inner.parent == Path() else f"{inner.parent.as_posix()}/"
        full = f"{folder}{_shortened(inner.name)}"
        candidates = chain((f"{folder}{_shortened(inner.stem)}", full), (f"{full}-{i}" for i in count(2)))
        self._bases[name] = self._claimed(name, candidates)

    def _claimed(self, name: str, candidates: Iterable[str]) -> str:
        base = next(one for one in candidates if self._taken.get(one.casefold(), name) == name)
        self._taken[base.casefold()] = name
        return base

    def path(self, name: str, folder: Path, suffix: str) -> Path:
        """The file for a result.

        Parameters
        ----------
        name : str
            Of the input, or of one of its channels (`NAME#chN`).
        folder : Path
        suffix : str
            Put behind the name, e.g. ".jams".
        """
        if name not in self._bases:
            channel = _CHANNEL.fullmatch(name)
            if channel and channel["name"] in self._bases:
                base = f"{self._bases[channel['name']]}.{channel['channel']}"
                self._bases[name] = self._claimed(name, chain((base,), (f"{base}-{i}" for i in count(2))))
            else:
                self._place(name, None)
        return folder / f"{self._bases[name]}{suffix}"

    def holds(self, path: Path) -> bool:
        """Whether a path is one of the inputs, so that writing to it would destroy what is read."""
        return os.path.lexists(path) and os.path.realpath(path) in self._inputs

    @cached_property
    def _inputs(self) -> frozenset[str]:
        return frozenset(map(os.path.realpath, [*self._bases, *self._also_read]))


def _kept_folders(roots: Sequence[Path]) -> dict[Path, Path]:
    """What each folder that was named adds to the names of its results: nothing, if there is only one."""
    absolute = {root: os.path.abspath(root) for root in roots}  # noqa: PTH100  # links stay
    if len(set(absolute.values())) <= 1:
        return {}
    try:
        common = os.path.commonpath(absolute.values())
    except ValueError:  # several drives
        return {root: Path(root.name) for root in roots}
    return {root: Path(os.path.relpath(path, common)) for root, path in absolute.items()}


def _shortened(name: str) -> str:
    content = os.fsencode(name)
    if len(content) <= _MOST_BYTES:
        return name
    digest = hashlib.blake2b(content, digest_size=4).hexdigest()
    return f"{content[:_MOST_BYTES].decode('utf-8', 'ignore')}~{digest}"
