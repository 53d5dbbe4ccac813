"""MTG-Jamendo: 54 380 recordings under Creative Commons licences with the 50 most popular tags, to pre-train on.

The publisher's five splits are read as they are: no artist is in two parts of one. A track's audio is taken in full
quality (`audio`, 320 kbit/s stereo) where it is there, else in low quality (`audio-low`, mono).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from importlib import resources
from pathlib import Path

from organology.corpora.issues import Issue
from organology.corpora.splits import SPLITS
from organology.corpora.tagging.base import SourceTrack, TaggingCorpus
from organology.errors import CorpusError

N_SPLITS = 5
TREE = """\
ROOT/                                   a clone of github.com/MTG/mtg-jamendo-dataset, with the audio
├── data/splits/split-0/                or splits/split-0, split-0, or the tables right here; split-1 ... split-4 alike
│   ├── autotagging_top50tags-train.tsv
│   ├── autotagging_top50tags-validation.tsv
│   └── autotagging_top50tags-test.tsv
├── audio_licenses.txt                  optional
├── audio/                              or raw_30s/audio, or the folders right here; or another folder (--audio)
│   └── 00/ ... 99/<id>.mp3
└── audio-low/                          or raw_30s/audio-low
    └── 00/ ... 99/<id>.low.mp3"""

_COLUMNS = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
_TABLE_FOLDERS = ("data/splits/split-{}", "splits/split-{}", "split-{}", "mtg-jamendo-dataset/data/splits/split-{}")
_AUDIO_FOLDERS = ("audio", "raw_30s/audio", ".", "audio-low", "raw_30s/audio-low")
_LICENCES = ("audio_licenses.txt", "mtg-jamendo-dataset/audio_licenses.txt")
_LOW = ".low.mp3"
_PATH = re.compile(r"\d\d/\d+\.mp3")
_LICENCE = re.compile(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z+-]+)(?:/([\d.]+))?(?:/([a-z]{2}))?", re.I)


def _tags() -> tuple[str, ...]:
    text = (resources.files("organology.labels") / "vocabularies" / "mtg_jamendo_top50.txt").read_text("utf-8")
    return tuple(text.split())


TAGS: tuple[str, ...] = _tags()
"""The 50 tags in the publisher's order (`data/tags/top50.txt`)."""


def looks_like(root: Path) -> bool:
    """Whether a folder has the tables of MTG-Jamendo."""
    return any(_table_folder(root, split) is not None for split in range(N_SPLITS))


def read(root: Path, *, split: int = 0, audio: Path | None = None) -> Iterator[SourceTrack | Issue]:
    """Tracks of an MTG-Jamendo folder; see `TaggingCorpus.read`.

    Parameters
    ----------
    root : Path
    split : int
        Which of the publisher's five.
    audio : Path, optional
        The folder with 00 ... 99, if it is not in `root`.

    Raises
    ------
    CorpusError
        If the tables of the split are not there, or one of them is no such table.
    """
    folder = _table_folder(root, split)
    if folder is None:
        raise CorpusError(f"{root}: no {_table('train')} of split {split} in it; expected\n{TREE}")
    folders = [Path(audio)] if audio is not None else [root / name for name in _AUDIO_FOLDERS]
    files = _index(folders)
    expected = next((path for path in folders if path.is_dir()), root)
    licences = _licences(root)
    place: dict[str, str] = {}
    parts: dict[str, str] = {}
    for part in SPLITS:
        table = folder / _table(part)
        for number, cells in _rows(table):
            where = f"{table}, line {number}"
            fault = _fault(cells, place)
            if fault:
                yield Issue("refused", where, fault, cells[0])
                continue
            track, artist, album, path, seconds = cells[:5]
            place[track] = where
            if parts.setdefault(artist, part) != part:
                yield Issue("note", where, f"{artist} is in {part} and in {parts[artist]}", track)
            yield SourceTrack(
                track=track,
                path=files.get(path.removesuffix(".mp3"), expected / path),
                tags=tuple(sorted(cells[5:], key=TAGS.index)),
                split=part,
                artist=artist,
                album=album,
                licence=licences.get(path, ""),
                seconds=float(seconds),
            )


def _table(part: str) -> str:
    return f"autotagging_top50tags-{part}.tsv"


