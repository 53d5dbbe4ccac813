"""Melodies: two-bar motives in the form A A' B A'', chord tones on the strong beats, steps between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from starter_music.theory import Chord, Event, nearest, step

RHYTHMS: dict[tuple[str, int], tuple[str, ...]] = {
    ("lively", 4): (
        "1 .5 .5 1 1 1.5 .5 2",
        ".5 .5 1 .5 .5 1 1 1 1 r1",
        "1.5 .5 1 1 .5 .5 .5 .5 2",
        "r.5 .5 .5 .5 1 1 1 .5 .5 2",
    ),
    ("broad", 4): ("2 1 1 3 1", "3 1 2 2", "1.5 .5 2 2 2", "2 2 1 1 2"),
    ("swing", 4): (
        "r.5 .5 .5 .5 1 .5 .5 1 .5 1 r1.5",
        "1 .5 .5 .5 .5 1 r.5 .5 .5 .5 1.5 r.5",
        ".5 .5 .5 .5 1.5 .5 1 1 r2",
        "r1 .5 .5 .5 1.5 .5 .5 1 1 r1",
    ),
    ("running", 4): (
        ".5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 .5 1 1",
        "1 .25 .25 .5 1 1 .5 .5 .5 .5 1 1",
        ".5 .25 .25 .5 .5 .5 .5 1 .5 .5 .5 .5 2",
    ),
    ("riff", 4): (
        ".75 .75 .5 .75 .75 .5 .75 .75 .5 1 1",
        ".5 .5 .25 .25 .5 1 1 .5 .5 .5 .5 1 1",
        "1 .5 1 .5 1 1.5 .5 2",
    ),
    ("lively", 3): ("1 1 1 2 1", "1.5 .5 1 1 1 1", "2 1 1 .5 .5 1", ".5 .5 1 1 3"),
    ("broad", 3): ("2 1 3", "3 2 1", "2 1 2 1"),
}
FORM = "ABACDBACAB"
_STEP_CHANCES = {-3: 0.05, -2: 0.1, -1: 0.32, 0: 0.06, 1: 0.32, 2: 0.1, 3: 0.05}


@dataclass(frozen=True)
class Motive:
    """Lengths in beats (negative: a rest) and the scale steps from each note to the next."""

    lengths: tuple[float, ...]
    steps: tuple[int, ...]


def _motive(feel: str, beats: int, generator: np.random.Generator) -> Motive:
    words = str(generator.choice(RHYTHMS[feel, beats])).split()
    lengths = [-float(word[1:]) if word.startswith("r") else float(word) for word in words]
    steps = generator.choice(list(_STEP_CHANCES), size=len(lengths), p=list(_STEP_CHANCES.values()))
    return Motive(tuple(lengths), tuple(int(s) for s in steps))


def make_tune(
    chords: tuple[Chord, ...], beats: int, feel: str, low: int, high: int, generator: np.random.Generator
) -> tuple[Event, ...]:
    """A melody over chords.

    Parameters
    ----------
    chords : tuple of Chord
    beats : int
        A bar has, 3 or 4.
    feel : str
        Of `RHYTHMS`.
    low, high : int
        Range of its pitches.
    generator : numpy.random.Generator

    Returns
    -------
    tuple of Event
        It ends on the root of the last chord.
    """
    end = chords[-1].beat
    motives = {letter: _motive(feel, beats, generator) for letter in sorted(set(FORM))}
    pitch = nearest(chords[0].tones, (low + high) / 2, low, high)
    events: list[Event] = []
    for phrase in range(int(np.ceil(end / (2 * beats)))):
        motive = motives[FORM[phrase % len(FORM)]]
        beat = phrase * 2.0 * beats
        for length, move in zip(motive.lengths, motive.steps, strict=True):
            if beat >= end:
                break
            if length > 0:
                pitch = _next(pitch, move, chord_at(chords, beat), beat % 2 == 0 or length >= 1.5, low, high)
                events.append(Event(beat, min(length, end - beat) * 0.95, pitch, 80 + 8 * (beat % beats == 0)))
            beat += abs(length)
    last = nearest((chords[-1].root,), pitch, low, high)
    return (*events, Event(end, chords[-1].length, last, 84))


def _next(pitch: int, move: int, chord: Chord, strong: bool, low: int, high: int) -> int:
    aim = step(chord.scale, pitch, move)
    if aim > high or aim < low:
        aim = step(chord.scale, pitch, -move)
    return nearest(chord.tones if strong else chord.scale, aim, low, high)


def chord_at(chords: tuple[Chord, ...], beat: float) -> Chord:
    """The chord that holds at a beat."""
    return next(chord for chord in reversed(chords) if chord.beat <= beat + 1e-6)
