#!/usr/bin/env python3
"""Compose and render the starter corpus (starter/) and our example recordings (examples/).

    python scripts/make_starter.py              # write both anew
    python scripts/make_starter.py --check      # do it in a temporary folder and compare with what is there

It needs fluidsynth and two SoundFonts under the MIT licence (Debian: fluid-soundfont-gm, musescore-general-soundfont).
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from starter_music import ogg
from starter_music.compose import Song, compose, read_book

from organology.atomic import written_whole
from organology.audio import SAMPLE_RATE
from organology.errors import OrganologyError
from organology.labels import Vocabulary
from organology.labels.bradl15 import BRADL15, LABELS
from organology.rendering.fluidsynth import Room, SoundFont, synthesize
from organology.rendering.midi import Part
from organology.rendering.song import COLUMNS, level

ROOT = Path(__file__).resolve().parent.parent
SOUNDFONTS = {
    "FluidR3_GM": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "MuseScore_General_Full": "/usr/share/sounds/sf3/MuseScore_General_Full.sf3",
}
LICENCE = "CC0-1.0; samples MIT ({soundfont})"
TAIL_SECONDS = 1.0
STEM_QUALITY, EXAMPLE_QUALITY = 0.0, 0.3
EVEN_LEVELS = 0.5
TOLERANCE = 0.02


def stems_of(song: Song, soundfonts: dict[str, Path]) -> dict[str, tuple[Part, NDArray[np.float32]]]:
    """Compose and play a song: name of the stem -> its part and samples (float32, shape (frames,))."""
    font = SoundFont.open(soundfonts[song.soundfont])
    score = compose(song)
    vocabulary = Vocabulary.load("general_midi")
    parts = {}
    for part in score.parts:
        if not font.plays(part.program):
            raise OrganologyError(f"{font.path}: no program {part.program}, which {song.title} needs")
        name = "-".join(vocabulary[str(part.program)].note.lower().replace("(", "").replace(")", "").split())
        parts[f"{part.track}-{name}"] = part
    seconds = score.seconds + TAIL_SECONDS
    audio = {name: synthesize(part, font.path, seconds, Room()) for name, part in parts.items()}
    silent: list[str] = []
    levelled = level(audio, silent, EVEN_LEVELS)
    if silent:
        raise OrganologyError(f"{song.title}: {'; '.join(silent)}")
    fade = np.ones(round(seconds * SAMPLE_RATE), dtype=np.float32)
    fade[-SAMPLE_RATE // 2 :] = np.linspace(1, 0, SAMPLE_RATE // 2, dtype=np.float32)
    return {name: (parts[name], samples * fade) for name, samples in levelled.items()}


def make_song(song: Song, soundfonts: dict[str, Path], starter: Path) -> list[dict[str, str]]:
    """Write the stems of a song of the corpus; their rows of stems.csv."""
    rows = []
    for name, (part, samples) in stems_of(song, soundfonts).items():
        path = f"{song.name}/{name}.ogg"
        ogg.write(starter / path, samples, SAMPLE_RATE, STEM_QUALITY, path)
        licence = LICENCE.format(soundfont=song.soundfont)
        values = (path, song.name, song.artist, name, "general_midi", str(part.program), "rendered", licence, "true")
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def make_example(song: Song, soundfonts: dict[str, Path], examples: Path) -> dict[str, str]:
    """Write an example recording, all parts added up; its row of expected.csv (1 plays, 0 does not, -1 unknown)."""
    stems = stems_of(song, soundfonts)
    mixture = np.sum([samples for _, samples in stems.values()], axis=0)
    mixture *= 10 ** (-1 / 20) / np.abs(mixture).max()
    ogg.write(examples / f"{song.name}.ogg", mixture.astype(np.float32), SAMPLE_RATE, EXAMPLE_QUALITY, song.name)
    vocabulary = Vocabulary.load("general_midi")
    labels = BRADL15.union([vocabulary[str(part.program)].encode(BRADL15) for part, _ in stems.values()])
    return {"file": f"{song.name}.ogg", **dict(zip(LABELS, map(str, labels.tolist()), strict=True))}


def write_csv(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_corpus(root: Path, soundfonts: dict[str, Path], pool: ThreadPoolExecutor) -> list[Path]:
    """Write the corpus under `root`; its audio files, relative to it."""
    songs = [song for song in read_book() if not song.example]
    rows = [row for song in pool.map(lambda s: make_song(s, soundfonts, root / "starter"), songs) for row in song]
    write_csv(root / "starter" / "stems.csv", COLUMNS, rows)
    return [Path("starter", row["path"]) for row in rows]


def make_examples(root: Path, soundfonts: dict[str, Path], pool: ThreadPoolExecutor) -> list[Path]:
    """Write our examples under `root`; their files, relative to it."""
    songs = [song for song in read_book() if song.example]
    expected = list(pool.map(lambda s: make_example(s, soundfonts, root / "examples"), songs))
    listed = root / "examples" / "expected.csv"
    ours = {row["file"] for row in expected}
    if listed.exists():  # recordings that are not made here keep their rows
        with listed.open(newline="", encoding="utf-8") as file:
            expected += [row for row in csv.DictReader(file) if row["file"] not in ours]
    write_csv(listed, ("file", *LABELS), expected)
    return [Path("examples", file) for file in sorted(ours)]


def make_all(root: Path, soundfonts: dict[str, Path], jobs: int, examples_only: bool = False) -> list[Path]:
    """Write corpus and examples under `root`; the audio files, relative to it."""
    with ThreadPoolExecutor(jobs) as pool:
        files = [] if examples_only else make_corpus(root, soundfonts, pool)
        return files + make_examples(root, soundfonts, pool)


def compare(made: Path, there: Path) -> str:
    """How two audio files differ: "" if they hold the same bytes, else one line."""
    if not there.exists():
        return "missing"
    if made.read_bytes() == there.read_bytes():
        return ""
    a, b = soundfile.read(made, dtype="float32")[0], soundfile.read(there, dtype="float32")[0]
    if len(a) != len(b):
        return f"{len(b)} samples, made anew {len(a)}"
    difference = float(np.sqrt(np.square(a - b).mean()))
    return f"differs by {difference:.2g} RMS" + (" (another fluidsynth or Vorbis)" if difference < TOLERANCE else "")


def check(root: Path, soundfonts: dict[str, Path], jobs: int) -> int:
    """Make everything in a temporary folder and compare; exit status."""
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        files = make_all(Path(folder), soundfonts, jobs)
        for file in files:
            difference = compare(Path(folder, file), root / file)
            if difference:
                print(f"{file}: {difference}")
                status = max(status, 0 if difference.endswith("Vorbis)") else 1)
        made, there = (Path(place, "starter", "stems.csv").read_text("utf-8") for place in (folder, root))
        if made != there:
            print("starter/stems.csv: differs")
            status = 1
    print(f"{len(files)} files compared")
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder that holds starter/ and examples/")
    parser.add_argument("--check", action="store_true", help="compare with what is there instead of writing")
    parser.add_argument("--examples-only", action="store_true", help="leave starter/ as it is")
    parser.add_argument("--jobs", type=int, default=2)
    for name, path in SOUNDFONTS.items():
        parser.add_argument(f"--{name.lower().replace('_', '-')}", dest=name, type=Path, default=Path(path))
    arguments = parser.parse_args()
    soundfonts = {name: getattr(arguments, name) for name in SOUNDFONTS}
    try:
        if arguments.check:
            return check(arguments.root, soundfonts, arguments.jobs)
        files = make_all(arguments.root, soundfonts, arguments.jobs, arguments.examples_only)
    except OrganologyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    size = sum((arguments.root / file).stat().st_size for file in files if file.parts[0] == "starter")
    print(f"{len(files)} files" + (f"; starter: {size / 1e6:.1f} MB" if size else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