def _table_folder(root: Path, split: int) -> Path | None:
    folders = [root / name.format(split) for name in _TABLE_FOLDERS]
    if split == 0:
        folders.append(root)
    return next((folder for folder in folders if (folder / _table("train")).is_file()), None)


def _index(folders: Sequence[Path]) -> dict[str, Path]:
    """Audio files by "FOLDER/ID"; the first folder that has one counts."""
    files: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        for part in sorted(entry.name for entry in os.scandir(folder) if re.fullmatch(r"\d\d", entry.name)):
            for entry in os.scandir(folder / part):
                name = entry.name.removesuffix(_LOW).removesuffix(".mp3")
                if name.isdigit() and name != entry.name:
                    files.setdefault(f"{part}/{name}", Path(entry.path))
    return files


def _rows(table: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        lines = table.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{table}: {getattr(error, 'strerror', None) or error}") from error
    if not lines or tuple(lines[0].split("\t")) != _COLUMNS:
        raise CorpusError(f"{table}: its first line is not {' '.join(_COLUMNS)}, tab-separated")
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            yield number, [cell.strip() for cell in line.split("\t")]


def _fault(cells: Sequence[str], place: dict[str, str]) -> str:
    """Why a row cannot be used, or ""."""
    if len(cells) < len(_COLUMNS):
        return f"{len(cells)} columns, not at least {len(_COLUMNS)}"
    track, _, _, path, seconds, *tags = cells
    if track in place:
        return f"{track} stands in {place[track]} already"
    if not _PATH.fullmatch(path):
        return f"path {path!r} is not of the form 00/100.mp3"
    if not re.fullmatch(r"\d+(\.\d+)?", seconds):
        return f"duration {seconds!r} is no number"
    unknown = [tag for tag in tags if tag not in TAGS]
    if unknown:
        return f"unknown tag {unknown[0]!r}"
    return "a tag stands twice" if len(set(tags)) != len(tags) else ""


def _licences(root: Path) -> dict[str, str]:
    """Path -> licence, from `audio_licenses.txt`: a line with the path, some lines later one with the licence's URL."""
    file = next((root / name for name in _LICENCES if (root / name).is_file()), None)
    licences: dict[str, str] = {}
    path = ""
    for line in file.read_text("utf-8", errors="replace").splitlines() if file else ():
        if _PATH.fullmatch(line.strip()):
            path = line.strip()
        elif path and (found := _LICENCE.search(line)):
            licences.setdefault(path, _licence(*found.groups()))
    return licences


def _licence(code: str, version: str | None, region: str | None) -> str:
    """A licence by its URL.

    Examples
    --------
    >>> _licence("by-nc-sa", "3.0", None)
    'CC BY-NC-SA 3.0'
    """
    name = {"zero": "CC0", "publicdomain": "public domain", "mark": "public domain"}.get(code, f"CC {code.upper()}")
    return " ".join(filter(None, (name, version, region.upper() if region else "")))


def corpus(split: int = 0, audio: Path | None = None) -> TaggingCorpus:
    """MTG-Jamendo with another of its splits, or with its audio elsewhere; see `read`.

    Raises
    ------
    CorpusError
        If there is no such split, or no such folder.
    """
    if split not in range(N_SPLITS):
        raise CorpusError(f"MTG-Jamendo has the splits 0 to {N_SPLITS - 1}, not {split}")
    if audio is not None and not Path(audio).is_dir():
        raise CorpusError(f"{audio}: no such folder")
    return TaggingCorpus(
        name="jamendo",
        title="MTG-Jamendo, top 50 tags",
        citation=(
            "D. Bogdanov, M. Won, P. Tovstogan, A. Porter, X. Serra: The MTG-Jamendo Dataset for Automatic Music "
            "Tagging. Machine Learning for Music Discovery Workshop, ICML 2019"
        ),
        licence="audio: Creative Commons, by track (audio_licenses.txt); metadata: CC BY-NC-SA 4.0",
        tree=TREE,
        how_to_get=(
            "git clone https://github.com/MTG/mtg-jamendo-dataset, then in it: python scripts/download/download.py "
            "--dataset raw_30s --type audio-low --unpack --remove audio-low (156 GB; --type audio: 508 GB)"
        ),
        tags=TAGS,
        read=partial(read, split=split, audio=audio),
    )


CORPUS = corpus()
