"""Tiny prepared corpora for the tests of mixing, written as docs/architecture.md lays them out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from organology.corpora.table import row, write_table
from organology.labels import default_set

RATE = 32_000


@dataclass
class TestStem:
    """A stem to write: a tone in `active` (seconds), silence elsewhere."""

    __test__ = False
    song: str
    stem: str
    present: tuple[str, ...] = ("piano",)
    unknown: tuple[str, ...] = ()
    seconds: float = 6.0
    active: tuple[tuple[float, float], ...] = ((0.0, 6.0),)
    hertz: float = 440.0
    amplitude: float = 0.1
    kind: str = "performance"
    split: str = "train"
    aligned: bool = True
    suffix: str = "flac"


def tone(stem: TestStem) -> np.ndarray:
    frames = round(stem.seconds * RATE)
    samples = stem.amplitude * np.sin(2 * np.pi * stem.hertz * np.arange(frames) / RATE)
    gate = np.zeros(frames)
    for start, end in stem.active:
        gate[round(start * RATE) : round(end * RATE)] = 1
    return samples * gate


def write_corpus(folder: Path, name: str, stems: list[TestStem]) -> Path:
    rows = []
    for s in stems:
        path = folder / "audio" / s.song / f"{s.stem}.{s.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(s), RATE, "PCM_16")
        rows.append(
            row(
                corpus=name,
                song=s.song,
                stem=s.stem,
                path=path.relative_to(folder).as_posix(),
                split=s.split,
                frames=round(s.seconds * RATE),
                active=[(round(a * RATE), round(b * RATE)) for a, b in s.active],
                labels=default_set().encode_labels(s.present, s.unknown),
                kind=s.kind,
                aligned=s.aligned,
                word=s.present[0] if s.present else "",
            )
        )
    write_table(rows, folder)
    return folder
