"""Tracks that stay where they are: looked at once, then read by seeking."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from organology.atomic import written_whole
from organology.audio import SAMPLE_RATE
from organology.corpora.issues import Listener
from organology.corpora.tagging.base import SourceTrack
from organology.corpora.tagging.seek import probe
from organology.errors import one_line, show_traceback

JOURNAL = ".looked_at.jsonl"


@dataclass(frozen=True)
class TrackAudio:
    """What is known of a track's audio.

    Attributes
    ----------
    path : str
        In the table.
    frames : int
        At 32 kHz; 0 if it failed.
    error, note : str
        Why it failed; what is worth saying.
    """

    path: str
    frames: int = 0
    error: str = ""
    note: str = ""


def shared_folder(tracks: Sequence[SourceTrack]) -> Path | None:
    """The deepest folder that holds all tracks; None if there are none."""
    folders = [track.path.resolve().parent for track in tracks]
    if not folders:
        return None
    shared = folders[0]
    while not all(folder.is_relative_to(shared) for folder in folders):
        shared = shared.parent
    return shared


def look_at(
    tracks: Sequence[SourceTrack], base: Path, out: Path, jobs: int, listener: Listener
) -> Generator[tuple[SourceTrack, TrackAudio], None, None]:
    """The audio of tracks that stay in place.

    A journal in `out`, one line a track, keeps them for a later run; a track that failed is looked at again.

    Parameters
    ----------
    tracks : sequence of SourceTrack
        Whose audio is there.
    base : Path
        Resolved; their paths are given relative to it.
    out : Path
    jobs : int
        Threads.
    listener : Listener
    """
    journal = out / JOURNAL
    known, kept, todo = _read_journal(journal), {}, []
    for track in tracks:
        key = _key(track)
        if known.get(track.track, {}).get("key") == key and not known[track.track]["outcome"]["error"]:
            kept[track.track] = {"key": key, "outcome": known[track.track]["outcome"]}
        else:
            todo.append((track, key))
    listener.started(len(tracks), len(tracks))
    for track in tracks:
        if track.track in kept:
            yield track, TrackAudio(**kept[track.track]["outcome"])
            listener.finished(track.track, 1)
    out.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(max(jobs, 1))
    try:
        with journal.open("a", encoding="utf-8") as file:
            file.write("\n")  # after a line that a kill cut off
            futures = {pool.submit(_probe, track, base): (track, key) for track, key in todo}
            for future in as_completed(futures):
                track, key = futures[future]
                kept[track.track] = {"key": key, "outcome": asdict(future.result())}
                file.write(json.dumps({"track": track.track, **kept[track.track]}, allow_nan=False) + "\n")
                file.flush()
                yield track, future.result()
                listener.finished(track.track, 1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    with written_whole(journal) as temporary:
        text = "".join(json.dumps({"track": name, **kept[name]}, allow_nan=False) + "\n" for name in sorted(kept))
        temporary.write_text(text, encoding="utf-8")


def _probe(track: SourceTrack, base: Path) -> TrackAudio:
    path = track.path.resolve().relative_to(base).as_posix()
    try:
        seconds, note = probe(track.path)
    except Exception as error:
        show_traceback(error)
        return TrackAudio(path, 0, one_line(error).removeprefix(f"{track.path}: "))
    return TrackAudio(path, round(seconds * SAMPLE_RATE), "" if seconds else "no samples in it", note)


def _key(track: SourceTrack) -> list[Any]:
    status = track.path.stat()
    return [str(track.path.resolve()), status.st_size, status.st_mtime_ns]


def _read_journal(path: Path) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    if not path.is_file():
        return entries
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            TrackAudio(**entry["outcome"])
            entries[entry["track"]] = {"key": entry["key"], "outcome": entry["outcome"]}
        except (ValueError, KeyError, TypeError):
            continue  # cut off, or of another version
    return entries
