#!/usr/bin/env python3
"""Compose bands around instruments that other corpora have too little of, and play them.

    python scripts/compose_bands.py --out bands --songs 80 -s FluidR3_GM.sf2 -s MuseScore_General_Full.sf3 \
        [--guitars NOTES] [--seed 0]

Each song is a rhythm section (drums, bass) with clean and muted rhythm guitar, strummed or picked acoustic guitar,
electric piano, organ or brass over it, written by the composer of the starter corpus (`starter_music`) from a drawn
key, tempo, progression and figures, and played by fluidsynth. With --guitars, the guitars of two songs in three are
played with recorded notes: NOTES holds `SET/.../NAME_a3_....wav` for the sets of `GUITARS`. Output is a folder for
`organology prepare stems`. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from note_files import read_from_onset
from numpy.typing import NDArray
from starter_music import compose, tonal

from organology.audio import SAMPLE_RATE
from organology.errors import OrganologyError
from organology.labels import Vocabulary
from organology.rendering.fluidsynth import Room, SoundFont, synthesize
from organology.rendering.midi import DRUM_PROGRAM, Part
from organology.rendering.render import COLUMNS, write_rows
from organology.rendering.song import level

Samples = NDArray[np.float32]

LICENCE = "CC0-1.0; samples {of}"
EVEN_LEVELS = 0.6
TAIL_SECONDS = 1.0
SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}

# recorded guitars: folders, programs that they may play, MIDI number of their c0, licence
GUITARS: dict[str, tuple[tuple[str, ...], tuple[int, ...], int, str]] = {
    "gretsch": (("blackgreen/Samples/green/ord",), (26, 27), 0, "CC0-1.0 (Karoryfer, Black And Green Guitars)"),
    "hofner": (("blackgreen/Samples/black/ord",), (26, 27), 0, "CC0-1.0 (Karoryfer, Black And Green Guitars)"),
    "gretsch-muted": (("blackgreen/Samples/green/stac",), (28,), 0, "CC0-1.0 (Karoryfer, Black And Green Guitars)"),
    "hofner-muted": (("blackgreen/Samples/black/stac",), (28,), 0, "CC0-1.0 (Karoryfer, Black And Green Guitars)"),
    "shiny-electric": (("shiny/Samples/electric",), (26, 27), 12, "CC0-1.0 (Karoryfer, Shinyguitar)"),
    "shiny-acoustic": (("shiny/Samples/acoustic",), (25,), 12, "CC0-1.0 (Karoryfer, Shinyguitar)"),
}

tonal.COMPS.update(
    chuck=tuple((i / 4, 0.14) for i in (0, 2, 3, 6, 7, 10, 11, 13, 14)),
    upstrokes=((0.5, 0.2), (1.5, 0.2), (2.5, 0.2), (3.5, 0.2), (3.75, 0.14)),
    syncopated=((0, 0.3), (0.75, 0.3), (1.5, 0.3), (2.5, 0.7), (3.5, 0.3)),
)
STYLES = {
    # drums, basses, feels, swing
    "rock": (("rock", "pop", "train"), ("eighths", "dotted", "halves"), ("riff", "lively"), 0.0),
    "funk": (("funk", "pop"), ("funk", "sixteenths", "octaves"), ("riff", "running"), 0.0),
    "reggae": (("reggae",), ("reggae", "dotted"), ("lively", "broad"), 0.06),
    "ballad": (("ballad", "shaker"), ("whole", "halves"), ("broad",), 0.0),
    "swing": (("swing",), ("walking",), ("swing",), 0.14),
    "dance": (("dance", "synth"), ("octaves", "eighths"), ("lively", "riff"), 0.0),
}
# what is played over the rhythm section: weight, programs, (role, figures)
COMPING = ("comp", ("quarters", "pop", "charleston", "offbeats", "skank", "funk", "syncopated", "upstrokes", "halves"))
CHUCKING = ("comp", ("chuck", "funk", "upstrokes", "offbeats", "skank", "syncopated"))
PICKING = ("pick", ("eighths", "travis", "up", "sixteenths"))
Roles = tuple[tuple[str, tuple[str, ...]], ...]
OVER: dict[str, tuple[float, tuple[int, ...], Roles]] = {
    "muted guitar": (3.0, (28,), (CHUCKING, ("power", ("chug", "gallop", "push")), PICKING)),
    "clean guitar": (3.0, (27, 27, 26), (CHUCKING, COMPING, PICKING, ("strum", ("folk", "train")))),
    "acoustic guitar": (3.0, (24, 25), (("strum", ("folk", "train", "slow")), PICKING, ("pick", ("roll", "triplets")))),
    "electric piano": (2.5, (4, 5), (COMPING, ("two_hands", COMPING[1]), ("tune", ("",)))),
    "organ": (2.5, (16, 17, 18, 19), (("pad", ("",)), COMPING, ("tune", ("",)))),
    "trumpet": (2.0, (56, 56, 59), (("tune", ("",)), ("answer", ("",)), ("second", ("",)))),
    "brass": (1.5, (57, 60, 61), (("answer", ("",)), COMPING, ("voice", ("2 offbeat", "1 held")))),
    "piano": (0.8, (0, 1), (("two_hands", COMPING[1]),)),
    "flute": (0.4, (73, 71, 65), (("tune", ("",)),)),
    "violin": (0.4, (40,), (("tune", ("",)),)),
}
ALONE = 0.12
PROGRESSIONS = (
    "1 5 6 4", "1 6 4 5", "1 4 5 4", "6 4 1 5", "1 4 1 5", "17 67 27 57", "27 57 17 67", "1 7 4 1", "1 6 3 7",
    "1 3 4 5", "1 1 4 4", "1 6 7 1", "1 4 6 5", "17 47 17 57", "1 5 6 3 4 1 4 5",
)  # fmt: skip


def draw_song(seed: int, number: int) -> compose.Song:
    """An entry as `songs.yaml` has them, drawn."""
    rng = np.random.default_rng([seed, number])

    def one(items):
        return items[int(rng.integers(len(items)))]

    grooves, basses, feels, swing = STYLES[one(list(STYLES))]
    names, weights = list(OVER), np.array([entry[0] for entry in OVER.values()])
    chosen = rng.choice(len(names), size=int(rng.integers(1, 4)), replace=False, p=weights / weights.sum())
    players = []
    if rng.random() >= ALONE:
        kit = int(one((0, 8, 16, 25, 32, 40))) if rng.random() < 0.5 else 0
        players += [
            compose.Player(DRUM_PROGRAM, "drums", one(grooves), kit=kit, level=float(rng.uniform(-2, 2))),
            compose.Player(int(one((33, 33, 34, 36, 32))), "bass", one(basses)),
        ]
    for name in (names[i] for i in chosen):
        _, programs, roles = OVER[name]
        role, figures = one(roles)
        players.append(compose.Player(int(one(programs)), role, one(figures), level=float(rng.uniform(-4, 2))))
    return compose.Song(
        title=f"Band {seed} {number}", artist=f"Band {seed} {number}", key=one(list(compose.KEYS)),
        mode=one(("major", "minor", "dorian", "mixolydian")), bpm=float(rng.uniform(72, 150)),
        progression=one(PROGRESSIONS), players=tuple(players), feel=one(feels), swing=swing,
    )  # fmt: skip


class Guitar:
    """Recorded notes of one guitar: MIDI pitch -> files."""

    def __init__(self, root: Path, folders: tuple[str, ...], c0: int) -> None:
        self.notes: dict[int, list[Path]] = {}
        for path in sorted(path for folder in folders for path in (root / folder).glob("*.wav")):
            found = re.search(r"(?:^|_)([a-g])(b?)(\d)_", path.stem)
            if found and "release" not in path.stem and len(_read(path)):
                pitch = SEMITONES[found[1]] - bool(found[2]) + 12 * int(found[3]) + c0
                self.notes.setdefault(pitch, []).append(path)

    def play(self, part: Part, seconds: float, rng: np.random.Generator) -> Samples:
        """A part: float32, shape (frames,). Louder takes for louder notes, another take each time."""
        stem = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
        there = np.array(sorted(self.notes))
        middle, shift = np.median([note.pitch for note in part.notes]), 0
        while middle + shift > there[-1] - 5:
            shift -= 12
        for note in part.notes:
            pitch = int(there[np.abs(there - note.pitch - shift).argmin()])
            if abs(pitch - note.pitch - shift) > 4:
                continue
            takes = self.notes[pitch]
            sound = _read(takes[int(rng.integers(len(takes)))])
            if pitch != note.pitch + shift:
                sound = soxr.resample(sound, SAMPLE_RATE * 2 ** ((note.pitch + shift - pitch) / 12), SAMPLE_RATE)
            first = max(0, round(note.start * SAMPLE_RATE))
            held = min(len(sound), round((note.end - note.start + 0.05) * SAMPLE_RATE), len(stem) - first)
            if held < 400:
                continue
            fade = min(held, 1600)
            sound = sound[:held] * np.float32((note.velocity / 100) ** 1.5 / np.abs(sound).max())
            sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
            stem[first : first + held] += sound
        return stem


@lru_cache(maxsize=6000)
def _read(path: Path) -> Samples:
    """A note at 32 kHz from its onset; empty where the file cannot be read (a copy of a repository may lack some)."""
    try:
        return read_from_onset(path, share=0.05, longest=5 * SAMPLE_RATE)
    except soundfile.LibsndfileError:
        return np.zeros(0, dtype=np.float32)


def play_song(
    song: compose.Song, number: int, seed: int, fonts: list[SoundFont], guitars: dict[str, Guitar]
) -> tuple[dict[str, tuple[Part, str, Samples]], list[str]]:
    """Stem name -> part, what played it, samples; and what was left out."""
    rng = np.random.default_rng([seed, number, 1])
    score = compose.compose(song, seed)
    seconds = score.seconds + TAIL_SECONDS
    font = fonts[int(rng.integers(len(fonts)))]
    room = Room(size=float(rng.uniform(0.05, 0.7)), damping=float(rng.random()), level=float(rng.uniform(0, 0.9)))
    recorded = rng.random() < 2 / 3
    vocabulary = Vocabulary.load("general_midi")
    played: dict[str, tuple[Part, str, Samples]] = {}
    for part in score.parts:
        name = f"{part.track}-" + "-".join(re.findall(r"[a-z0-9]+", vocabulary[str(part.program)].note.lower()))
        fitting = [key for key in guitars if recorded and part.program in GUITARS[key][1] and guitars[key].notes]
        if fitting:
            key = fitting[int(rng.integers(len(fitting)))]
            played[name] = (part, key, guitars[key].play(part, seconds, rng))
        elif font.plays(part.program):
            played[name] = (part, font.path.stem, synthesize(part, font.path, seconds, room))
    silent: list[str] = []
    # the even levels of `level` know nothing of how loud a recorded note is: bring those to the others first
    others = [float(np.abs(s).max()) for _, of, s in played.values() if of not in guitars and s.any()]
    for name, (part, of, samples) in played.items():
        if of in guitars and others and samples.any():
            gain = np.median(others) * 10 ** (rng.uniform(-6, 2) / 20) / np.abs(samples).max()
            played[name] = (part, of, samples * np.float32(gain))
    levels = level({name: samples for name, (_, _, samples) in played.items()}, silent, EVEN_LEVELS)
    return {name: (played[name][0], played[name][1], samples) for name, samples in levels.items()}, silent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--soundfont", "-s", type=Path, action="append", required=True)
    parser.add_argument("--songs", type=int, default=80)
    parser.add_argument("--guitars", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    fonts = [SoundFont.open(path) for path in given.soundfont]
    guitars = {
        name: Guitar(given.guitars, folders, c0) for name, (folders, _, c0, _) in GUITARS.items() if given.guitars
    }
    rows: list[dict[str, str]] = []
    for number in range(given.songs):
        song = draw_song(given.seed, number)
        stems, left_out = play_song(song, number, given.seed, fonts, guitars)
        for line in left_out:
            print(f"{song.name}: {line}")
        for name, (part, of, samples) in stems.items():
            path = given.out / song.name / f"{name}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, samples, SAMPLE_RATE, "PCM_16")
            licence = LICENCE.format(of=GUITARS[of][3] if of in GUITARS else of)
            kind = "phrases" if of in GUITARS else "rendered"
            values = (
                f"{song.name}/{name}.flac",
                song.name,
                song.artist,
                name,
                "general_midi",
                str(part.program),
                kind,
                licence,
                "true",
            )
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    write_rows(given.out, rows)
    print(f"{len(rows)} stems of {given.songs} songs in {given.out}")


if __name__ == "__main__":
    try:
        main()
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
