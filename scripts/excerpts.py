"""Songs made of excerpts of MIDI files: the folders take turns, and each song's stems go to a folder of its own."""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from organology.audio import SAMPLE_RATE
from organology.errors import OrganologyError
from organology.rendering.render import COLUMNS, write_rows

Samples = NDArray[np.float32]
Stems = dict[str, tuple[int, str, Samples]]
"""Stem name -> General MIDI program, licence, samples."""


def options(doc: str | None, songs: int, seconds: float) -> argparse.ArgumentParser:
    """The options that all scripts of this kind have."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--midi", nargs=2, action="append", required=True, metavar=("FOLDER", "LICENCE"))
    parser.add_argument("--soundfont", "-s", type=Path, action="append", required=True, help="for drums")
    parser.add_argument("--songs", type=int, default=songs)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def make_songs(
    out: Path,
    midi: Sequence[Sequence[str]],
    songs: int,
    kind: str,
    seed: int,
    rng: np.random.Generator,
    play: Callable[[Path], tuple[Stems, list[str]]],
) -> int:
    """Play `songs` excerpts and write them with their `stems.csv`; give the number of stems.

    Parameters
    ----------
    out : Path
        Songs that runs with other seeds put there stay in the table.
    midi : sequence of (folder, licence)
    songs : int
    kind : str
        Of stems.csv.
    seed : int
        In the names of the songs.
    rng : numpy Generator
    play : callable
        MIDI file -> stems and a line for each that was left out.
    """
    files = []
    for folder, licence in midi:
        paths = sorted(path for path in Path(folder).rglob("*") if path.suffix in (".mid", ".midi"))
        files.append([(paths[int(i)], licence) for i in rng.permutation(len(paths))])
    rows = _rows_of_other_seeds(out, seed)
    before = len(rows)
    # the folders take turns; one that is through begins again, with other excerpts
    for number in range(songs):
        of = files[number % len(files)]
        path, licence = of[number // len(files) % len(of)]
        song = f"{re.sub(r'[^a-z0-9]+', '-', path.stem.lower())}.{seed}.{number}"
        try:
            stems, left_out = play(path)
        except OrganologyError as error:
            stems, left_out = {}, [str(error)]
        for line in left_out:
            print(f"{song}: {line}", flush=True)
        for name, (program, by, samples) in stems.items():
            target = out / song / f"{name}.flac"
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, samples, SAMPLE_RATE, "PCM_16")
            values = (f"{song}/{name}.flac", song, path.stem, name, "general_midi", str(program), kind)
            rows.append(dict(zip(COLUMNS, (*values, f"{by}; MIDI {licence}", "true"), strict=True)))
        out.mkdir(parents=True, exist_ok=True)
        write_rows(out, rows)  # after each song: what a run cut off leaves can be prepared
    return len(rows) - before


def _rows_of_other_seeds(out: Path, seed: int) -> list[dict[str, str]]:
    table = out / "stems.csv"
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["song"].split(".")[-2] != str(seed)]
