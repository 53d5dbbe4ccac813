"""What `sources.yaml` may say, and how it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from organology import config
from organology.corpora.readers.stems.manifest import NOTHING
from organology.errors import ConfigError
from organology.labels import concept_tree, default_set

Mode = Literal["whole", "join", "sum", "groove", "notes", "midi", "soundfont", "recordings", "scores"]

OPEN = ("CC0", "CC BY", "MIT", "BSD", "GPL", "LGPL", "public domain", "Philharmonia")
"""What a licence has to begin with to be taken at all."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
"""Names of folders and files: none can lead out of the folder that it stands in."""
_REPOSITORY = re.compile(rf"{NAME.pattern}/{NAME.pattern}")
_VERSION = re.compile(r"[0-9][A-Za-z0-9.:~+-]*")
CLOSED = (" NC", "-NC", " ND", "-ND", "NonCommercial", "unknown")


@dataclass(frozen=True)
class Get:
    """Where a source comes from: exactly one of `github`, `debian`, `pypi`, `url`.

    Attributes
    ----------
    github : str
        OWNER/NAME; `ref` is the full hash of a commit, which is its checksum.
    debian, pypi : str
        A package; `ref` is its version.
    url : str
        One file.
    ref : str
    sha256 : str
        Of the package or file; empty for a commit.
    """

    __pydantic_config__ = config.FORBID
    github: str = ""
    debian: str = ""
    pypi: str = ""
    url: str = ""
    ref: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.github, self.debian, self.pypi, self.url))) != 1:
            raise ValueError("get: exactly one of github, debian, pypi and url")
        if self.github and not (_REPOSITORY.fullmatch(self.github) and re.fullmatch(r"[0-9a-f]{40}", self.ref)):
            raise ValueError(f"get: github needs OWNER/NAME and `ref`, a commit of 40 digits, not {self.ref!r}")
        if (self.debian or self.pypi) and not (
            NAME.fullmatch(self.debian or self.pypi) and _VERSION.fullmatch(self.ref)
        ):
            raise ValueError(f"get: a package needs a name and `ref`, a version; got {self.place!r}")
        if self.url and not (self.url.startswith(("https://", "http://")) and self.sha256):
            raise ValueError(f"get: url must be http(s) with a sha256, got {self.url!r}")
        if self.sha256 and not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"get: sha256 must be 64 hex digits, got {self.sha256!r}")

    @property
    def kind(self) -> str:
        """`github`, `debian`, `pypi` or `url`."""
        return next(kind for kind in ("github", "debian", "pypi", "url") if getattr(self, kind))

    @property
    def place(self) -> str:
        """For people: an address, or the package and its version."""
        if self.github:
            return f"https://github.com/{self.github}/tree/{self.ref}"
        return self.url or f"{self.debian or self.pypi} {self.ref}".strip()


@dataclass(frozen=True)
class Take:
    """Some files of a source, and what becomes of them.

    Attributes
    ----------
    files : str
        Glob within the source; `**` for folders to any depth.
    as_ : {"whole", "join", "sum", "groove", "notes", "midi", "soundfont", "recordings", "scores"}
        `as` in the file. whole: each file a stem. join: short recordings one after the other. sum: files whose names
        agree in `group` added up. groove: hits of a drum kit, played from drum MIDI. notes, midi, soundfont,
        recordings: copied. scores: written as MIDI by music21.
    leave_out : str
        Regular expression; files whose path holds it are not taken.
    group : str
        Regular expression with one group; what it finds is the song's name ("" for all in one).
    stem : str
        Name of the stems.
    families, instruments, mask : tuple of str
        Labels, as in `stems.csv`.
    kind : str
    aligned : bool
        Stems of one song share a time line.
    longest_seconds, file_seconds, minutes : float
        Of join: of a recording, of a piece, and of all; of groove: of a piece (`file_seconds`) and of all.
    even : bool
        Of join: every recording at the same peak.
    kit : dict of str to str
        Of groove: name of a drum -> glob of its hits.
    count : int
        Of scores: so many of those that match, drawn with a fixed seed; 0 for all.
    """

    __pydantic_config__ = config.FORBID
    files: str = ""
    as_: Mode = "whole"
    leave_out: str = ""
    group: str = ""
    stem: str = ""
    families: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    kind: str = ""
    aligned: bool = False
    longest_seconds: float = 4.5
    file_seconds: float = 40.0
    minutes: float = 10.0
    even: bool = False
    kit: dict[str, str] | None = None
    count: int = 0

    def __post_init__(self) -> None:
        for label in (*self.families, *self.instruments, *self.mask):
            if label not in (*default_set().labels, *concept_tree(), NOTHING):
                raise ValueError(f"no label {label!r}")
        if self.stem and not NAME.fullmatch(self.stem):
            raise ValueError(f"stem must be a file name of letters, digits and . _ + -, got {self.stem!r}")
        if self.as_ == "groove" and not self.kit:
            raise ValueError("groove needs `kit`")


@dataclass(frozen=True)
class Source:
    """One source: where it is, its licence, and what is taken.

    Attributes
    ----------
    name : str
        Of its folder.
    get : Get
    licence, by : str
        `by` is the attribution that the licence asks for.
    take : tuple of Take
    tried : str
        How far this entry has been tried: "" not at all, else in words.
    """

    __pydantic_config__ = config.FORBID
    name: str
    get: Get
    licence: str
    by: str
    take: tuple[Take, ...]
    tried: str = ""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"name must be a file name of letters, digits and . _ + -, got {self.name!r}")
        if not self.licence.startswith(OPEN) or any(word in self.licence for word in CLOSED):
            raise ValueError(f"{self.name}: licence {self.licence!r} is not open; this corpus takes {', '.join(OPEN)}")


@dataclass(frozen=True)
class Manifest:
    """All of `sources.yaml`."""

    __pydantic_config__ = config.FORBID
    sources: tuple[Source, ...]


def load(path: Path) -> tuple[Source, ...]:
    """Read a manifest; `as` stands for `as_`.

    Raises
    ------
    ConfigError
        If it is not valid, or two sources share a name.
    """
    values = config.read_yaml(path)
    listed = values.get("sources") if isinstance(values, dict) else None
    for source in listed if isinstance(listed, list) else ():
        takes = source.get("take") if isinstance(source, dict) else None
        for take in takes if isinstance(takes, list) else ():
            if isinstance(take, dict) and "as" in take:
                take["as_"] = take.pop("as")
    sources = config.parse(values, Manifest, str(path)).sources
    names = [source.name for source in sources]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(f"{path}: two sources are called {', '.join(sorted(twice))}")
    return sources
