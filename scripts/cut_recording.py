#!/usr/bin/env python3
"""Cut the examples that are real recordings (examples/*.ogg) from packages that hold them.

    apt install fretsonfire-songs-muldjord
    pip download --no-deps --no-binary :all: basic-pitch      # and unpack it: tests/resources/vocadito_14.wav
    python scripts/cut_recording.py mutilated-mime [FOLDER]
    python scripts/cut_recording.py vocadito-14 WAV

Licences: see examples/SOURCES.md.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from make_starter import EXAMPLE_QUALITY, ROOT, write_csv
from starter_music import ogg

from organology import audio
from organology.labels.bradl15 import BRADL15, LABELS


@dataclass(frozen=True)
class Recording:
    """A recording: its files, which are added up, what is cut from it, and what plays."""

    source: Path | None
    files: tuple[str, ...]
    start_seconds: float
    seconds: float
    present: tuple[str, ...]
    unknown: tuple[str, ...] = ()


RECORDINGS = {
    "mutilated-mime": Recording(
        Path("/usr/share/games/fretsonfire/data/songs/muldjord/mutilated_mime"),
        ("song.ogg", "guitar.ogg"),
        4.0,
        22.0,
        ("drums", "electric_guitar"),
        ("electric_bass",),  # a bass plays an octave below the guitar; its source does not say on what
    ),
    "vocadito-14": Recording(None, ("",), 0.0, 12.0, ("singer",)),
}
FADE_SECONDS = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=RECORDINGS)
    parser.add_argument("source", type=Path, nargs="?", help="the file, or the folder of the files")
    parser.add_argument("--out", type=Path, default=ROOT / "examples")
    arguments = parser.parse_args()
    recording = RECORDINGS[arguments.name]
    source = arguments.source or recording.source
    if source is None:
        parser.error(f"{arguments.name}: name its file")
    parts = [audio.read_mono(source / name) for name in recording.files]
    mixture = np.sum([part[: min(map(len, parts))] for part in parts], axis=0)
    start = round(recording.start_seconds * audio.SAMPLE_RATE)
    cut = mixture[start : start + round(recording.seconds * audio.SAMPLE_RATE)]
    ramp = np.linspace(0, 1, round(FADE_SECONDS * audio.SAMPLE_RATE), dtype=np.float32)
    cut[: len(ramp)] *= ramp
    cut[-len(ramp) :] *= ramp[::-1]
    cut *= 10 ** (-1 / 20) / np.abs(cut).max()
    name = f"{arguments.name}.ogg"
    ogg.write(arguments.out / name, cut.astype(np.float32), audio.SAMPLE_RATE, EXAMPLE_QUALITY, arguments.name)
    expected = arguments.out / "expected.csv"
    rows: list[dict[str, str]] = []
    if expected.exists():
        with expected.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["file"] != name]
    labels = BRADL15.encode_labels(recording.present, recording.unknown).tolist()
    rows.append({"file": name, **dict(zip(LABELS, map(str, labels), strict=True))})
    write_csv(expected, ("file", *LABELS), rows)


if __name__ == "__main__":
    main()
