"""What every corpus reader gives, and the skeleton that readers share.

A reader is a module with one `Corpus`: what it is, where it comes from, which tree it expects, and `read`, which walks
that tree and yields songs with their labels, and what it had to leave out. It opens no audio; `prepare` does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from organology.corpora.instruments import Instruments
from organology.corpora.issues import Issue

KINDS: tuple[str, ...] = ("performance", "phrases", "notes", "hits", "loop", "rendered", "")
"""What a stem can be; "" where it is not told."""


@dataclass(frozen=True)
class SourceStem:
    """A stem as its publisher has it.

    Attributes
    ----------
    stem : str
        Unique in its song.
    path : Path
    instruments : Instruments
    word : str
        What the corpus calls the instrument.
    artist : str
        Of this stem, where it is another than the song's; else "".
    kind, licence : str
    aligned : bool or None
        None: to be told from the lengths.
    active : tuple of (start, end) or None
        Where it sounds by the publisher's annotations, in seconds, sorted and apart; None: to be measured alone.
    """

    stem: str
    path: Path
    instruments: Instruments
    word: str = ""
    artist: str = ""
    kind: str = ""
    licence: str = ""
    aligned: bool | None = None
    active: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True)
class SourceSong:
    """A song as its publisher has it.

    Attributes
    ----------
    song : str
        Unique in the corpus.
    stems : tuple of SourceStem
    artist : str
        "" where it is not known.
    split : str
        Where the publisher sets it; "" to have it drawn.
    """

    song: str
    stems: tuple[SourceStem, ...]
    artist: str = ""
    split: str = ""

    @property
    def artists(self) -> frozenset[str]:
        """The artists of the song and of its stems."""
        return frozenset(filter(None, {self.artist, *(stem.artist for stem in self.stems)}))

    @property
    def instruments(self) -> Instruments:
        """Those of all stems together."""
        return Instruments.union(stem.instruments for stem in self.stems)


@dataclass(frozen=True)
class Corpus:
    """A corpus that can be prepared.

    Attributes
    ----------
    name : str
        Of the command line and of the table's column `corpus`.
    title, citation, licence : str
    tree : str
        The folder it expects, drawn.
    how_to_get : str
    read : callable
        Root folder -> songs and issues. A song without stems is left out. Raises CorpusError if the root is not
        such a folder.
    """

    name: str
    title: str
    citation: str
    licence: str
    tree: str
    how_to_get: str
    read: Callable[[Path], Iterator[SourceSong | Issue]] = field(repr=False)
