#!/usr/bin/env python3
"""Cut the example that is a real recording (examples/mutilated-mime.ogg) from a Debian package.

    apt install fretsonfire-songs-muldjord
    python scripts/cut_recording.py

The package holds the guitar and the rest of the band as two files, which are added up. CC BY-SA 3.0: see
examples/SOURCES.md.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from make_starter import EXAMPLE_QUALITY, ROOT, write_csv
from starter_music import ogg

from organology import audio
from organology.taxonomy import LABELS, encode

SONG = Path("/usr/share/games/fretsonfire/data/songs/muldjord/mutilated_mime")
START_SECONDS, SECONDS, FADE_SECONDS = 4.0, 22.0, 0.5
PRESENT = ("drums", "electric_guitar")
UNKNOWN = ("electric_bass",)  # a bass plays an octave below the guitar; its source does not say on what


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--song", type=Path, default=SONG, help="folder with song.ogg and guitar.ogg")
    parser.add_argument("--out", type=Path, default=ROOT / "examples")
    arguments = parser.parse_args()
    parts = [audio.read_mono(arguments.song / name) for name in ("song.ogg", "guitar.ogg")]
    mixture = np.sum([part[: min(map(len, parts))] for part in parts], axis=0)
    start = round(START_SECONDS * audio.SAMPLE_RATE)
    cut = mixture[start : start + round(SECONDS * audio.SAMPLE_RATE)]
    ramp = np.linspace(0, 1, round(FADE_SECONDS * audio.SAMPLE_RATE), dtype=np.float32)
    cut[: len(ramp)] *= ramp
    cut[-len(ramp) :] *= ramp[::-1]
    cut *= 10 ** (-1 / 20) / np.abs(cut).max()
    name = "mutilated-mime.ogg"
    ogg.write(arguments.out / name, cut.astype(np.float32), audio.SAMPLE_RATE, EXAMPLE_QUALITY, "mutilated-mime")
    expected = arguments.out / "expected.csv"
    rows: list[dict[str, str]] = []
    if expected.exists():
        with expected.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["file"] != name]
    labels = encode(PRESENT, UNKNOWN).tolist()
    rows.append({"file": name, **dict(zip(LABELS, map(str, labels), strict=True))})
    write_csv(expected, ("file", *LABELS), rows)


if __name__ == "__main__":
    main()
