"""Basses, timpani and drums."""

from __future__ import annotations

import numpy as np

from starter_music.theory import Chord, Event, nearest, step
from starter_music.tonal import Sheet

KICK, SNARE, STICK, CLOSED, OPEN, RIDE, CRASH, CLAP = 36, 38, 37, 42, 46, 51, 49, 39
TOMS = (50, 47, 45, 43)
SHAKER, COWBELL, TAMBOURINE = 70, 56, 54

BASS_FIGURES = {
    "eighths": (0.5, (0, 0, 0, 0, 0, 0, 0, 0)),
    "octaves": (0.5, (0, 12, 0, 12, 0, 12, 0, 12)),
    "sixteenths": (0.25, (0, 0, 12, 0)),
    "oompah": (1.0, (0, -5)),
    "halves": (2.0, (0, 7)),
    "whole": (4.0, (0,)),
    "dotted": (0.5, (0, None, None, 0, 7, None, 0, None)),
    "funk": (0.25, (0, None, 0, None, None, 12, None, 0, None, None, 7, None, 10, None, 12, None)),
    "reggae": (0.5, (None, None, 0, 0, 7, None, 4, None)),
    "waltz": (3.0, (0,)),
}


def bass(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """A bass line: a figure of `BASS_FIGURES` (semitones over the root) or `walking`."""
    events: list[Event] = []
    for chord, following in zip(sheet.chords, (*sheet.chords[1:], sheet.chords[-1]), strict=True):
        root = nearest((chord.root,), 36, 29)
        if chord.beat >= sheet.last_beat:
            events.append(Event(chord.beat, chord.length, root, 86))
        elif figure == "walking":
            events += _walk(chord, root, nearest((following.root,), 36, 29), generator)
        else:
            events += _repeat(chord, root, *BASS_FIGURES[figure])
    return events


def _repeat(chord: Chord, root: int, unit: float, offsets: tuple[int | None, ...]) -> list[Event]:
    events = []
    for i in range(max(round(chord.length / unit), 1)):
        offset = offsets[i % len(offsets)]
        if offset is not None:
            pitch = root + offset
            if pitch % 12 not in chord.scale:  # 4 and 10 over the root have to suit the mode
                pitch = nearest(chord.scale, pitch - 1)
            length = min(unit, chord.length) * 0.92
            events.append(Event(chord.beat + i * unit, length, pitch, 88 if i == 0 else 78))
    return events


def _walk(chord: Chord, root: int, goal: int, generator: np.random.Generator) -> list[Event]:
    events, pitch = [], root
    for i in range(round(chord.length)):
        if i and i == round(chord.length) - 1:
            pitch = goal + int(generator.choice([-1, 1]))
        elif i:
            pitch = step(chord.scale, pitch, int(generator.choice([1, 2, 2, -1])))
        events.append(Event(chord.beat + i, 0.95, pitch, 84 if i == 0 else 76))
    return events


def timpani(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """The root on first beats, a pick-up, and a roll before every fourth bar's end."""
    events = []
    for bar in range(sheet.bars):
        start = float(bar * sheet.beats)
        root = nearest((next(c for c in reversed(sheet.chords) if c.beat <= start).root,), 46, 41)
        events.append(Event(start, 1.0, root, 92))
        if bar < sheet.bars - 1:
            if bar % 4 == 3:
                events += [Event(start + 2 + i / 8, 0.12, root, 60 + 2 * i) for i in range(8 * (sheet.beats - 2))]
            else:
                events += [Event(start + 2, 0.5, root, 78), Event(start + 2.5, 0.5, root, 70)]
    return events


GROOVES: dict[str, dict[int, str]] = {
    # One character a sixteenth: x loud, o soft, . silent.
    "rock": {KICK: "x.....x.x.......", SNARE: "....x.......x...", CLOSED: "x.o.x.o.x.o.x.o."},
    "pop": {KICK: "x.......x.x.....", SNARE: "....x.......x..o", CLOSED: "x.oox.oox.oox.oo"},
    "metal": {KICK: "x.xxx.xxx.xxx.xx", SNARE: "....x.......x...", RIDE: "x...x...x...x..."},
    "dance": {KICK: "x...x...x...x...", CLAP: "....x.......x...", OPEN: "..x...x...x...x.", CLOSED: "xxoxxxoxxxoxxxox"},
    "funk": {KICK: "x..x..x...x..x..", SNARE: "....x..o.o..x..o", CLOSED: "x.x.x.x.x.x.x.xo"},
    "reggae": {KICK: "........x.......", STICK: "........x.......", CLOSED: "x.o.x.o.x.o.x.o."},
    "ballad": {KICK: "x.........x.....", STICK: "....x.......x...", CLOSED: "x.o.o.o.x.o.o.o."},
    "train": {KICK: "x...x...x...x...", SNARE: "ooxoooxoooxoooxo"},
    "synth": {KICK: "x...x...x...x...", SNARE: "....x.......x...", CLOSED: "..x...x...x...xo"},
    "shaker": {SHAKER: "xooxxooxxooxxoox", TAMBOURINE: "....x.......x..."},
    "swing": {RIDE: "x...x.o.x...x.o.", CLOSED: "....x.......x...", KICK: "o.......o...", SNARE: "......o....o...."},
}


def drums(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """A groove of `GROOVES` with a crash every eight bars and a fill before every fourth bar's end."""
    groove = GROOVES[figure]
    unit = 4 / len(next(iter(groove.values())))
    events = [Event(sheet.last_beat, 1.0, CRASH, 96), Event(sheet.last_beat, 1.0, KICK, 100)]
    for bar in range(sheet.bars - 1):
        start = float(bar * sheet.beats)
        fill = bar % 4 == 3 and figure not in ("shaker", "swing")
        for key, line in groove.items():
            for i, mark in enumerate(line):
                if mark != "." and i * unit < sheet.beats - fill:
                    events.append(Event(start + i * unit, 0.2, key, 98 if mark == "x" else 66))
        if bar % 8 == 0 and figure not in ("shaker", "swing", "ballad"):
            events.append(Event(start, 1.0, CRASH, 92))
        if fill:
            toms = sorted(generator.choice(TOMS, size=4), reverse=True)
            events += [Event(start + sheet.beats - 1 + i / 4, 0.2, int(tom), 90) for i, tom in enumerate(toms)]
    return events
