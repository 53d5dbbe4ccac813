"""Play MIDI with recorded notes: songs of aligned stems from a folder of single-note samples.

The samples are files `.../<instrument>/<instrument>_<pitch>_<length>_<dynamic>_<articulation>.<ext>` anywhere below
NOTES, as the Philharmonia Orchestra publishes them (https://philharmonia.co.uk/resources/sound-samples/; any use, not
to be passed on as samples). Every melodic part of a MIDI piece goes to an instrument drawn at random, transposed by
octaves into its range; each note takes the nearest recorded pitch, is resampled by at most two semitones, cut at its
length and released. The result is a folder for `organology prepare stems`.

    python scripts/sample_notes.py NOTES MIDI... --out DIR [--songs 100] [--seconds 30] [--seed 0]
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import mido
import numpy as np
import soundfile as sf
import soxr
from note_files import read_from_onset

RATE = 32_000
LENGTHS = {"025": 0.25, "05": 0.5, "1": 1.0, "15": 1.5, "long": 3.0, "very-long": 6.0}
ARTICULATIONS = {"normal", "arco-normal", "legato", "nonlegato", "tenuto", "non-vibrato", "vibrato"}
SEMITONES = {"C": 0, "Cs": 1, "D": 2, "Ds": 3, "E": 4, "F": 5, "Fs": 6, "G": 7, "Gs": 8, "A": 9, "As": 10, "B": 11}
# Instrument -> its labels as stems.csv takes them: families, instruments, and how often it is drawn.
PLAYERS = {
    "flute": ("woodwind", "", 1.0),
    "clarinet": ("woodwind", "", 1.0),
    "bass clarinet": ("woodwind", "", 0.4),
    "oboe": ("woodwind", "", 1.0),
    "cor anglais": ("woodwind", "", 0.5),
    "bassoon": ("woodwind", "", 0.8),
    "contrabassoon": ("woodwind", "", 0.2),
    "saxophone": ("woodwind", "", 1.0),
    "french horn": ("brass", "", 1.5),
    "trombone": ("brass", "", 1.5),
    "trumpet": ("brass", "", 2.0),
    "cello": ("bowed_string", "", 1.5),
    "viola": ("bowed_string", "", 1.0),
    "double bass": ("bowed_string", "", 0.7),
    "guitar": ("plucked_string", "acoustic_guitar", 2.0),
    "mandolin": ("plucked_string", "", 0.5),
    "banjo": ("plucked_string", "", 0.5),
}
LICENCE = "Philharmonia Orchestra samples: any use, not redistributable as samples"

Note = tuple[float, float, int, int]
"""Start and end in seconds, MIDI pitch, velocity."""


def find_samples(folder: Path) -> dict[str, dict[int, list[tuple[float, str, Path]]]]:
    """Instrument -> MIDI pitch -> (length in seconds, dynamic, file)."""
    found: dict[str, dict[int, list[tuple[float, str, Path]]]] = defaultdict(lambda: defaultdict(list))
    pattern = re.compile(r"^[a-z-]+_([A-G]s?)(\d)_([^_]+)_([^_]+)_([^_]+)$")
    for path in sorted(folder.rglob("*_*_*_*_*.*")):
        instrument, match = path.parent.name, pattern.match(path.stem)
        if instrument in PLAYERS and match and match[3] in LENGTHS and match[5] in ARTICULATIONS:
            pitch = SEMITONES[match[1]] + 12 * (int(match[2]) + 1)
            found[instrument][pitch].append((LENGTHS[match[3]], match[4], path))
    return {name: dict(pitches) for name, pitches in found.items() if pitches}


def read_parts(path: Path) -> list[list[Note]]:
    """The melodic parts of a MIDI file: one per track and channel, drums left out."""
    events = mido.MidiFile(path, clip=True)
    parts: dict[tuple[int, int], list[Note]] = defaultdict(list)
    sounding: dict[tuple[int, int, int], tuple[float, int]] = {}
    tempo, seconds = 500_000, 0.0
    merged = []
    for number, track in enumerate(events.tracks):
        tick = 0
        for message in track:
            tick += message.time
            merged.append((tick, number, message))
    merged.sort(key=lambda event: event[0])
    last = 0
    for tick, number, message in merged:
        seconds += mido.tick2second(tick - last, events.ticks_per_beat, tempo)
        last = tick
        if message.type == "set_tempo":
            tempo = message.tempo
        if message.type not in ("note_on", "note_off") or message.channel == 9:
            continue
        key = (number, message.channel, message.note)
        if key in sounding:
            start, velocity = sounding.pop(key)
            parts[number, message.channel].append((start, seconds, message.note, velocity))
        if message.type == "note_on" and message.velocity > 0:
            sounding[key] = (seconds, message.velocity)
    return [sorted(notes) for notes in parts.values() if len(notes) >= 8]


@lru_cache(maxsize=4000)
def read_sample(path: Path) -> np.ndarray:
    """A recorded note: mono, 32 kHz, the silence before it cut off."""
    try:
        return read_from_onset(path, share=0.02, lead=160)
    except sf.LibsndfileError as error:
        print(f"left out: {error}")
        return np.zeros(0, dtype=np.float32)


def play(
    notes: list[Note], pitches: dict[int, list[tuple[float, str, Path]]], seconds: float, rng: np.random.Generator
) -> np.ndarray:
    """One part played by one instrument."""
    available = np.array(sorted(pitches))
    middle = (available[0] + available[-1]) / 2
    shift = 12 * round((middle - float(np.median([note[2] for note in notes]))) / 12 + rng.uniform(-0.4, 0.4))
    dynamics = rng.permutation(["forte", "mezzo-forte", "piano", "fortissimo", "mezzo-piano", "pianissimo"])
    stem = np.zeros(round(seconds * RATE), dtype=np.float32)
    for start, end, pitch, velocity in notes:
        wanted = pitch + shift
        nearest = int(available[np.abs(available - wanted).argmin()])
        if abs(nearest - wanted) > 2:
            continue
        length = end - start
        takes = sorted(
            pitches[nearest],
            key=lambda take: (
                take[0] < length,
                abs(take[0] - length),
                list(dynamics).index(take[1]) if take[1] in dynamics else 9,
            ),
        )
        audio = read_sample(takes[0][2])
        if nearest != wanted and len(audio):
            audio = soxr.resample(audio, RATE * 2 ** ((wanted - nearest) / 12), RATE)
        first = round((start + rng.normal(0, 0.008)) * RATE)
        held = min(len(audio), round((length + 0.12) * RATE), len(stem) - first)
        if first < 0 or held <= 800:
            continue
        audio = audio[:held].copy()
        fade = min(held, round(0.1 * RATE))
        audio[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
        stem[first : first + held] += audio * (0.4 + 0.6 * velocity / 127)
    return stem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notes", type=Path)
    parser.add_argument("midi", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    samples = find_samples(settings.notes)
    names = sorted(samples)
    weights = np.array([PLAYERS[name][2] for name in names])
    files = sorted(
        file for path in settings.midi for file in (path.rglob("*.mid*") if path.is_dir() else [path]) if file.is_file()
    )
    rows = []
    for number in range(settings.songs):
        rng = np.random.default_rng([settings.seed, number])
        file = files[int(rng.integers(len(files)))]
        try:
            parts = read_parts(file)
        except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
            print(f"{file}: {error}")
            continue
        if not parts:
            continue
        end = max(note[1] for part in parts for note in part)
        offset = float(rng.uniform(0, max(end - settings.seconds, 0.01)))
        chosen = rng.permutation(len(parts))[: int(rng.integers(2, 6))]
        for place, index in enumerate(chosen):
            notes = [
                (start - offset, stop - offset, pitch, velocity)
                for start, stop, pitch, velocity in parts[int(index)]
                if offset <= start < offset + settings.seconds
            ]
            if len(notes) < 4:
                continue
            name = str(rng.choice(names, p=weights / weights.sum()))
            stem = play(notes, samples[name], settings.seconds, rng)
            peak = float(np.abs(stem).max())
            if peak < 1e-4:
                continue
            song = f"song{number:04d}"
            path = settings.out / song / f"{place}_{name.replace(' ', '_')}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            sf.write(path, stem * (0.7 / peak * 10 ** (-float(rng.uniform(0, 6)) / 20)), RATE, subtype="PCM_16")
            family, instrument, _ = PLAYERS[name]
            rows.append(
                [path.relative_to(settings.out).as_posix(), song, file.stem, path.stem, family, instrument,
                 "phrases", "true", LICENCE]
            )  # fmt: skip
    with (settings.out / "stems.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["path", "song", "artist", "stem", "families", "instruments", "kind", "aligned", "licence"])
        writer.writerows(rows)
    print(f"{len(rows)} stems of {settings.songs} songs in {settings.out}")


if __name__ == "__main__":
    main()
