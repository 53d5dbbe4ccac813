"""One song of a corpus being prepared, and the record of it that makes preparing resumable.

A record `.records/<song>.json` is written after the audio of its song. It holds what the audio was made from (paths,
sizes, times, format), so that a later run takes the song as it is, whatever became of its labels, and does it
again where a file has changed. Records stay beside the table: to add a song costs that song alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from organology.atomic import written_whole
from organology.corpora.conversion.convert import AudioFormat, Converted, convert_song
from organology.errors import CorpusError
from organology.leftovers import sweep

RECORDS = ".records"
AUDIO = "audio"
_VERSION = 1


@dataclass(frozen=True)
class StemTask:
    """A stem to be converted.

    Attributes
    ----------
    stem : str
    source : Path
    place : str
        The source relative to the root of the corpus, if it lies in it.
    size, mtime : int
        Of the source, in bytes and ns; -1 if it is missing.
    target : str
        Relative to the prepared corpus, with `/`.
    """

    stem: str
    source: Path
    place: str
    size: int
    mtime: int
    target: str


@dataclass(frozen=True)
class SongTask:
    """A song to be prepared; picklable."""

    song: str
    folder: str
    stems: tuple[StemTask, ...]
    out: Path
    audio_format: AudioFormat

    @property
    def size(self) -> int:
        """Bytes of source audio."""
        return sum(max(stem.size, 0) for stem in self.stems)

    @property
    def key(self) -> dict[str, Any]:
        """What the audio depends on."""
        stems = [[stem.stem, stem.place, stem.size, stem.mtime, stem.target] for stem in self.stems]
        return {"version": _VERSION, "song": self.song, "format": self.audio_format, "stems": sorted(stems)}


@dataclass(frozen=True)
class Record:
    """What became of a song: of each stem, and the gain it was written with."""

    stems: dict[str, Converted]
    gain: float


def task(
    song: str,
    folder: str,
    stems: Sequence[tuple[str, Path]],
    names: dict[str, str],
    root: Path,
    out: Path,
    audio_format: AudioFormat,
) -> SongTask:
    """The task of one song.

    Parameters
    ----------
    song, folder : str
        Its name, and that of its folder in `audio/`.
    stems : sequence of (str, Path)
        Names and sources.
    names : dict of str to str
        Safe file names of the stems.
    root, out : Path
    audio_format : {"flac", "wav"}
    """
    tasks = []
    for stem, source in stems:
        try:
            status = source.stat()
            size, mtime = status.st_size, status.st_mtime_ns
        except (OSError, ValueError):
            size = mtime = -1
        place = source.relative_to(root).as_posix() if source.is_relative_to(root) else str(source)
        target = str(PurePosixPath(AUDIO, folder, f"{names[stem]}.{audio_format}"))
        tasks.append(StemTask(stem, source, place, size, mtime, target))
    return SongTask(song, folder, tuple(tasks), out, audio_format)


def read_record(song: SongTask) -> Record | None:
    """The record of a song if it holds for the task as it is now, and its audio is there; else None."""
    values = _read(_path(song))
    if values is None or values.get("key") != song.key:
        return None
    try:
        stems = {
            name: Converted(**{**v, "active": tuple(map(tuple, v["active"]))}) for name, v in values["stems"].items()
        }
        record = Record(stems, float(values["gain"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if set(record.stems) != {stem.stem for stem in song.stems}:
        return None
    for stem in song.stems:
        done = record.stems[stem.stem]
        if done.again or (done.frames and not (song.out / stem.target).is_file()):
            return None
    return record


def folder_of(song: SongTask) -> Path:
    """Where the stems of a song are written."""
    return song.out / AUDIO / song.folder


def prepare_song(song: SongTask) -> Record:
    """Convert the stems of a song and write its record.

    Raises
    ------
    CorpusError
        If the audio cannot be written.
    """
    folder = folder_of(song)
    _remove(song.out, _files_of(_read(_path(song))))
    if folder.is_dir():
        for leftover in folder.glob(f".*.{song.audio_format}"):  # of a run that was killed
            leftover.unlink(missing_ok=True)
    converted, gain = convert_song([(s.source, song.out / s.target) for s in song.stems], song.audio_format)
    record = Record({stem.stem: done for stem, done in zip(song.stems, converted, strict=True)}, gain)
    values = {
        "key": song.key,
        "gain": gain,
        "files": [stem.target for stem in song.stems if record.stems[stem.stem].frames],
        "stems": {name: asdict(done) for name, done in record.stems.items()},
    }
    with written_whole(_path(song)) as temporary:
        temporary.write_text(json.dumps(values, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return record


def check_same_corpus(out: Path, songs: Sequence[SongTask]) -> None:
    """Raise CorpusError if `out` holds prepared songs, but none of these: they would be removed."""
    there = {path.stem for path in (out / RECORDS).glob("*.json") if not path.name.startswith(".")}
    if there and songs and there.isdisjoint(song.folder for song in songs):
        raise CorpusError(f"{out}: holds another prepared corpus ({len(there)} other songs); choose another folder")


def sweep_prepared(out: Path) -> None:
    """Remove what killed runs were writing into a prepared corpus."""
    audio = out / AUDIO
    folders = sorted(path for path in audio.iterdir() if path.is_dir()) if audio.is_dir() else []
    for folder in (out, out / RECORDS, *folders):
        sweep(folder)


def forget_others(out: Path, songs: Sequence[SongTask]) -> int:
    """Remove records, and the audio they name, of songs that the corpus no longer holds; give their number."""
    for leftover in (out / RECORDS).glob(".*.json"):  # of a run that was killed
        leftover.unlink(missing_ok=True)
    current = {_path(song) for song in songs}
    others = [path for path in (out / RECORDS).glob("*.json") if path not in current]
    for path in others:
        values = _read(path)
        wanted = {stem.target for song in songs for stem in song.stems}
        _remove(out, [name for name in _files_of(values) if name not in wanted])
        path.unlink(missing_ok=True)
    return len(others)


def _path(song: SongTask) -> Path:
    return song.out / RECORDS / f"{song.folder}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def _files_of(values: dict[str, Any] | None) -> list[str]:
    names = (values or {}).get("files", [])
    return [name for name in names if isinstance(name, str) and PurePosixPath(name).parts[:1] == (AUDIO,)]


def _remove(out: Path, names: Sequence[str]) -> None:
    for name in names:
        if ".." in PurePosixPath(name).parts:
            continue
        path = out / name
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
