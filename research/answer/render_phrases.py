"""Phrases of every General MIDI program alike, rendered in long tapes so that a SoundFont is loaded once for many.

    python research/answer/render_phrases.py OUT --midi FOLDER [--midi FOLDER ...] -s FONT.sf2 [-s ...]
        [--tapes 60] [--programs 0,24,25] [--seed 0]

Each tape is a row of excerpts of parts of MIDI files, each played by another program in its range; three parts of one
excerpt share a song and a time line. OUT gets FLAC stems and a stems.csv as `organology render` writes it.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import soundfile

RATE, TAIL = 32_000, 1.5
PROGRAMS = [p for p in range(112) if p not in (2, 55)]
RARE = [
    40,
    41,
    42,
    43,
    46,
    47,
    56,
    57,
    58,
    59,
    60,
    64,
    65,
    66,
    67,
    68,
    70,
    71,
    73,
    74,
    21,
    22,
    105,
    109,
    6,
    7,
    16,
    18,
    19,
    9,
    11,
    12,
    13,
    52,
]
SINGLE = {*range(40, 44), *range(56, 61), *range(64, 80), 22, 109, 111, *range(32, 40)}
RANGES = {
    **dict.fromkeys(range(32, 40), (28, 50)),
    40: (57, 93),
    110: (57, 88),
    41: (50, 80),
    42: (38, 70),
    43: (28, 55),
    46: (38, 90),
    47: (36, 57),
    56: (55, 82),
    59: (55, 82),
    57: (42, 70),
    58: (30, 57),
    60: (43, 74),
    64: (58, 84),
    65: (50, 79),
    66: (46, 74),
    67: (38, 66),
    68: (60, 88),
    69: (54, 80),
    70: (36, 66),
    71: (52, 86),
    72: (74, 100),
    73: (62, 94),
    74: (64, 90),
    105: (50, 80),
    9: (72, 100),
    10: (65, 96),
    11: (53, 89),
    12: (48, 88),
    13: (65, 96),
    **dict.fromkeys(range(24, 32), (40, 80)),
}


def parts_of(path: Path) -> list[list[tuple[float, float, int, int]]]:
    """Melodic parts: start, end, pitch, velocity of each note."""
    found: dict[tuple[int, int], list] = defaultdict(list)
    open_notes: dict[tuple[int, int, int], tuple[float, int]] = {}
    file = mido.MidiFile(path, clip=True)
    merged = []
    for number, track in enumerate(file.tracks):
        tick = 0
        for message in track:
            tick += message.time
            merged.append((tick, number, message))
    merged.sort(key=lambda entry: entry[0])
    tempo, seconds, last = 500_000, 0.0, 0
    for tick, number, message in merged:
        seconds += mido.tick2second(tick - last, file.ticks_per_beat, tempo)
        last = tick
        if message.type == "set_tempo":
            tempo = message.tempo
        elif message.type in ("note_on", "note_off") and message.channel != 9:
            key = (number, message.channel, message.note)
            if key in open_notes:
                start, velocity = open_notes.pop(key)
                if seconds - start > 0.03:
                    found[key[:2]].append((start, seconds, message.note, velocity))
            if message.type == "note_on" and message.velocity:
                open_notes[key] = (seconds, message.velocity)
    return [sorted(notes) for notes in found.values() if len(notes) >= 16]


def fitted(notes: list, program: int, rng: np.random.Generator) -> list:
    """Transposed by octaves into the program's range; one voice where the program has one."""
    low, high = RANGES.get(program, (45, 88))
    middle = np.median([pitch for _, _, pitch, _ in notes])
    octaves = round(((low + high) / 2 + rng.uniform(-4, 4) - middle) / 12)
    out = []
    for start, end, pitch, velocity in notes:
        moved = pitch + 12 * octaves
        moved += 12 * (moved < low) - 12 * (moved > high)
        if program in SINGLE and out and start < out[-1][1] - 0.02:
            if start - out[-1][0] < 0.05:
                continue
            out[-1] = (out[-1][0], start, *out[-1][2:])
        jitter = rng.normal(0, 0.008)
        out.append(
            (
                max(0, start + jitter),
                end,
                int(np.clip(moved, 0, 127)),
                int(np.clip(velocity + rng.normal(0, 8), 25, 127)),
            )
        )
    return out


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--midi", type=Path, action="append", required=True)
    parser.add_argument("-s", "--soundfont", type=Path, action="append", required=True)
    parser.add_argument("--tapes", type=int, default=60)
    parser.add_argument("--phrases", type=int, default=18)
    parser.add_argument("--seconds", type=float, default=14.0)
    parser.add_argument("--programs", default=",".join(map(str, PROGRAMS)), help="as often as they stand there")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    programs = [int(program) for program in given.programs.split(",")]
    files = sorted(path for folder in given.midi for path in folder.rglob("*.mid"))
    table = given.out / "stems.csv"
    if not table.exists():
        table.write_text("path,song,artist,stem,vocabulary,instrument,kind,licence,aligned\n", encoding="utf-8")
    for tape in range(given.tapes):
        prefix = f"{given.seed}-{tape:03d}"
        if (given.out / f"{prefix}-00.flac").exists():
            continue
        rng = np.random.default_rng([given.seed, tape])
        font = given.soundfont[tape % len(given.soundfont)]
        song = mido.MidiFile(ticks_per_beat=480)
        events, plan, begin = [], [], 0.5
        while len(plan) < given.phrases:
            path = files[rng.integers(len(files))]
            try:
                parts = parts_of(path)
            except (OSError, ValueError, EOFError, KeyError, IndexError):
                continue
            if not parts:
                continue
            whole = max(notes[-1][1] for notes in parts)
            cut = rng.uniform(0, max(0.1, whole - given.seconds))
            for k in rng.permutation(len(parts))[:3]:
                inside = [
                    (s - cut, min(e - cut, given.seconds), p, v)
                    for s, e, p, v in parts[k]
                    if cut <= s < cut + given.seconds - 0.2
                ]
                if len(inside) < 5:
                    continue
                program = int(rng.choice(RARE if rng.random() < 0.6 else programs))
                plan.append((program, begin, f"{prefix}-{path.stem}-{cut:.0f}"))
                events.append((begin - 0.2, mido.Message("control_change", control=123, value=0)))
                events.append((begin - 0.1, mido.Message("program_change", program=program)))
                for start, end, pitch, velocity in fitted(inside, program, rng):
                    events.append((begin + start, mido.Message("note_on", note=pitch, velocity=velocity)))
                    events.append((begin + max(end, start + 0.05), mido.Message("note_off", note=pitch)))
                begin += given.seconds + TAIL
        events.sort(key=lambda entry: entry[0])
        track, now = mido.MidiTrack(), 0
        for seconds, message in events:
            tick = round(mido.second2tick(max(0, seconds), 480, 500_000))
            track.append(message.copy(time=max(0, tick - now)))
            now = max(now, tick)
        track.append(mido.Message("note_off", note=0, time=960 * 2))
        song.tracks.append(track)
        with tempfile.TemporaryDirectory() as folder:
            middle, sound = Path(folder, "tape.mid"), Path(folder, "tape.wav")
            song.save(middle)
            options = [
                "-o",
                f"synth.reverb.level={rng.uniform(0.1, 0.9):.2f}",
                "-o",
                f"synth.reverb.room-size={rng.uniform(0.1, 0.9):.2f}",
            ]
            subprocess.run(
                [
                    "fluidsynth",
                    "-ni",
                    "-q",
                    "-g",
                    "0.5",
                    "-r",
                    str(RATE),
                    "-O",
                    "s16",
                    "-T",
                    "wav",
                    *options,
                    "-F",
                    str(sound),
                    str(font),
                    str(middle),
                ],
                check=True,
                capture_output=True,
            )
            samples = soundfile.read(sound, dtype="float32", always_2d=True)[0].mean(1)
        rows = []
        for number, (program, start, name) in enumerate(plan):
            piece = samples[round(start * RATE) : round((start + given.seconds) * RATE)]
            if len(piece) == 0 or np.abs(piece).max() < 1e-3:
                continue
            stem = f"{prefix}-{number:02d}"
            soundfile.write(given.out / f"{stem}.flac", piece, RATE)
            rows.append((f"{stem}.flac", name, name, stem, "general_midi", program, "rendered", font.stem, "true"))
        with table.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        print(tape, len(rows), flush=True)


if __name__ == "__main__":
    main()
