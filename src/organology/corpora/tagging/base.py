"""What the reader of a tagging corpus gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from organology.corpora.issues import Issue


@dataclass(frozen=True)
class SourceTrack:
    """A track as its publisher has it.

    Attributes
    ----------
    track : str
        Unique in the corpus.
    path : Path
        Of the audio, whether it is there or not.
    tags : tuple of str
    split : str
        `train`, `validation` or `test`.
    artist, album, licence : str
        "" where not known.
    seconds : float
        As the publisher says; 0 if he does not.
    """

    track: str
    path: Path
    tags: tuple[str, ...]
    split: str
    artist: str = ""
    album: str = ""
    licence: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class TaggingCorpus:
    """A corpus of tagged tracks that can be prepared.

    Attributes
    ----------
    name : str
        Of the command line and of the table's column `corpus`.
    title, citation, licence : str
    tree : str
        The folder it expects, drawn.
    how_to_get : str
    tags : tuple of str
        In the order of the targets.
    read : callable
        Root folder -> tracks and issues. It opens no audio. Raises CorpusError if the root is not such a folder.
    """

    name: str
    title: str
    citation: str
    licence: str
    tree: str
    how_to_get: str
    tags: tuple[str, ...]
    read: Callable[[Path], Iterator[SourceTrack | Issue]] = field(repr=False)
