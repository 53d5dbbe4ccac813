"""Tagged tracks prepared: converted once by the engine that converts stems, or only looked at and read in place.

Missing and broken tracks cost a line each and are left out; many missing ones share a single line, as parts of a corpus
may not have been downloaded. A run that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from organology.audio import SAMPLE_RATE
from organology.corpora.conversion.convert import AudioFormat
from organology.corpora.conversion.records import check_same_corpus, forget_others, sweep_prepared, task
from organology.corpora.conversion.workers import SongEngine, prepare_songs
from organology.corpora.issues import Issue, IssueLog, Listener, check_apart, shown_path
from organology.corpora.names import safe_names
from organology.corpora.report import Report
from organology.corpora.tagging.base import SourceTrack, TaggingCorpus
from organology.corpora.tagging.in_place import TrackAudio, look_at, shared_folder
from organology.corpora.tagging.report import summarize
from organology.errors import CorpusError

STEMS_TABLE = "stems.parquet"
_NAMED = 20  # so many missing tracks are named one by one
_LENGTH_TOLERANCE = 0.02


@dataclass(frozen=True)
class TaggingConfig:
    """How a tagging corpus is prepared.

    Attributes
    ----------
    in_place : bool
        Leave the audio where and as it is.
    audio_format : {"flac", "wav"}
        Of the prepared audio.
    name : str
        Of the table's column `corpus`; "" for that of the reader.
    min_seconds : float
        Shorter tracks are left out.
    """

    in_place: bool = False
    audio_format: AudioFormat = "flac"
    name: str = ""
    min_seconds: float = 0.0


def prepare_tagging(
    corpus: TaggingCorpus,
    root: Path,
    out: Path,
    config: TaggingConfig | None = None,
    *,
    jobs: int = 1,
    strict: bool = False,
    listener: Listener | None = None,
    engine: SongEngine | None = None,
) -> Report:
    """Prepare a tagging corpus.

    Parameters
    ----------
    corpus : TaggingCorpus
    root : Path
        The folder as its publisher lays it out.
    out : Path
        The prepared corpus; tracks that an earlier run did are kept.
    config : TaggingConfig, optional
    jobs : int
        Tracks at once.
    strict : bool
        Raise at the first track that is refused or fails.
    listener : Listener, optional
    engine : callable, optional
        What converts the audio in place of `jobs` processes of this machine.

    Returns
    -------
    Report
        Also written into `out`, with the table.

    Raises
    ------
    CorpusError
        If `root` is not as the reader needs it, `out` lies in it, holds another corpus or cannot be written, no track
        is left, or `strict` says so.
    """
    config, listener = config or TaggingConfig(), listener or Listener()
    root, out = Path(root), Path(out)
    check_apart(root, out)
    if (out / STEMS_TABLE).exists():
        raise CorpusError(f"{out}: holds a prepared corpus of stems; choose another folder")
    issues = IssueLog(listener, strict)
    tracks = []
    for item in corpus.read(root):
        if isinstance(item, Issue):
            issues.add(item)
        else:
            tracks.append(item)
    present = [track for track in tracks if track.path.is_file()]
    for issue in _missing(tracks, present, root):
        issues.add(issue)
    sweep_prepared(out)
    base = shared_folder(present) if config.in_place else None
    engine = engine or partial(prepare_songs, jobs=jobs)
    convert = _converted(present, root, out, config, engine, listener)
    work = convert if base is None else look_at(present, base, out, jobs, listener)
    audio_of: dict[str, TrackAudio] = {}
    with closing(work):
        for track, track_audio in work:
            audio_of[track.track] = track_audio
            for issue in _issues(track, track_audio, root):
                issues.add(issue)
    usable = [track for track in present if audio_of[track.track].frames]
    long = [track for track in usable if audio_of[track.track].frames >= config.min_seconds * SAMPLE_RATE]
    if len(long) < len(usable):
        counts = f"{len(usable) - len(long)} of {len(usable)} tracks"
        issues.add(Issue("note", str(root), f"{counts} last less than {config.min_seconds:g} s"))
    rows = [_row(track, audio_of[track.track], config.name or corpus.name) for track in long]
    settings: dict[str, Any] = {
        "in_place": config.in_place,
        "audio_format": "" if config.in_place else config.audio_format,
        **({"min_seconds": config.min_seconds} if config.min_seconds else {}),
    }
    report = Report(config.name or corpus.name, settings, summarize(rows, corpus.tags), tuple(issues.all))
    report.write(out)
    if not rows:
        raise CorpusError(f"{root}: no track could be prepared; {out / 'report.json'} says why")
    from organology.corpora.tagging.table import write_tracks  # polars: not in the worker processes

    write_tracks(rows, out, config.name or corpus.name, corpus.tags, base)
    return report


def _missing(tracks: Sequence[SourceTrack], present: Sequence[SourceTrack], root: Path) -> Iterator[Issue]:
    there = {track.track for track in present}
    missing = [track for track in tracks if track.track not in there]
    if len(missing) <= _NAMED:
        for track in missing:
            yield Issue("failed", shown_path(track.path, root), "no such file", track.track)
        return
    listed = ", ".join(track.track for track in missing[:5])
    yield Issue("failed", str(root), f"{len(missing)} of {len(tracks)} tracks have no audio file: {listed}, ...")


def _converted(
    tracks: Sequence[SourceTrack], root: Path, out: Path, config: TaggingConfig, engine: SongEngine, listener: Listener
) -> Generator[tuple[SourceTrack, TrackAudio], None, None]:
    by_name = {track.track: track for track in tracks}
    names = safe_names(list(by_name))
    tasks = [
        task(name, names[name], [(name, track.path)], names, root, out, config.audio_format)
        for name, track in by_name.items()
    ]
    check_same_corpus(out, tasks)
    listener.started(len(tasks), sum(song.size for song in tasks))
    with closing(engine(tasks)) as done:
        for song, record in done:
            result = record.stems[song.song]
            gain = f"beyond full scale (peak {result.peak:.2f}), times {record.gain:.3f}" if record.gain != 1 else ""
            note = "; ".join(filter(None, (result.note, gain)))
            yield by_name[song.song], TrackAudio(song.stems[0].target, result.frames, result.error, note)
            listener.finished(song.song, song.size)
    forget_others(out, tasks)


def _issues(track: SourceTrack, track_audio: TrackAudio, root: Path) -> Iterator[Issue]:
    place = shown_path(track.path, root)
    if track_audio.error:
        yield Issue("failed", place, track_audio.error, track.track)
        return
    if track_audio.note:
        yield Issue("note", place, track_audio.note, track.track)
    seconds = track_audio.frames / SAMPLE_RATE
    if track.seconds and abs(seconds - track.seconds) > max(2.0, _LENGTH_TOLERANCE * track.seconds):
        yield Issue("note", place, f"lasts {seconds:.1f} s, its table says {track.seconds:.1f} s", track.track)


def _row(track: SourceTrack, track_audio: TrackAudio, corpus: str) -> dict[str, Any]:
    return {
        "corpus": corpus,
        "track": track.track,
        "artist": track.artist or track.track,
        "album": track.album,
        "path": track_audio.path,
        "split": track.split,
        "frames": track_audio.frames,
        "licence": track.licence,
        "tags": list(track.tags),
    }
