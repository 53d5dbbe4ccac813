"""What `take` says, done: stems with their rows of stems.csv, or files copied for the renderers."""

from __future__ import annotations

import random
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from gathering import grooves, layout
from gathering.download import matches
from gathering.manifest import Source, Take

Samples = NDArray[np.float32]
Row = dict[str, str]

DRUM_MIDI = "groove"
"""The source whose MIDI files drum kits are played from."""
DRUM_BEATS = "*_beat_*.mid"


@dataclass
class Made:
    """What came of a source: rows of stems.csv, files, seconds of audio, and a line for each failure."""

    rows: list[Row] = field(default_factory=list)
    files: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


def patterns_of(take: Take) -> list[str]:
    """The globs that a `take` reads."""
    return [*([take.files] if take.files else []), *(take.kit or {}).values()]


def build(source: Source, folder: Path, out: Path) -> Made:
    """Lay out everything that is taken of a source unpacked in `folder`."""
    made = Made()
    for take in source.take:
        handler = _COPIED.get(take.as_)
        if handler is not None:
            handler(source, take, folder, out, made)
        else:
            for song, stem, samples in _STEMS[take.as_](source, take, folder, out, made):
                _write(source, take, song, stem, samples, out, made)
    if not made.files and not made.failures:
        made.failures.append("nothing in it that the manifest asks for")
    return made


def found(take: Take, folder: Path, pattern: str = "") -> list[Path]:
    """The files of a `take`, sorted by path."""
    leave_out = re.compile(take.leave_out) if take.leave_out else None
    paths = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if (
            matches(relative, pattern or take.files)
            and path.is_file()
            and not (leave_out and leave_out.search(relative))
        ):
            paths.append(path)
    return paths


def _seed(source: Source, take: Take) -> int:
    return zlib.crc32(f"{source.name} {take.files} {take.stem}".encode())


def _songs(take: Take, paths: list[Path], folder: Path) -> dict[str, list[Path]]:
    """Files by what `group` finds in their path; one group without it."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        name = ""
        if take.group:
            match = re.search(take.group, path.relative_to(folder).as_posix())
            if not match:
                continue
            name = layout.slug(match[1])
        groups.setdefault(name, []).append(path)
    return groups


def _whole(source: Source, take: Take, folder: Path, _: Path, made: Made) -> Iterator[tuple[str, str, Samples]]:
    for song, paths in _songs(take, found(take, folder), folder).items():
        for path in paths:
            samples = layout.read(path, made.failures)
            if samples is not None and len(samples):
                name = take.stem if song and take.stem and len(paths) == 1 else layout.slug(path.stem)
                yield song or name, name, samples


def _join(source: Source, take: Take, folder: Path, _: Path, made: Made) -> Iterator[tuple[str, str, Samples]]:
    for song, paths in _songs(take, found(take, folder), folder).items():
        pieces = layout.join(
            paths, _seed(source, take), take.longest_seconds, take.file_seconds, take.even, made.failures
        )
        name = "_".join(filter(None, (take.stem, song))) or "notes"
        total = 0.0
        for number, samples in enumerate(pieces):
            yield f"{name}_{number:02d}", f"{name}_{number:02d}", samples
            total += len(samples) / layout.RATE
            if total >= take.minutes * 60:
                break


def _sum(source: Source, take: Take, folder: Path, _: Path, made: Made) -> Iterator[tuple[str, str, Samples]]:
    for song, paths in _songs(take, found(take, folder), folder).items():
        samples = layout.add_up(paths, made.failures)
        if len(samples):
            yield song or take.stem, take.stem, samples


def _groove(source: Source, take: Take, folder: Path, out: Path, made: Made) -> Iterator[tuple[str, str, Samples]]:
    midi = sorted((out / "midi" / DRUM_MIDI).rglob(DRUM_BEATS))
    if not midi:
        made.failures.append(f"needs the source {DRUM_MIDI} first: no {DRUM_BEATS} in {out / 'midi' / DRUM_MIDI}")
        return
    kit = grooves.read_kit({name: found(take, folder, glob) for name, glob in (take.kit or {}).items()}, made.failures)
    count = max(1, round(take.minutes * 60 / take.file_seconds))
    played = grooves.play(kit, midi, _seed(source, take), take.file_seconds, count, made.failures)
    for number, (name, samples) in enumerate(played):
        stem = f"{take.stem or 'kit'}_{number:02d}_{layout.slug(name)}"
        yield stem, stem, samples


def _write(source: Source, take: Take, song: str, stem: str, samples: Samples, out: Path, made: Made) -> None:
    relative = Path(source.name, song, f"{stem}.flac")
    path = out / "stems" / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(samples, -1, 1), layout.RATE, "PCM_16")
    made.rows.append(
        {
            "path": relative.as_posix(), "song": f"{source.name} {song}", "artist": source.by, "stem": stem,
            "families": "|".join(take.families), "instruments": "|".join(take.instruments),
            "mask": "|".join(take.mask), "kind": take.kind, "licence": source.licence,
            "aligned": str(take.aligned).lower(),
        }
    )  # fmt: skip
    made.files += 1
    made.seconds += len(samples) / layout.RATE


def _copy_to(place: str) -> Callable[[Source, Take, Path, Path, Made], None]:
    def copy(source: Source, take: Take, folder: Path, out: Path, made: Made) -> None:
        root = out / place / ("" if place == "soundfonts" else source.name)
        for path in found(take, folder):
            target = root / (path.name if place == "soundfonts" else path.relative_to(folder))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
            made.files += 1

    return copy


def _scores(source: Source, take: Take, folder: Path, out: Path, made: Made) -> None:
    """Scores as MIDI; those of one part are left out."""
    try:
        from music21 import converter
    except ImportError:
        made.failures.append("needs music21 (pip install music21)")
        return
    paths = found(take, folder)
    if take.count and take.count < len(paths):
        paths = sorted(random.Random(_seed(source, take)).sample(paths, take.count))
    target = out / "midi" / source.name
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        try:
            score = converter.parse(path)
            if len(score.parts) > 1:
                score.write("midi", target / f"{layout.slug(path.stem)}.mid")
                made.files += 1
        except Exception as error:  # music21 raises whatever it meets
            made.failures.append(f"{path.name}: {type(error).__name__}: {' '.join(str(error).split())[:120]}")


_STEMS = {"whole": _whole, "join": _join, "sum": _sum, "groove": _groove}
_COPIED = {
    "notes": _copy_to("notes"),
    "midi": _copy_to("midi"),
    "soundfont": _copy_to("soundfonts"),
    "recordings": _copy_to("recordings"),
    "scores": _scores,
}
