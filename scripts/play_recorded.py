#!/usr/bin/env python3
"""Play MIDI files with recorded instruments: songs of aligned stems from the SFZ instruments of a gathered corpus.

    apt install --no-install-recommends polyphone fluidsynth && pip install sfzen
    python scripts/play_recorded.py NOTES --out DIR --songs 200 -s FluidR3_GM.sf2 \
        --midi MIDI/freedoom "BSD-3-Clause (Freedoom)" --midi MIDI/openmsx "GPL-2.0 (OpenMSX)"

NOTES is `gathered/notes`; `recorded/instruments.yaml` lists the instruments. Up to five parts of an excerpt are each
given to an instrument that can play them (a bass line, chords or one voice), moved by octaves into its range and played
by fluidsynth in a room of the song's own; drums are a SoundFont's. A stem that is silent or off its notes is left out
with a line. Output is a folder for `organology prepare stems`. The same seed gives the same files;
a run with another seed adds its songs to those that are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from excerpts import Stems, make_songs, options
from recorded.casting import cast, voices
from recorded.fonts import Font, Instrument, make_font
from synths.hearing import fault

from organology import config
from organology.errors import OrganologyError
from organology.rendering.excerpts import cut, excerpt_starts
from organology.rendering.fluidsynth import Room, SoundFont, synthesize
from organology.rendering.midi import DRUM_PROGRAM, Part, read_score
from organology.rendering.orchestration import humanize
from organology.rendering.song import level

INSTRUMENTS = Path(__file__).parent / "recorded" / "instruments.yaml"
TAIL_SECONDS = 1.5
EVEN_LEVELS = 0.6
PEAK, FAINTEST = 0.5, 1e-4  # SFZ files differ by 40 dB in level
MOST_PLAYERS = 5
DRUMS_SHARE = 0.6


@dataclass(frozen=True)
class Band:
    """instruments.yaml."""

    __pydantic_config__ = config.FORBID
    instruments: tuple[Instrument, ...]


def play_song(
    path: Path, seconds: float, fonts: list[Font], drums: SoundFont, rng: np.random.Generator
) -> tuple[Stems, list[str]]:
    """Stem name -> General MIDI program, licence, samples; and what was left out."""
    score = read_score(path)
    score = cut(score, float(rng.choice(excerpt_starts(score, seconds)[:40])), seconds)
    score = humanize(score, 1.0, rng)
    length = min(seconds, score.seconds) + TAIL_SECONDS
    room = Room(True, False, *(float(rng.uniform(*ends)) for ends in ((0.05, 0.8), (0.0, 0.8), (0.0, 0.7))))
    played: Stems = {}
    left_out: list[str] = []
    for font, notes in cast(voices(score), fonts, int(rng.integers(2, MOST_PLAYERS + 1)), rng):
        instrument = font.instrument
        samples = synthesize(Part(0, 0, 0, notes), font.path, length, room)
        samples *= PEAK / max(float(np.abs(samples).max(initial=0.0)), FAINTEST)
        if reason := fault(samples, notes):
            left_out.append(f"{instrument.name}: {reason}")
        else:
            played[instrument.name] = (instrument.program, f"{instrument.name}: {instrument.licence}", samples)
    beats = [part for part in score.parts if part.is_drums]
    if played and beats and rng.random() < DRUMS_SHARE:
        part = max(beats, key=lambda part: len(part.notes))
        samples = synthesize(part, drums.path, length, room)
        played["drums"] = (DRUM_PROGRAM, f"SoundFont {drums.path.stem}", samples)
    levels = level({name: samples for name, (_, _, samples) in played.items()}, left_out, EVEN_LEVELS)
    return {name: (*played[name][:2], samples) for name, samples in levels.items()}, left_out


def main() -> None:
    parser = options(__doc__, songs=200, seconds=30.0)
    parser.add_argument("notes", type=Path)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    kits = [SoundFont.open(path) for path in given.soundfont]
    fonts = []
    for instrument in config.parse(config.read_yaml(INSTRUMENTS), Band, str(INSTRUMENTS)).instruments:
        try:
            fonts.append(make_font(instrument, given.notes, given.out / "soundfonts", given.seed))
        except OrganologyError as error:
            print(f"{error}; goes on without it", flush=True)
    if not fonts:
        raise SystemExit(f"{given.notes}: none of the instruments is there")
    made = make_songs(
        given.out, given.midi, given.songs, "phrases", given.seed, rng,
        lambda path: play_song(path, given.seconds, fonts, kits[int(rng.integers(len(kits)))], rng),
    )  # fmt: skip
    print(f"{made} stems of {given.songs} songs in {given.out}")


if __name__ == "__main__":
    try:
        main()
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
