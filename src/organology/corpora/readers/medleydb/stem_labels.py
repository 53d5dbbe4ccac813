"""From the words of one song's metadata to labels.

A stem may have several words: its labels are their union. A word that names no instrument beside others leaves open
what else is in the stem, so that nothing in it counts as absent. A stem with bleed holds what its song's other stems
hold: their labels are unknown in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import PurePath

import numpy as np

from organology.corpora.base import Remark
from organology.corpora.names import find_instrument, tokens
from organology.corpora.readers.medleydb.metadata import SongMetadata, Track
from organology.errors import UnknownWordError
from organology.taxonomy import ABSENT, LABELS, PRESENT, UNKNOWN, LabelArray, Vocabulary, union


@dataclass(frozen=True)
class Form:
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


@dataclass(frozen=True)
class LabeledStem:
    """A stem and its labels, int8 of shape (15,); `word` is its words joined by a vertical bar."""

    track: Track
    word: str
    labels: LabelArray


@dataclass(frozen=True)
class LabeledSong:
    """A song's metadata, and those of its stems that have labels."""

    metadata: SongMetadata
    stems: tuple[LabeledStem, ...]

    @property
    def has_bleed(self) -> bool:
        """Whether it is marked for bleed, or not marked at all."""
        return self.metadata.has_bleed is not False


def label_song(song: SongMetadata, form: Form, place: str) -> tuple[LabeledSong, list[Remark]]:
    """Labels of all stems of a song.

    Parameters
    ----------
    song : SongMetadata
    form : Form
    place : str
        The file, for the remarks.

    Returns
    -------
    song : LabeledSong
    remarks : list of Remark
        Stems without labels: `dropped` if they hold no instrument, `refused` if that cannot be told.
    """
    stems: list[LabeledStem] = []
    remarks: list[Remark] = []
    for track in song.stems:
        where = f"{place}, stem {track.name}"
        words = form.words(track)
        if not words:
            remarks.append(Remark("refused", where, "no instrument", song.song, track.name))
            continue
        try:
            labels = _labels(words, form)
        except UnknownWordError as error:
            remarks.append(Remark("refused", where, str(error), song.song, track.name))
            continue
        word = "|".join(words)
        if labels is None:
            remarks.append(Remark("dropped", where, f"{word!r} names no instrument", song.song, track.name))
        else:
            stems.append(LabeledStem(track, word, _with_raw_words(labels, track, form)))
    labeled = LabeledSong(song, tuple(stems))
    if labeled.has_bleed:
        bleeding = {stem.track.name for stem in stems}
    else:
        bleeding = {stem for name, stem in form.bleeding if name == song.song}
    if bleeding:
        lost = any(remark.fate == "refused" for remark in remarks)
        labeled = LabeledSong(song, tuple(_with_bleed(stems, bleeding, lost)))
    return labeled, remarks


def _labels(words: Sequence[str], form: Form) -> LabelArray | None:
    """Labels of a stem of some words; None if none of them names an instrument.

    Raises
    ------
    UnknownWordError
        If a word is not in the vocabulary.
    """
    vocabulary = Vocabulary.load(form.vocabulary)
    entries = [vocabulary.entry(word) for word in words]
    used = [entry.labels for entry in entries if entry.policy != "exclude"]
    if not used:
        return None
    labels = union(used)
    return labels if len(used) == len(entries) else not_absent(labels, np.full(len(LABELS), UNKNOWN, dtype=np.int8))


def _with_raw_words(labels: LabelArray, track: Track, form: Form) -> LabelArray:
    """Labels in which what the raw tracks hold beyond the stem's own words is unknown."""
    if not form.raw_words:
        return labels
    return reduce(not_absent, _labels_of_raw(track, form), labels)


def _labels_of_raw(track: Track, form: Form) -> Iterator[LabelArray]:
    vocabulary = Vocabulary.load(form.vocabulary)
    for raw in track.raw:
        words = form.words(raw)
        labels = _labels(words, form) if words and all(word in vocabulary for word in words) else None
        if labels is not None:
            yield labels


def _with_bleed(stems: Sequence[LabeledStem], bleeding: Collection[str], lost: bool) -> Iterator[LabeledStem]:
    """Stems of which some hold the song's other stems too; `lost`: it has stems with instruments not told."""
    for stem in stems:
        if stem.track.name in bleeding:
            others = [other.labels for other in stems if other is not stem]
            if lost:
                others.append(np.full(len(LABELS), UNKNOWN, dtype=np.int8))
            stem = LabeledStem(stem.track, stem.word, not_absent(stem.labels, union(others)))
        yield stem


def not_absent(labels: LabelArray, others: LabelArray) -> LabelArray:
    """Labels that are unknown, not absent, where others are not absent; both int8 of shape (15,)."""
    masked: LabelArray = np.where((labels == ABSENT) & (others != ABSENT), UNKNOWN, labels).astype(np.int8)
    return masked


def labels_of_part(stem: LabeledStem, raw: Track) -> LabelArray:
    """Labels of one of several raw tracks that stand for a stem: what its file's name does not confirm is unknown.

    So the cowbell of a drum set is percussion, but not certainly drums. A name without an instrument confirms all.
    """
    found = find_instrument(tokens(PurePath(raw.filename).stem))
    if found is None or found.labels is None:
        return stem.labels
    doubtful = (stem.labels == PRESENT) & (found.labels != PRESENT)
    labels: LabelArray = np.where(doubtful, UNKNOWN, stem.labels).astype(np.int8)
    return not_absent(labels, found.labels)
