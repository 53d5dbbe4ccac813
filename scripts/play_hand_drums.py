#!/usr/bin/env python3
"""Play hand drums and small percussion from recorded strokes: stems that hold percussion and no drum kit.

    python scripts/gather_corpus.py --out gathered --only sonicpi-tabla --only gimme-a-hand --only circafrique
    python scripts/play_hand_drums.py gathered/notes --out hand_drums --songs 120 [-s FluidR3_GM.sf2] [--seed 0]

Each song is one to four of the players of `hand_drums/players.yaml` at one tempo: tabla, djembes, dununs, bongos,
cajon, shakers, claves and, with --soundfont, the congas, timbales, agogo, cabasa, guiro, cuica and triangle of a
SoundFont's drum kit. A player plays patterns of the instrument, or strokes as they come, with a tuning, a strength and
a timing of its own. Output is a folder for `organology prepare stems`. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import soxr
from note_files import read_from_onset
from numpy.typing import NDArray

from organology import config
from organology.audio import SAMPLE_RATE
from organology.errors import OrganologyError
from organology.rendering.fluidsynth import Room, SoundFont, synthesize
from organology.rendering.midi import DRUM_PROGRAM, Note, Part
from organology.rendering.render import COLUMNS, write_rows

Samples = NDArray[np.float32]
Strokes = list[tuple[float, str, float]]
"""Start in seconds, name of the stroke, strength from 0 to 1."""

PLAYERS = Path(__file__).parent / "hand_drums" / "players.yaml"
PEAK_DB = (-9.0, -3.0)
ALONE = 0.45
FREE = 0.3
BARS_A_PATTERN = (1, 2, 4, 4, 8)


@dataclass(frozen=True)
class Player:
    """What one musician plays; the fields are explained in players.yaml."""

    __pydantic_config__ = config.FORBID
    name: str
    strokes: dict[str, tuple[str, ...] | int]
    patterns: tuple[str, ...]
    beats: tuple[int, ...] = ()
    licence: str = ""
    share: float = 1.0

    @property
    def plays_kit(self) -> bool:
        """Whether a SoundFont's drum kit plays it, and no recorded strokes."""
        return all(isinstance(takes, int) for takes in self.strokes.values())

    def __post_init__(self) -> None:
        words = {name for pattern in self.patterns for word in pattern.split() for name in word.split("+")}
        if unknown := words - {"-"} - set(self.strokes):
            raise ValueError(f"{self.name}: no such stroke: {', '.join(sorted(unknown))}")
        if not self.plays_kit and any(isinstance(takes, int) for takes in self.strokes.values()):
            raise ValueError(f"{self.name}: recorded strokes and notes of a drum kit in one player")
        if self.beats and len(self.beats) != len(self.patterns):
            raise ValueError(f"{self.name}: {len(self.beats)} beats for {len(self.patterns)} patterns")


@dataclass(frozen=True)
class Band:
    """players.yaml."""

    __pydantic_config__ = config.FORBID
    players: tuple[Player, ...]


def strokes(player: Player, bpm: float, seconds: float, swing: float, rng: np.random.Generator) -> Strokes:
    """What a player plays: patterns, each for some bars, or strokes as they come."""
    played: Strokes = []
    names, beat, time = list(player.strokes), 60 / bpm, 0.0
    strength = float(rng.uniform(0.5, 0.9))
    while time < seconds:
        bars = int(rng.choice(BARS_A_PATTERN))
        if rng.random() < FREE:
            steps = int(rng.choice([2, 3, 4, 4, 6])) * 4
            density = float(rng.uniform(0.3, 0.9))
            pattern = [str(rng.choice(names)) if rng.random() < density else "-" for _ in range(steps)]
            beats = 4
        else:
            which = int(rng.integers(len(player.patterns)))
            pattern, beats = player.patterns[which].split(), player.beats[which] if player.beats else 4
        step = beats * beat / len(pattern)
        for _ in range(bars):
            for place, word in enumerate(pattern):
                late = swing * step if place % 2 else 0.0
                start = time + place * step + late + float(rng.normal(0, 0.006))
                if word == "-" or rng.random() < 0.03:
                    continue
                accent = 1.0 if place % 4 == 0 else 0.8
                for name in word.split("+"):
                    loud = float(np.clip(strength * accent + rng.normal(0, 0.1), 0.1, 1))
                    if 0 <= start < seconds:
                        played.append((start, name, loud))
            time += beats * beat
    return played


