"""The stems and tracks of corpus folders, as far as they are counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from organology import audio
from organology.corpora.base import Corpus, SourceSong
from organology.corpora.issues import Issue, Severity, shown_path
from organology.corpora.report import REPORT_NAME
from organology.corpora.splits import SplitSong, assign
from organology.corpora.tagging.base import SourceTrack, TaggingCorpus
from organology.errors import one_line, show_traceback
from organology.labels import LabelSet, default_set

if TYPE_CHECKING:
    from organology.corpora.tagging.table import Tags

_THREADS = 8
_KEYS: dict[str, Severity] = {"dropped": "dropped", "refused": "refused", "failed": "failed", "notes": "note"}


@dataclass(frozen=True)
class Item:
    """A stem or a tagged track, as far as it is counted.

    Attributes
    ----------
    song, artist, split, word, licence : str
    present, unknown : tuple of str
        Labels, or tags.
    seconds : float or None
        None where it is not known.
    """

    song: str
    artist: str
    split: str
    word: str
    licence: str
    present: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    seconds: float | None = None


Found = tuple[list[Item], list[Issue]]


def source_stems(root: Path, corpus: Corpus, minutes: bool, label_set: LabelSet) -> Found:
    """Stems of a source with the labels of a set, split as `prepare` splits them by default.

    With `minutes`, all headers are read.
    """
    songs: list[SourceSong] = []
    issues: list[Issue] = []
    for item in corpus.read(root):
        if isinstance(item, Issue):
            issues.append(item)
        elif item.stems:
            songs.append(item)
    default = default_set()
    drawn = [
        SplitSong(s.song, s.artists or {s.song}, s.instruments.encode(default), len(s.stems))
        for s in songs
        if not s.split
    ]
    splits = assign(drawn) if drawn else {}
    pairs = [(song, stem) for song in songs for stem in song.stems]
    with ThreadPoolExecutor(_THREADS) as pool:
        lengths = list(pool.map(lambda pair: _length(pair[1].path, minutes), pairs))
    items = []
    for (song, stem), length in zip(pairs, lengths, strict=True):
        if isinstance(length, str):
            issues.append(Issue("failed", shown_path(stem.path, root), length, song.song, stem.stem))
            continue
        present, unknown = label_set.decode(stem.instruments.encode(label_set))
        artist = stem.artist or song.artist or song.song
        split = song.split or splits[song.song]
        licence = stem.licence or corpus.licence
        items.append(Item(song.song, artist, split, stem.word, licence, tuple(present), tuple(unknown), length))
    return items, issues


def _length(path: Path, look: bool) -> float | str | None:
    """Seconds of a file; None if not known; why it cannot be used."""
    try:
        if not path.is_file():
            return "no such file"
        if not look:
            return None
        with audio.decode(path) as stream:
            return stream.frames / stream.sample_rate if stream.frames is not None else None
    except Exception as error:
        show_traceback(error)
        return one_line(error).removeprefix(f"{path}: ")


def source_tracks(root: Path, corpus: TaggingCorpus) -> Found:
    """Tracks of the source of a tagging corpus; the lengths are those of its tables."""
    items: list[Item] = []
    issues: list[Issue] = []
    for item in corpus.read(root):
        if isinstance(item, Issue):
            issues.append(item)
        elif not item.path.is_file():
            issues.append(Issue("failed", shown_path(item.path, root), "no such file", item.track))
        else:
            items.append(_tagged(item, item.licence or corpus.licence))
    return items, issues


def _tagged(track: SourceTrack, licence: str) -> Item:
    return Item(track.track, track.artist, track.split, "", licence, track.tags, (), track.seconds or None)


def prepared_stems(root: Path, label_set: LabelSet) -> tuple[str, list[Item], list[Issue]]:
    """Names in the table of a prepared corpus; its stems; what is missing, and what its report says."""
    from organology.corpora.table import labels_of, read_table

    table = read_table(root)
    items: list[Item] = []
    issues = list(_reported(root))
    for row, labels in zip(table.iter_rows(named=True), labels_of(table, label_set), strict=True):
        if not (root / row["path"]).is_file():
            issues.append(Issue("failed", row["path"], "no such file", row["song"], row["stem"]))
            continue
        present, unknown = label_set.decode(labels)
        sounding = sum(span["end"] - span["start"] for span in row["active"]) / audio.SAMPLE_RATE
        song = f"{row['corpus']}/{row['song']}"
        texts = (song, row["artist"], row["split"], row["word"], row["licence"])
        items.append(Item(*texts, tuple(present), tuple(unknown), sounding))
    return ", ".join(sorted(set(table["corpus"]))), items, issues


def prepared_tracks(root: Path) -> tuple[Tags, list[Item], list[Issue]]:
    """Tags of a prepared tagging corpus; its tracks; what is missing, and what its report says."""
    from organology.corpora.tagging.table import read_tracks

    table, tags = read_tracks(root)
    items: list[Item] = []
    issues = list(_reported(root))
    for row in table.iter_rows(named=True):
        if not (tags.audio / row["path"]).is_file():
            issues.append(Issue("failed", row["path"], "no such file", row["track"]))
            continue
        texts = (row["track"], row["artist"], row["split"], "", row["licence"])
        items.append(Item(*texts, tuple(row["tags"]), (), row["frames"] / audio.SAMPLE_RATE))
    return tags, items, issues


def _reported(root: Path) -> Iterator[Issue]:
    """What `report.json` of a prepared corpus says was left out."""
    try:
        values = json.loads((root / REPORT_NAME).read_text("utf-8"))
        for key, severity in _KEYS.items():
            for line in values.get(key, ()):
                yield Issue(severity, **line)
    except (OSError, ValueError, TypeError, AttributeError):
        yield Issue("note", REPORT_NAME, "missing or not readable: what was left out is not known")
