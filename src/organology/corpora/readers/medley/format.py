"""What differs between the corpora whose metadata have the form of MedleyDB."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from organology.corpora.readers.medley.metadata import SongMetadata, Track

MIXING_SECRETS_ORIGIN = "mixing secrets"
"""`origin` in the metadata of Mixing Secrets, in lower case."""


@dataclass(frozen=True)
class MedleyFormat:
    """What differs between the corpora whose metadata have this form.

    Attributes
    ----------
    vocabulary, licence, tree : str
    owns : callable
        Metadata -> whether the song is of this corpus; both may lie in one folder.
    artists : callable
        Metadata -> the artist that the song goes by, and that of its stems; neither may be in two splits.
    renamed : dict of str to str
        Words (in lower case) that the publisher replaced in a later release -> the later ones.
    bleeding : collection of (str, str)
        Song and stem: bleed in songs that are not marked for it.
    raw_words : bool
        Whether people wrote the words of the raw tracks, so that they tell what is in a stem.
    raw_audio : bool
        Whether the stems are plain sums of raw tracks, which can then take the place of a missing stem.
    """

    vocabulary: str
    licence: str
    tree: str
    owns: Callable[[SongMetadata], bool]
    artists: Callable[[SongMetadata], tuple[str, str]]
    renamed: Mapping[str, str] = field(default_factory=dict)
    bleeding: Collection[tuple[str, str]] = frozenset()
    raw_words: bool = False
    raw_audio: bool = False

    def words(self, track: Track) -> tuple[str, ...]:
        """The words of a stem or raw track, as the last release has them."""
        return tuple(self.renamed.get(word.casefold(), word) for word in track.words)
