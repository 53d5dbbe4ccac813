"""What pitched parts play: each role is a function of the sheet, a figure and a generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from starter_music.theory import Chord, Event, nearest, step
from starter_music.tune import chord_at, make_tune


@dataclass(frozen=True)
class Sheet:
    """What all parts of a song share."""

    chords: tuple[Chord, ...]
    voices: tuple[tuple[int, int, int, int], ...]
    tune: tuple[Event, ...]
    beats: int
    bars: int

    @property
    def last_beat(self) -> float:
        """Where the last bar, one held chord, begins."""
        return float((self.bars - 1) * self.beats)


Role = Callable[[Sheet, str, np.random.Generator], list[Event]]


def tune(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """The song's melody; with a figure, a melody of its own in that feel."""
    if not figure:
        return list(sheet.tune)
    return list(make_tune(sheet.chords, sheet.beats, figure, 60, 81, generator))


def second(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """Goes with the melody on the chord tone below it."""
    events = []
    for event in sheet.tune:
        tones = chord_at(sheet.chords, event.beat).tones
        events.append(Event(event.beat, event.length, nearest(tones, event.pitch - 4, 0, event.pitch - 3), 70))
    return events


def answer(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """A second melody that speaks in every other bar."""
    own = make_tune(sheet.chords, sheet.beats, figure or "lively", 60, 79, generator)
    return [event for event in own if (event.beat // sheet.beats) % 2 == 1 or event.beat >= sheet.last_beat]


def voice(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """One of the four voices: figure `NUMBER MANNER`, number 0 (bass) to 3; held, pulse, offbeat, passing, broken."""
    number, manner = figure.split()
    line = [voices[int(number)] for voices in sheet.voices]
    events: list[Event] = []
    for i, (chord, pitch) in enumerate(zip(sheet.chords, line, strict=True)):
        if chord.beat >= sheet.last_beat or manner == "held":
            events.append(Event(chord.beat, chord.length * 0.98, pitch, 74))
            continue
        following = line[i + 1]
        for at in np.arange(0, chord.length, 0.5):
            on_beat = at % 1 == 0
            event = Event(chord.beat + float(at), 0.48, pitch, 72 if on_beat else 66)
            if manner == "pulse" or (manner == "offbeat" and not on_beat):
                events.append(event)
            elif manner == "broken":
                turn = (pitch, step(chord.scale, pitch, 1), pitch, nearest(chord.tones, pitch - 3, 0, pitch - 1))
                events.append(Event(event.beat, 0.5, turn[int(at * 2) % 4], event.velocity))
            elif manner == "passing" and on_beat:
                leading = at == chord.length - 1 and abs(following - pitch) > 2
                events.append(Event(event.beat, 0.5 if leading else 0.98, pitch, 74))
                if leading:
                    between = step(chord.scale, pitch, 1 if following > pitch else -1)
                    events.append(Event(event.beat + 0.5, 0.48, between, 68))
    return events


def pad(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """The upper three voices held."""
    return [
        Event(chord.beat, chord.length * 0.99, pitch, 66)
        for chord, voices in zip(sheet.chords, sheet.voices, strict=True)
        for pitch in voices[1:]
    ]


COMPS = {
    "quarters": ((0, 0.9), (1, 0.9), (2, 0.9), (3, 0.9)),
    "pop": ((0, 1.4), (1.5, 1.4), (3, 0.9)),
    "charleston": ((0, 0.8), (1.5, 0.6)),
    "jazz": ((0.5, 0.4), (2, 0.9), (3.5, 0.4)),
    "offbeats": ((0.5, 0.3), (1.5, 0.3), (2.5, 0.3), (3.5, 0.3)),
    "skank": ((1, 0.3), (3, 0.3)),
    "waltz": ((1, 0.7), (2, 0.7)),
    "funk": ((0, 0.2), (0.75, 0.2), (1.5, 0.2), (2.25, 0.2), (3, 0.2), (3.5, 0.2)),
    "halves": ((0, 1.9), (2, 1.9)),
}


def comp(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """Chords in a rhythm of `COMPS`."""
    events = []
    for bar in range(sheet.bars):
        start = float(bar * sheet.beats)
        strokes = COMPS[figure] if bar < sheet.bars - 1 else ((0, sheet.beats),)
        for beat, length in strokes:
            if beat < sheet.beats:
                velocity = 78 if beat == 0 else 70
                chord = _voices_at(sheet, start + beat)[1:]
                events += [Event(start + beat, float(length), pitch, velocity) for pitch in chord]
    return events


def two_hands(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """A pianist: chords of `comp` in the right hand, the bass note on the first and middle beats in the left."""
    left = [
        Event(chord.beat + at, 1.9, voices[0] - 12 * (at == 0), 72)
        for chord, voices in zip(sheet.chords, sheet.voices, strict=True)
        for at in np.arange(0, chord.length, 2.0)
    ]
    return left + comp(sheet, figure, generator)


def _voices_at(sheet: Sheet, beat: float) -> tuple[int, int, int, int]:
    return next(v for c, v in zip(sheet.chords[::-1], sheet.voices[::-1], strict=True) if c.beat <= beat + 1e-6)


PICKS = {
    "eighths": (0.5, (0, 2, 3, 4, 3, 2, 3, 4)),
    "sixteenths": (0.25, (0, 2, 3, 4, 3, 2, 4, 3)),
    "triplets": (1 / 3, (0, 2, 3, 4, 3, 2)),
    "travis": (0.5, (0, 3, 1, 4, 0, 2, 1, 3)),
    "roll": (0.25, (2, 3, 4, 2, 3, 4, 2, 4)),
    "up": (0.5, (0, 1, 2, 3, 4, 5, 4, 3)),
}


def pick(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """Broken chords in an order of `PICKS`, over two octaves of chord tones."""
    unit, order = PICKS[figure]
    events = []
    for chord in sheet.chords:
        root = nearest((chord.root,), 46)
        ladder = [p for p in range(root, root + 36) if p % 12 in chord.tones[:3]]
        ladder.insert(1, root + 7 if (root + 7) % 12 in chord.tones else ladder[2])
        if chord.beat >= sheet.last_beat:
            events += [Event(chord.beat + 0.06 * i, chord.length, ladder[i], 74) for i in (0, 2, 3, 4)]
            continue
        for i in range(round(chord.length / unit)):
            pitch = ladder[order[i % len(order)]]
            events.append(Event(chord.beat + i * unit, unit * 1.8, pitch, 80 if i % 4 == 0 else 68))
    return events


STRUMS = {
    "folk": ((0, "d"), (1, "d"), (1.5, "u"), (2.5, "u"), (3, "d"), (3.5, "u")),
    "train": ((0, "d"), (0.5, "u"), (1, "d"), (1.5, "u"), (2, "d"), (2.5, "u"), (3, "d"), (3.5, "u")),
    "slow": ((0, "d"), (2, "d"), (3, "u")),
    "waltz": ((0, "d"), (1, "d"), (2, "d"), (2.5, "u")),
}


def strum(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """A guitar strummed down and up, string after string, in a pattern of `STRUMS`."""
    events = []
    for bar in range(sheet.bars):
        start = float(bar * sheet.beats)
        for beat, way in STRUMS[figure] if bar < sheet.bars - 1 else ((0, "d"),):
            chord = chord_at(sheet.chords, start + beat)
            root = nearest((chord.root,), 45, 40)
            strings = [root, *(p for p in range(root + 5, root + 25) if p % 12 in chord.tones[:3])][:6]
            length = 0.9 if bar < sheet.bars - 1 else float(sheet.beats)
            for i, pitch in enumerate(strings if way == "d" else strings[:2:-1]):
                events.append(Event(start + beat + 0.025 * i, length, pitch, (82 if way == "d" else 66) - 2 * i))
    return events


POWERS = {
    "chug": tuple((0.5 * i, 0.4) for i in range(8)),
    "gallop": tuple((b + at, 0.22) for b in range(4) for at in (0.0, 0.5, 0.75)),
    "sustain": ((0.0, 3.9),),
    "push": ((0.0, 1.4), (1.5, 0.9), (2.5, 1.4)),
}


def power(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """Root, fifth and octave of a driven guitar, in a rhythm of `POWERS`."""
    events = []
    for bar in range(sheet.bars):
        start = float(bar * sheet.beats)
        for beat, length in POWERS[figure] if bar < sheet.bars - 1 else ((0.0, float(sheet.beats)),):
            root = nearest((chord_at(sheet.chords, start + beat).root,), 44, 40)
            velocity = 92 if beat % 1 == 0 else 80
            events += [Event(start + beat, length, pitch, velocity) for pitch in (root, root + 7, root + 12)]
    return events


def bells(sheet: Sheet, figure: str, generator: np.random.Generator) -> list[Event]:
    """The melody's notes on full beats, an octave up."""
    return [Event(e.beat, max(e.length, 1.0), e.pitch + 12, 72) for e in sheet.tune if e.beat % 1 == 0]
