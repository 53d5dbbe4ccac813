"""A corpus whose metadata have the form of MedleyDB, as the registry takes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from organology.corpora.base import Corpus, SourceSong
from organology.corpora.issues import Issue
from organology.corpora.readers.medley import songs
from organology.corpora.readers.medley.format import MedleyFormat
from organology.corpora.readers.medley.labeled_songs import LabeledSong


@dataclass(frozen=True)
class MedleyReader:
    """Reads a corpus of this form.

    Attributes
    ----------
    name, title, citation, how_to_get : str
        Of its `Corpus`.
    format : MedleyFormat
        What is its own.
    """

    name: str
    title: str
    citation: str
    how_to_get: str
    format: MedleyFormat

    def read(self, root: Path, *, keep_bleed: bool = False) -> Iterator[SourceSong | Issue]:
        """Songs of a folder; see `Corpus.read`.

        Parameters
        ----------
        root : Path
        keep_bleed : bool
            Take songs with bleed too; the instruments of the others are unknown in each of their stems.

        Raises
        ------
        CorpusError
            If there are no metadata in the folder, or no audio of theirs.
        """
        return songs.read(root, self.format, keep_bleed=keep_bleed)

    def read_labels(self, root: Path) -> Iterator[LabeledSong | Issue]:
        """All songs, those with bleed too, and their instruments from the metadata alone; no audio has to be there.

        Raises
        ------
        CorpusError
            If there are no metadata in the folder.
        """
        return songs.read_labels(root, self.format)

    def looks_like(self, root: Path) -> bool:
        """Whether a folder holds songs of this corpus, with audio."""
        return songs.looks_like(root, self.format)

    def corpus(self, keep_bleed: bool = False) -> Corpus:
        """The corpus, with or without its songs with bleed."""
        return Corpus(
            name=self.name,
            title=self.title,
            citation=self.citation,
            licence=self.format.licence,
            tree=self.format.tree,
            how_to_get=self.how_to_get,
            read=partial(self.read, keep_bleed=keep_bleed),
        )
