"""The engine that prepares any corpus: songs in parallel, resumable, one fault one line.

A reader (`base.Corpus`) gives songs and their labels; here their audio is converted (`convert`, `records`), they are
split (`splits`), and `stems.parquet` and `report.json` are written. The table, the report and the audio depend on the
source, the settings and the seed alone, not on the number of jobs or on how often the run was stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from organology import audio
from organology.corpora.base import Corpus, SourceSong, SourceStem
from organology.corpora.conversion.activity import Interval, within
from organology.corpora.conversion.convert import AudioFormat, Converted
from organology.corpora.conversion.records import (
    Record,
    SongTask,
    check_same_corpus,
    forget_others,
    sweep_prepared,
    task,
)
from organology.corpora.conversion.workers import SongEngine, prepare_songs
from organology.corpora.issues import NOT_TEXT, Issue, IssueLog, Listener, check_apart, is_text
from organology.corpora.names import safe_names
from organology.corpora.report import Report, gaps, summarize
from organology.corpora.splits import FRACTIONS, SplitBy, SplitSong, assign, check_fractions
from organology.errors import CorpusError
from organology.labels import default_set

ALIGNED_TOLERANCE_SECONDS = 0.1


@dataclass(frozen=True)
class PrepareConfig:
    """How a corpus is prepared.

    Attributes
    ----------
    split : {"artist", "song"}
    fractions : (float, float, float)
        Of train, validation and test.
    seed : int
        Of the splits.
    audio_format : {"flac", "wav"}
    name : str
        Of the table's column `corpus`; "" for that of the reader.
    """

    split: SplitBy = "artist"
    fractions: tuple[float, float, float] = FRACTIONS
    seed: int = 0
    audio_format: AudioFormat = "flac"
    name: str = ""


def prepare(
    corpus: Corpus,
    root: Path,
    out: Path,
    config: PrepareConfig | None = None,
    *,
    jobs: int = 1,
    strict: bool = False,
    listener: Listener | None = None,
    engine: SongEngine | None = None,
) -> Report:
    """Prepare a corpus.

    Parameters
    ----------
    corpus : Corpus
    root : Path
        The folder as its publisher lays it out.
    out : Path
        The prepared corpus; songs that an earlier run did are kept.
    config : PrepareConfig, optional
    jobs : int
        Processes; one song each at a time.
    strict : bool
        Raise at the first stem that is refused or fails.
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
        If `root` is not as the reader needs it, `out` lies in it, holds another corpus or cannot be written, no stem
        is left, or `strict` says so.
    ConfigError
        If the fractions of the splits are not valid.
    """
    config, listener = config or PrepareConfig(), listener or Listener()
    check_fractions(config.fractions)
    root, out = Path(root), Path(out)
    check_apart(root, out)
    issues = IssueLog(listener, strict)
    songs = _read(corpus, root, issues)
    tasks = _tasks(songs, root, out, config)
    check_same_corpus(out, tasks)
    sweep_prepared(out)
    listener.started(len(tasks), sum(song.size for song in tasks))
    records: dict[str, Record] = {}
    with closing((engine or partial(prepare_songs, jobs=jobs))(tasks)) as done:
        for song, record in done:
            records[song.song] = record
            for issue in _issues_of(song, record):
                issues.add(issue)
            listener.finished(song.song, song.size)

    rows = _rows(corpus, songs, {song.song: song for song in tasks}, records, config)
    summary = summarize(rows)
    for issue in gaps(summary):
        issues.add(issue)
    settings = {
        "split": config.split,
        "fractions": list(config.fractions),
        "seed": config.seed,
        "audio_format": config.audio_format,
    }
    report = Report(config.name or corpus.name, settings, summary, tuple(issues.all))
    report.write(out)
    if not rows:
        raise CorpusError(f"{root}: no stem could be prepared; {out / 'report.json'} says why")
    from organology.corpora.table import write_table  # polars: not in the worker processes

    write_table(rows, out)
    forget_others(out, tasks)
    return report


def _read(corpus: Corpus, root: Path, issues: IssueLog) -> list[SourceSong]:
    songs: dict[str, SourceSong] = {}
    for item in corpus.read(root):
        if isinstance(item, Issue):
            issues.add(item)
        elif not is_text(item.song, item.artist, *(stem.stem + stem.word + stem.artist for stem in item.stems)):
            song = item.song.encode("utf-8", "replace").decode()
            issues.add(Issue("refused", song, NOT_TEXT, song))
        elif item.song in songs:
            issues.add(Issue("refused", item.song, "two songs of this name", item.song))
        elif item.stems:
            songs[item.song] = item
    return [songs[name] for name in sorted(songs)]


def _tasks(songs: Sequence[SourceSong], root: Path, out: Path, config: PrepareConfig) -> list[SongTask]:
    folders = safe_names([song.song for song in songs])
    tasks = []
    for song in songs:
        names = safe_names([stem.stem for stem in song.stems])
        stems = sorted((stem.stem, stem.path) for stem in song.stems)
        tasks.append(task(song.song, folders[song.song], stems, names, root, out, config.audio_format))
    return tasks


def _issues_of(song: SongTask, record: Record) -> Iterator[Issue]:
    for stem in song.stems:
        done = record.stems[stem.stem]
        if done.error:
            yield Issue("failed", stem.place, done.error, song.song, stem.stem)
        if done.note:
            yield Issue("note", stem.place, done.note, song.song, stem.stem)
    if record.gain != 1:
        peak = max(done.peak for done in record.stems.values())
        yield Issue(
            "note", song.song, f"beyond full scale (peak {peak:.2f}): all its stems times {record.gain:.3f}", song.song
        )


def _rows(
    corpus: Corpus,
    songs: Sequence[SourceSong],
    tasks: dict[str, SongTask],
    records: dict[str, Record],
    config: PrepareConfig,
) -> list[dict[str, Any]]:
    from organology.corpora.table import row

    splits = _splits(songs, config)
    rows = []
    for song in songs:
        done = records[song.song].stems
        targets = {stem.stem: stem.target for stem in tasks[song.song].stems}
        kept = [stem for stem in song.stems if done[stem.stem].frames]
        alike = _alike([done[stem.stem] for stem in kept])
        rows += [
            row(
                corpus=config.name or corpus.name,
                song=song.song,
                artist=stem.artist or song.artist,
                stem=stem.stem,
                path=targets[stem.stem],
                split=splits[song.song],
                frames=done[stem.stem].frames,
                active=_sounding(stem, done[stem.stem]),
                kind=stem.kind,
                aligned=alike if stem.aligned is None else stem.aligned,
                licence=stem.licence,
                word=stem.word,
                instruments=stem.instruments,
            )
            for stem in kept
        ]
    return rows


def _sounding(stem: SourceStem, done: Converted) -> Sequence[Interval]:
    """As measured, within what the publisher's annotations say, if they say it."""
    return done.active if stem.active is None else within(done.active, stem.active, audio.SAMPLE_RATE)


def _alike(stems: Sequence[Converted]) -> bool:
    """Whether there are several stems, all of one length: they share a time line."""
    lengths = [stem.frames for stem in stems]
    return len(lengths) > 1 and max(lengths) - min(lengths) <= ALIGNED_TOLERANCE_SECONDS * audio.SAMPLE_RATE


def _splits(songs: Sequence[SourceSong], config: PrepareConfig) -> dict[str, str]:
    """By all songs that the reader gave, so that a broken file does not move the others."""
    drawn = [
        SplitSong(song.song, song.artists or {song.song}, song.instruments.encode(default_set()), len(song.stems))
        for song in songs
        if not song.split
    ]
    splits = assign(drawn, config.fractions, config.seed, config.split) if drawn else {}
    return splits | {song.song: song.split for song in songs if song.split}
