#!/usr/bin/env python3
"""Arrange excerpts of MIDI files for synthesizers and play them with the presets of LMMS and ZynAddSubFX.

    apt install --no-install-recommends lmms lmms-common zynaddsubfx-data fluidsynth
    python scripts/compose_synths.py --out synths --songs 120 -s FluidR3_GM.sf2 \
        --midi MIDI/freedoom "BSD-3-Clause (Freedoom)" --midi MIDI/openmsx "GPL-2.0 (OpenMSX)"

Each song is two or three of lead, pad, arpeggio and bass, taken from one excerpt: the lead is its tune, the pad and the
arpeggio play its chords, the bass its lowest notes. Half of the songs get drums: the excerpt's own, or a beat. LMMS
plays one project a stem; `synths.presets` says which presets are left out, and a stem that is silent, mere noise
or off the notes is played again with another preset. Output is a folder for `organology prepare stems`. The same seed
gives the same excerpts, and the same presets as long as the same stems are played again; sounds begin at random phases.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from excerpts import Stems, make_songs, options
from synths.hearing import fault
from synths.lmms import play
from synths.parts import ROLES, arrange, beats, drums
from synths.presets import Presets, find_presets

from organology.errors import OrganologyError
from organology.rendering.excerpts import cut, excerpt_starts
from organology.rendering.fluidsynth import Room, SoundFont, synthesize
from organology.rendering.midi import DRUM_PROGRAM, read_score
from organology.rendering.song import level

TAIL_SECONDS = 1.0
EVEN_LEVELS = 0.85
TRIES = 6
BANDS = (
    ("lead", "pad", "bass"), ("lead", "arp", "bass"), ("arp", "pad", "bass"), ("lead", "pad"), ("lead", "bass"),
    ("arp", "pad"), ("lead", "arp"), ("pad", "bass"), ("arp", "bass"), ("lead", "arp", "pad"),
)  # fmt: skip
PRESETS_LICENCE = "presets: {package} (GPL-2.0-or-later; some banks LGPL or CC BY, see their README)"


def play_song(
    path: Path, seconds: float, presets: Presets, font: SoundFont, rng: np.random.Generator
) -> tuple[Stems, list[str]]:
    """Stem name -> General MIDI program, what played it, samples; and what was left out."""
    score = read_score(path)
    start = float(rng.choice(excerpt_starts(score, seconds)[:40]))
    grid = beats(path, min(start + seconds, score.seconds)) - start
    score, length = cut(score, start, seconds), seconds + TAIL_SECONDS
    grid = np.maximum(grid[(grid > -1e-3) & (grid < score.seconds)], 0.0)
    played: Stems = {}
    if len(grid) < 8:
        return {}, ["too few beats"]
    for role in BANDS[int(rng.integers(len(BANDS)))]:
        notes, (kinds, program, _) = arrange(role, score, grid, rng), ROLES[role]
        for _ in range(TRIES if len(notes) >= 8 else 0):
            preset = presets.draw(str(rng.choice(kinds)))
            samples = play(preset, notes, length)
            if reason := fault(samples, notes):
                presets.faults[preset.name] = reason
                continue
            played[f"{role}-{preset.name}"] = (program, PRESETS_LICENCE.format(package=preset.package), samples)
            break
    if played and rng.random() < 0.5:
        room = Room(size=float(rng.uniform(0.05, 0.6)), level=float(rng.uniform(0, 0.7)))
        samples = synthesize(drums(score, grid, rng), font.path, length, room)
        played["drums"] = (DRUM_PROGRAM, f"SoundFont {font.path.stem}", samples)
    silent: list[str] = []
    levels = level({name: samples for name, (_, _, samples) in played.items()}, silent, EVEN_LEVELS)
    return {name: (*played[name][:2], samples) for name, samples in levels.items()}, silent


def main() -> None:
    parser = options(__doc__, songs=120, seconds=22.0)
    parser.add_argument("--presets", type=Path, action="append", help="folder of .xpf or .xiz files; may be repeated")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    fonts = [SoundFont.open(path) for path in given.soundfont]
    roots = given.presets or [Path("/usr/share/lmms/presets"), Path("/usr/share/zynaddsubfx/banks")]
    presets = Presets(find_presets(roots), rng)
    made = make_songs(
        given.out, given.midi, given.songs, "rendered", given.seed, rng,
        lambda path: play_song(path, given.seconds, presets, fonts[int(rng.integers(len(fonts)))], rng),
    )  # fmt: skip
    for name, reason in sorted(presets.faults.items()):
        print(f"{name}: {reason}")
    print(f"{made} stems of {given.songs} songs in {given.out}")


if __name__ == "__main__":
    try:
        main()
    except OrganologyError as error:
        raise SystemExit(f"error: {error}") from error
