"""What the parts of a song play: an excerpt's tune, chords and lowest notes, and its drums or a beat."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from organology.rendering.midi import DRUM_CHANNEL, DRUM_PROGRAM, Control, Note, Part, Score

# role: kinds of presets, General MIDI program that stands for it, lowest and highest median pitch
ROLES: dict[str, tuple[tuple[str, ...], int, tuple[int, int]]] = {
    "lead": (("any", "any", "arp"), 81, (62, 79)),
    "pad": (("pad", "pad", "pad", "any"), 90, (52, 67)),
    "arp": (("any", "any", "arp", "pad"), 80, (55, 77)),
    "bass": (("bass",), 38, (31, 45)),
}
ARPEGGIOS = (
    (0, 1, 2, 3),
    (3, 2, 1, 0),
    (0, 1, 2, 3, 2, 1),
    (0, 2, 1, 3),
    (0, 3, 1, 3, 2, 3),
    (0, 0, 3, 1),
    (0, 2, 4, 3, 1, 2),
)
KITS = (8, 16, 24, 25, 25, 0)


def beats(path: Path, seconds: float) -> NDArray[np.float64]:
    """Times of a MIDI file's beats in seconds, at least up to `seconds`."""
    file = mido.MidiFile(path, clip=True)
    times, tick, clock, tempo = [0.0], 0, 0.0, 500_000
    changes = [(message.time, message) for message in mido.merge_tracks(file.tracks)]
    for passed, message in [*changes, (10**9, None)]:
        while (next_beat := len(times) * file.ticks_per_beat) <= tick + passed and times[-1] < seconds:
            times.append(clock + mido.tick2second(next_beat - tick, file.ticks_per_beat, tempo))
        clock += mido.tick2second(passed, file.ticks_per_beat, tempo)
        tick += passed
        if message is not None and message.type == "set_tempo":
            tempo = message.tempo
    grid = np.array(times)
    while len(grid) > 1 and np.median(np.diff(grid)) < 0.33:  # half beats
        grid = grid[::2]
    return grid


def chords(parts: list[Part], grid: NDArray[np.float64]) -> list[tuple[float, float, tuple[int, ...]]]:
    """Start, end and pitch classes of the harmony, bass first, of each pair of beats in which something sounds."""
    found: list[tuple[float, float, tuple[int, ...]]] = []
    for start, end in zip(grid[:-1:2], [*grid[2::2], grid[-1]], strict=False):
        weights, lowest = np.zeros(12), 128
        for note in (note for part in parts for note in part.notes if note.start < end and note.end > start):
            weights[note.pitch % 12] += min(note.end, end) - max(note.start, start)
            lowest = min(lowest, note.pitch)
        if end - start < 0.2 or not weights.any():
            continue
        weights[lowest % 12] += 0.5 * weights.max()
        order = [int(i) for i in np.argsort(-weights, kind="stable") if weights[i] > 0.12 * weights.max()][:3]
        tones = (lowest % 12, *(tone for tone in order if tone != lowest % 12))
        if found and set(found[-1][2]) == set(tones) and found[-1][1] == start and end - found[-1][0] < 5:
            found[-1] = (found[-1][0], end, found[-1][2])
        else:
            found.append((start, end, tones))
    return found


def skyline(notes: tuple[Note, ...], sign: int = 1) -> tuple[Note, ...]:
    """One voice: of the notes that start together the highest (sign -1: lowest), each ended by the next."""
    first: dict[int, Note] = {}
    for note in sorted(notes, key=lambda note: sign * note.pitch):
        first[round(note.start * 20)] = note
    line = [first[key] for key in sorted(first)]
    ends = [*(note.start for note in line[1:]), float("inf")]
    return tuple(
        replace(note, end=max(min(note.end, end), note.start + 0.05)) for note, end in zip(line, ends, strict=True)
    )