@lru_cache(maxsize=2000)
def _read(path: Path) -> Samples:
    """A stroke at 32 kHz, from its onset, at a peak of 1."""
    stroke = read_from_onset(path, share=0.03)
    return stroke / np.abs(stroke).max(initial=0) if len(stroke) else stroke


def play_recorded(
    takes: Mapping[str, Sequence[Path]], played: Strokes, seconds: float, rng: np.random.Generator
) -> Samples:
    """Strokes played with recorded ones, all tuned alike: shape (frames,)."""
    stem = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    tuning = 2 ** (rng.uniform(-3, 3) / 12)
    tuned: dict[Path, Samples] = {}
    for start, name, loud in played:
        path = takes[name][int(rng.integers(len(takes[name])))]
        if path not in tuned:
            tuned[path] = soxr.resample(_read(path), SAMPLE_RATE * tuning, SAMPLE_RATE)
        first = round(start * SAMPLE_RATE)
        sound = tuned[path][: len(stem) - first]
        stem[first : first + len(sound)] += sound * np.float32(loud**1.5)
    return stem


def play_kit(player: Player, played: Strokes, seconds: float, font: SoundFont, room: Room) -> Samples:
    """Strokes played with a SoundFont's drum kit."""
    notes = [
        Note(start, start + 0.2, int(player.strokes[name]), round(40 + 80 * loud))
        for start, name, loud in sorted(played)
    ]
    return synthesize(Part(0, 9, DRUM_PROGRAM, tuple(notes)), font.path, seconds, room)


def find(notes: Path, fonts: Sequence[SoundFont]) -> list[tuple[Player, dict[str, list[Path]]]]:
    """Players that can play, and their recorded strokes by name (none for those of a drum kit)."""
    there: list[tuple[Player, dict[str, list[Path]]]] = []
    for player in config.parse(config.read_yaml(PLAYERS), Band, str(PLAYERS)).players:
        if player.plays_kit:
            if fonts:
                there.append((player, {}))
            continue
        takes = {
            mark: [path for glob in globs for path in sorted(notes.glob(glob))]
            for mark, globs in player.strokes.items()
        }
        if all(takes.values()):
            there.append((player, takes))
        else:
            print(f"{player.name}: strokes are missing in {notes}; goes on without it", flush=True)
    return there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--soundfont", "-s", type=Path, action="append", default=[])
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    fonts = [SoundFont.open(path) for path in given.soundfont]
    there = find(given.notes, fonts)
    if not there:
        raise SystemExit(f"{given.notes}: no recorded strokes, and no SoundFont given")
    shares = np.array([player.share for player, _ in there])
    rows = []
    for number in range(given.songs):
        rng = np.random.default_rng([given.seed, number])
        song, bpm, swing = f"hands-{given.seed}-{number}", float(rng.uniform(65, 175)), float(rng.choice([0, 0, 0.15]))
        players = 1 if rng.random() < ALONE else int(rng.integers(2, 5))
        chosen = rng.choice(len(there), size=min(players, len(there)), replace=False, p=shares / shares.sum())
        room = Room(size=float(rng.uniform(0.05, 0.7)), damping=float(rng.random()), level=float(rng.uniform(0, 0.9)))
        for player, takes in (there[int(place)] for place in chosen):
            played = strokes(player, bpm, given.seconds - 1, swing, rng)
            if player.plays_kit:
                font = fonts[int(rng.integers(len(fonts)))]
                stem = play_kit(player, played, given.seconds, font, room)
                licence = f"CC0-1.0; samples {font.path.stem}"
            else:
                stem, licence = play_recorded(takes, played, given.seconds, rng), player.licence
            peak = float(np.abs(stem).max(initial=0))
            if peak < 1e-4:
                print(f"{song}: {player.name} is silent", flush=True)
                continue
            path = given.out / song / f"{player.name}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            gain = 10 ** (float(rng.uniform(*PEAK_DB)) / 20) / peak
            soundfile.write(path, stem * np.float32(gain), SAMPLE_RATE, "PCM_16")
            name = player.name
            values = (f"{song}/{name}.flac", song, song, name, "stems", "percussion", "phrases", licence, "true")
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    write_rows(given.out, rows)
    print(f"{len(rows)} stems of {given.songs} songs in {given.out}")


if __name__ == "__main__":
    try:
        main()
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
