"""From the words of one song's metadata to instruments.

A stem may have several words: it holds all of them. A word that names no instrument beside others leaves open what
else is in the stem, so that nothing in it counts as absent. A stem with bleed may hold what its song's other stems
hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from organology.corpora.instruments import Instruments
from organology.corpora.issues import Issue
from organology.corpora.names import find_instrument, tokens
from organology.corpora.readers.medley.format import MedleyFormat
from organology.corpora.readers.medley.metadata import SongMetadata, Track
from organology.errors import UnknownWordError
from organology.labels import Vocabulary


@dataclass(frozen=True)
class LabeledStem:
    """A stem and its instruments; `word` is its words joined by a vertical bar."""

    track: Track
    word: str
    instruments: Instruments


@dataclass(frozen=True)
class LabeledSong:
    """A song's metadata, and those of its stems whose instruments are known."""

    metadata: SongMetadata
    stems: tuple[LabeledStem, ...]

    @property
    def has_bleed(self) -> bool:
        """Whether it is marked for bleed, or not marked at all."""
        return self.metadata.has_bleed is not False


def label_song(song: SongMetadata, medley_format: MedleyFormat, place: str) -> tuple[LabeledSong, list[Issue]]:
    """Instruments of all stems of a song.

    Parameters
    ----------
    song : SongMetadata
    medley_format : MedleyFormat
    place : str
        The file, for the issues.

    Returns
    -------
    song : LabeledSong
    issues : list of Issue
        Stems left out: `dropped` if they hold no instrument, `refused` if that is not known.
    """
    stems: list[LabeledStem] = []
    issues: list[Issue] = []
    for track in song.stems:
        where = f"{place}, stem {track.name}"
        words = medley_format.words(track)
        if not words:
            issues.append(Issue("refused", where, "no instrument", song.song, track.name))
            continue
        try:
            instruments = _instruments(words, medley_format)
        except UnknownWordError as error:
            issues.append(Issue("refused", where, str(error), song.song, track.name))
            continue
        word = "|".join(words)
        if instruments is None:
            issues.append(Issue("dropped", where, f"{word!r} names no instrument", song.song, track.name))
        else:
            stems.append(LabeledStem(track, word, _with_raw_words(instruments, track, medley_format)))
    labeled = LabeledSong(song, tuple(stems))
    if labeled.has_bleed:
        bleeding = {stem.track.name for stem in stems}
    else:
        bleeding = {stem for name, stem in medley_format.bleeding if name == song.song}
    if bleeding:
        lost = any(issue.severity == "refused" for issue in issues)
        labeled = LabeledSong(song, tuple(_with_bleed(stems, bleeding, lost)))
    return labeled, issues


def _instruments(words: Sequence[str], medley_format: MedleyFormat) -> Instruments | None:
    """Instruments of a stem of some words; None if none of them names an instrument.

    Raises
    ------
    UnknownWordError
        If a word is not in the vocabulary.
    """
    vocabulary = Vocabulary.load(medley_format.vocabulary)
    entries = [vocabulary.entry(word) for word in words]
    used = [Instruments.of(entry) for entry in entries if entry.policy != "exclude"]
    if not used:
        return None
    instruments = Instruments.union(used)
    return instruments if len(used) == len(entries) else instruments.or_perhaps_anything()


def _with_raw_words(instruments: Instruments, track: Track, medley_format: MedleyFormat) -> Instruments:
    """Instruments of a stem that may also hold what its raw tracks hold beyond its own words."""
    if not medley_format.raw_words:
        return instruments
    return instruments.or_perhaps(*_instruments_of_raw(track, medley_format))


def _instruments_of_raw(track: Track, medley_format: MedleyFormat) -> Iterator[Instruments]:
    vocabulary = Vocabulary.load(medley_format.vocabulary)
    for raw in track.raw:
        words = medley_format.words(raw)
        known = bool(words) and all(word in vocabulary for word in words)
        instruments = _instruments(words, medley_format) if known else None
        if instruments is not None:
            yield instruments


def _with_bleed(stems: Sequence[LabeledStem], bleeding: Collection[str], lost: bool) -> Iterator[LabeledStem]:
    """Stems of which some hold the song's other stems too; `lost`: it has stems of unknown instruments."""
    for stem in stems:
        if stem.track.name in bleeding:
            others = [other.instruments for other in stems if other is not stem]
            instruments = stem.instruments.or_perhaps(*others)
            stem = LabeledStem(stem.track, stem.word, instruments.or_perhaps_anything() if lost else instruments)
        yield stem


def instruments_of_part(stem: LabeledStem, raw: Track) -> Instruments:
    """Instruments of one of several raw tracks that stand for a stem: what its file's name does not confirm is unknown.

    So the cowbell of a drum set is percussion, but not certainly drums. A name without an instrument confirms all.
    """
    found = find_instrument(tokens(PurePath(raw.filename).stem))
    if found is None or found.instruments is None:
        return stem.instruments
    return stem.instruments.confirmed_by(found.instruments)
