"""Who plays what: programs drawn anew, so that labels come out even, and a light human touch.

`reassign` draws a label first and then a program of it, so that the many programs of a family do not crowd out
labels of few programs. The part moves by octaves into the range of its new instrument.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources

import numpy as np

from organology.labels import Vocabulary, default_set
from organology.rendering.midi import Control, Note, Part, Score

DRUM_KITS = (0, 8, 16, 24, 25, 32, 40)
"""Kits of the GS drum channel that are drum kits: standard, room, power, electronic, TR-808, jazz, brush."""

HUMAN_SECONDS, HUMAN_VELOCITY = 0.008, 6.0
"""Standard deviations of onsets and velocities at a human touch of 1."""

_PEDALS = (64, 66, 67, 69)
_PEDALLED = (*range(8), 11, 46)
_UNSUITED = ("mask", "exclude")
_UNTUNED = (113, *range(115, 120))


@cache
def ranges() -> dict[int, tuple[int, int]]:
    """Lowest and highest MIDI pitch of each General MIDI program 0 to 127 (data/gm_ranges.tsv)."""
    text = (resources.files("organology.rendering") / "data" / "gm_ranges.tsv").read_text("utf-8")
    return {
        program: (int(row["low"]), int(row["high"]))
        for row in csv.DictReader(text.splitlines(), delimiter="\t")
        for program in range(int(row["first"]), int(row["last"]) + 1)
    }


@cache
def programs_by_label() -> dict[str, tuple[int, ...]]:
    """The melodic programs that stand for each label of the default set, those of an instrument not under its family.

    Untuned programs and those that the vocabulary masks or excludes stand for none; the label drums has none, and
    singer is unknown in every program, so both are missing.
    """
    vocabulary = Vocabulary.load("general_midi")
    groups: dict[str, list[int]] = {}
    for program in range(128):
        if vocabulary[str(program)].policy not in _UNSUITED and program not in _UNTUNED:
            groups.setdefault(label_of(program), []).append(program)
    return {label: tuple(groups[label]) for label in default_set().labels if label in groups}


def label_of(program: int) -> str:
    """The finest present label of a program (0 to 128) in the default set, "" where it has none."""
    label_set = default_set()
    present, _ = label_set.decode(Vocabulary.load("general_midi")[str(program)].encode(label_set))
    return next((label for label in present if label in label_set.parents), next(iter(present), ""))


def reassign(
    score: Score, probability: float, generator: np.random.Generator, plays: Callable[[int], bool] = lambda _: True
) -> Score:
    """Draw the programs of a score anew.

    Parameters
    ----------
    score : Score
    probability : float
        For each melodic part, of being drawn anew: a label among those that the song has least of so far, then one
        of its programs. For each drum part, of another drum kit.
    generator : numpy.random.Generator
    plays : callable
        Whether a program can be played; others are not drawn.

    Returns
    -------
    Score
        Parts that were drawn anew lie in the range of their instrument; sustain pedals are left out where the
        instrument has none.
    """
    able = {label: [p for p in programs if plays(p)] for label, programs in programs_by_label().items()}
    groups = {label: programs for label, programs in able.items() if programs}
    drawn = [bool(generator.random() < probability) for _ in score.parts]
    count = Counter(label_of(part.program) for part, new in zip(score.parts, drawn, strict=True) if not new)
    parts = []
    for part, new in zip(score.parts, drawn, strict=True):
        if new and part.is_drums:
            part = _with_kit(part, int(generator.choice(DRUM_KITS)))
        elif new and groups:
            fewest = min(count[label] for label in groups)
            label = str(generator.choice([label for label in groups if count[label] == fewest]))
            count[label] += 1
            part = with_program(part, int(generator.choice(groups[label])))
        parts.append(part)
    return replace(score, parts=tuple(parts))


def _with_kit(part: Part, kit: int) -> Part:
    controls = tuple(control for control in part.controls if control.kind != "program_change")
    return replace(part, controls=(Control(0.0, "program_change", 0, kit), *controls))


def with_program(part: Part, program: int) -> Part:
    """A melodic part played by another program, moved by octaves into its range."""
    low, high = ranges()[program]
    controls = part.controls
    if program not in _PEDALLED:
        controls = tuple(c for c in controls if not (c.kind == "control_change" and c.number in _PEDALS))
    pitches = into_range([note.pitch for note in part.notes], low, high)
    notes = tuple(replace(note, pitch=pitch) for note, pitch in zip(part.notes, pitches, strict=True))
    return replace(part, program=program, notes=notes, controls=controls)


def into_range(pitches: Sequence[int], low: int, high: int) -> list[int]:
    """Move pitches together by octaves so that most lie in a range; those left out are moved one by one.

    Parameters
    ----------
    pitches : sequence of int
        MIDI pitches.
    low, high : int
        The range, both ends in it, an octave or more apart for every pitch class to have a place in it.

    Examples
    --------
    >>> into_range([36, 40, 43], 60, 90)
    [60, 64, 67]
    >>> into_range([30, 60, 62, 64], 55, 96)
    [66, 60, 62, 64]
    """
    values = np.asarray(pitches)
    middle = (low + high) / 2
    shifts = sorted(range(-96, 97, 12), key=abs)
    outside = [int(((values + shift < low) | (values + shift > high)).sum()) for shift in shifts]
    fitting = [shift for shift, count in zip(shifts, outside, strict=True) if count == min(outside)]
    # Of the octaves that fit equally, the nearest to where the part was written.
    shift = min(fitting, key=lambda s: (abs(s), abs(float(np.median(values)) + s - middle)))
    return [_folded(int(pitch) + shift, low, high) for pitch in pitches]


def _folded(pitch: int, low: int, high: int) -> int:
    if pitch < low:
        pitch += 12 * -(-(low - pitch) // 12)
    elif pitch > high:
        pitch -= 12 * -(-(pitch - high) // 12)
    return min(max(pitch, 0), 127)


def humanize(score: Score, amount: float, generator: np.random.Generator) -> Score:
    """Move onsets and velocities a little.

    Parameters
    ----------
    score : Score
    amount : float
        0 leaves the score as it is; 1 is a standard deviation of 8 ms and of 6 velocity steps.
    generator : numpy.random.Generator
    """
    if amount <= 0:
        return score
    parts = []
    for part in score.parts:
        moves = generator.normal(0.0, HUMAN_SECONDS * amount, len(part.notes))
        changes = generator.normal(0.0, HUMAN_VELOCITY * amount, len(part.notes))
        notes = [_moved(*each) for each in zip(part.notes, moves, changes, strict=True)]
        parts.append(replace(part, notes=tuple(sorted(notes, key=lambda note: (note.start, note.pitch)))))
    return replace(score, parts=tuple(parts))


def _moved(note: Note, move: float, change: float) -> Note:
    start = max(note.start + move, 0.0)
    velocity = int(np.clip(round(note.velocity + change), 1, 127))
    return replace(note, start=start, end=start + note.end - note.start, velocity=velocity)
