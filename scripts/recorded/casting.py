"""Who plays what: the parts of a score, the roles they can be, and their notes in an instrument's range."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from synths.parts import skyline

from organology.rendering.midi import Note, Part, Score
from recorded.fonts import Font

FEWEST_NOTES = 8
BASS_BELOW = 48
CHORDS_FROM = 1.25


@dataclass(frozen=True)
class Voice:
    """A part's notes and the role they are played in."""

    role: str
    notes: tuple[Note, ...]


def voices(score: Score) -> list[Voice]:
    """The tuned parts that have enough notes, those with the most first."""
    tuned = [p for p in score.parts if not p.is_drums and p.program < 112 and len(p.notes) >= FEWEST_NOTES]
    return [Voice(role_of(part), part.notes) for part in sorted(tuned, key=lambda part: -len(part.notes))]


def role_of(part: Part) -> str:
    """`bass` if it lies low, `chords` if several notes start together, else `lead`."""
    if np.median([note.pitch for note in part.notes]) < BASS_BELOW:
        return "bass"
    starts = {round(note.start * 20) for note in part.notes}
    return "chords" if len(part.notes) >= CHORDS_FROM * len(starts) else "lead"


def cast(
    found: list[Voice], fonts: list[Font], players: int, rng: np.random.Generator
) -> list[tuple[Font, tuple[Note, ...]]]:
    """Instruments drawn for up to `players` voices, no instrument twice, and what each plays."""
    played: list[tuple[Font, tuple[Note, ...]]] = []
    order = rng.permutation(len(found))
    for index in sorted(order[:players].tolist()):
        voice, taken = found[index], {font.instrument.name for font, _ in played}
        free = [font for font in fonts if voice.role in font.instrument.roles and font.instrument.name not in taken]
        if not free:
            continue
        shares = np.array([font.instrument.share for font in free])
        font = free[int(rng.choice(len(free), p=shares / shares.sum()))]
        notes = skyline(voice.notes, -1 if voice.role == "bass" else 1) if voice.role != "chords" else voice.notes
        played.append((font, within(notes, font.low, font.high)))
    return played


def within(notes: tuple[Note, ...], low: int, high: int) -> tuple[Note, ...]:
    """Notes moved by octaves, together to the middle of a range, then each that still lies without."""
    middle = float(np.median([note.pitch for note in notes]))
    shift = 12 * round(((low + high) / 2 - middle) / 12) if not low + 5 <= middle <= high - 5 else 0
    moved = []
    for note in notes:
        pitch = note.pitch + shift
        while pitch < low and pitch + 12 <= high:
            pitch += 12
        while pitch > high and pitch - 12 >= low:
            pitch -= 12
        if low <= pitch <= high:
            moved.append(replace(note, pitch=pitch))
    return tuple(moved)