def arrange(role: str, score: Score, grid: NDArray[np.float64], rng: np.random.Generator) -> tuple[Note, ...]:
    """The notes of a role, in its range; empty where the excerpt has none for it."""
    tuned = [part for part in score.parts if part.program < 112]
    line: tuple[Note, ...] = ()
    if role in ("lead", "bass") and tuned:
        sign = 1 if role == "lead" else -1
        long = [part for part in tuned if len(part.notes) >= 12] or tuned
        named = [part for part in long if part.name.upper() == "MELODY" and role == "lead"]
        # the highest or lowest part, rather one that plays a line than one that plays chords
        chosen = max(
            named or long, key=lambda p: sign * float(np.median([n.pitch for n in p.notes])) + 12 * _is_line(p)
        )
        line = skyline(chosen.notes, sign)
    harmony = chords(tuned, grid)
    velocity = int(rng.integers(75, 105))
    if role == "pad":
        gap = float(rng.choice((0.0, 0.02, 0.15)))
        line = tuple(
            Note(start, max(end - gap, start + 0.1), 52 + (tone - 52) % 12, velocity)
            for start, end, tones in harmony for tone in tones
        )  # fmt: skip
    elif role == "arp":
        line = _arpeggio(harmony, grid, velocity, rng)
    if not line:
        return ()
    middle, (low, high) = float(np.median([note.pitch for note in line])), ROLES[role][2]
    shift = 12 * round((rng.uniform(low, high) - middle) / 12)
    louder = [int(np.clip(0.5 * note.velocity + 45, 50, 110)) for note in line]
    return tuple(
        replace(note, pitch=int(np.clip(note.pitch + shift, 24, 100)), velocity=v)
        for note, v in zip(line, louder, strict=True)
    )


def _is_line(part: Part) -> float:
    """Share of a part's notes that start alone."""
    return len({round(note.start * 20) for note in part.notes}) / len(part.notes)


def _arpeggio(
    harmony: list[tuple[float, float, tuple[int, ...]]],
    grid: NDArray[np.float64],
    velocity: int,
    rng: np.random.Generator,
) -> tuple[Note, ...]:
    """Broken chords in steps of a half, third or quarter of a beat."""
    per_beat, order = int(rng.choice((2, 3, 4, 4))), ARPEGGIOS[int(rng.integers(len(ARPEGGIOS)))]
    held, number = float(rng.choice((0.5, 0.8, 1.0))), 0
    notes = []
    steps = np.interp(np.arange(0, len(grid) - 1, 1 / per_beat), np.arange(len(grid)), grid)
    for start, end in pairwise(steps):
        tones = next((tones for first, last, tones in harmony if first - 1e-6 <= start < last - 1e-6), ())
        if not tones:
            continue
        climb = sorted(60 + (tone - tones[0]) % 12 + tones[0] for tone in tones)
        climb += [pitch + 12 for pitch in climb] + [pitch + 24 for pitch in climb] * (len(climb) < 2)
        pitch = climb[order[number % len(order)] % len(climb)]
        notes.append(
            Note(float(start), float(start + held * (end - start)), pitch, velocity + 10 * (number % per_beat == 0))
        )
        number += 1
    return tuple(notes)


def drums(score: Score, grid: NDArray[np.float64], rng: np.random.Generator) -> Part:
    """The excerpt's drums, or a beat on its grid, with a kit of electronic drums rather than not."""
    kit = Control(0.0, "program_change", 0, int(rng.choice(KITS)))
    own = [part for part in score.parts if part.is_drums and len(part.notes) >= 20]
    if own:
        return replace(max(own, key=lambda part: len(part.notes)), controls=(kit,))
    steps = np.interp(np.arange(0, len(grid) - 1, 0.25), np.arange(len(grid)), grid)
    steady, kicks = rng.random() < 0.5, {0, *rng.choice((3, 6, 7, 10, 11), size=2).tolist(), 8}
    hats = int(rng.choice((1, 2, 4)))
    notes = []
    for i, start in enumerate(steps):
        place = i % 16
        hit = [36] if (place % 4 == 0 if steady else place in kicks) else []
        hit += [38 if rng.random() < 0.9 else 39] if place in (4, 12) else []
        hit += [46 if steady and place % 4 == 2 else 42] if place % hats == 0 else []
        notes += [Note(float(start), float(start) + 0.1, pitch, int(rng.integers(75, 115))) for pitch in hit]
    return Part(0, DRUM_CHANNEL, DRUM_PROGRAM, tuple(notes), (kit,))
