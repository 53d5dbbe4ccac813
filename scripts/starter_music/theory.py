"""Scales, chords, four-part voicing.

Pitches are MIDI numbers, pitch classes 0 to 11, times beats.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
KEYS = {"C": 0, "Db": 1, "D": 2, "Eb": 3, "E": 4, "F": 5, "F#": 6, "G": 7, "Ab": 8, "A": 9, "Bb": 10, "B": 11}
VOICE_RANGES = ((40, 55), (48, 65), (55, 72), (62, 79))
"""Bass, tenor, alto, soprano."""


@dataclass(frozen=True)
class Event:
    """A note in beats."""

    beat: float
    length: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Chord:
    """A chord that holds from `beat` for `length` beats.

    `tones` are its pitch classes, the root first; `scale` the pitch classes a melody may step on.
    """

    beat: float
    length: float
    tones: tuple[int, ...]
    scale: tuple[int, ...]

    @property
    def root(self) -> int:
        """Pitch class of the root."""
        return self.tones[0]


def make_chord(symbol: str, tonic: int, mode: str, beat: float, length: float) -> Chord:
    """A chord on a degree of the mode.

    `symbol` is the degree, 1 to 7; `!` behind it makes the third major (the dominant of a minor key), `7` adds the
    seventh: `2`, `57`, `5!7`.
    """
    degree = int(symbol[0]) - 1
    scale = [(tonic + step) % 12 for step in MODES[mode]]
    tones = [scale[(degree + skip) % 7] for skip in (0, 2, 4)]
    if "7" in symbol[1:]:
        tones.append(scale[(degree + 6) % 7])
    if "!" in symbol:
        raised = (tones[0] + 4) % 12
        scale = [raised if tone == tones[1] else tone for tone in scale]
        tones[1] = raised
    return Chord(beat, length, tuple(tones), tuple(sorted(scale)))


def make_chords(progression: str, tonic: int, mode: str, beats: int, bars: int) -> tuple[Chord, ...]:
    """The chords of a song: the progression bar by bar, over and over, and the tonic in the last bar.

    Bars are parted by blanks; `4-5` is a bar of two chords.
    """
    pattern = progression.split()
    chords = []
    for bar in range(bars):
        symbols = pattern[bar % len(pattern)].split("-") if bar < bars - 1 else ["1"]
        length = beats / len(symbols)
        for i, symbol in enumerate(symbols):
            chords.append(make_chord(symbol, tonic, mode, bar * beats + i * length, length))
    return tuple(chords)


def nearest(pitch_classes: tuple[int, ...], pitch: float, low: int = 0, high: int = 127) -> int:
    """The pitch nearest to `pitch`, of some pitch classes, in a range."""
    fitting = [p for p in range(low, high + 1) if p % 12 in pitch_classes]
    return min(fitting, key=lambda p: (abs(p - pitch), p))


def step(scale: tuple[int, ...], pitch: int, steps: int) -> int:
    """The pitch some scale steps above (or, negative, below) a pitch."""
    ladder = [p for p in range(128) if p % 12 in scale]
    at = min(range(len(ladder)), key=lambda i: (abs(ladder[i] - pitch), i))
    return ladder[min(max(at + steps, 0), len(ladder) - 1)]


def voice_leading(chords: tuple[Chord, ...]) -> tuple[tuple[int, int, int, int], ...]:
    """Bass, tenor, alto and soprano of each chord, each voice moving as little as may be.

    The bass has the root; the third is there; neighbors of the upper three lie at most an octave apart; parallel
    octaves and fifths with the bass cost.
    """
    voicings: list[tuple[int, int, int, int]] = []
    before = (46, 56, 63, 70)
    for chord in chords:
        bass = nearest((chord.root,), before[0], *VOICE_RANGES[0])
        ladders = [[p for p in range(low, high + 1) if p % 12 in chord.tones] for low, high in VOICE_RANGES[1:]]
        best = min(
            ((bass, *upper) for upper in itertools.product(*ladders)), key=lambda voices: _cost(voices, before, chord)
        )
        before = (best[0], best[1], best[2], best[3])
        voicings.append(before)
    return tuple(voicings)


def _cost(voices: tuple[int, ...], before: tuple[int, ...], chord: Chord) -> float:
    bass, tenor, alto, soprano = voices
    if not bass < tenor < alto < soprano or alto - tenor > 12 or soprano - alto > 12:
        return 1000.0
    cost = float(sum(abs(a - b) for a, b in zip(voices, before, strict=True)))
    cost += 20.0 * (chord.tones[1] not in {v % 12 for v in voices})
    for upper, was in zip(voices[1:], before[1:], strict=True):
        same = (upper - bass) % 12 == (was - before[0]) % 12
        cost += 8.0 * (same and (upper - bass) % 12 in (0, 7) and bass != before[0])
    return cost + 0.2 * abs(soprano - 70)
