"""Excerpts of scores: where most parts sound, and cut out with their controllers as they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from organology.rendering.midi import Control, Score

_PARAMETERS = (6, 38, 96, 97, 98, 99, 100, 101)


def density(score: Score, step_seconds: float = 0.5) -> NDArray[np.float64]:
    """How many parts have a note sounding, per step of time: float64 of shape (n_steps,)."""
    n_steps = int(np.ceil(score.seconds / step_seconds)) + 1
    count = np.zeros(n_steps)
    for part in score.parts:
        sounding = np.zeros(n_steps, dtype=bool)
        for note in part.notes:
            sounding[int(note.start / step_seconds) : int(np.ceil(note.end / step_seconds))] = True
        count += sounding
    return count


def excerpt_starts(score: Score, seconds: float, step_seconds: float = 0.5) -> NDArray[np.float64]:
    """Where an excerpt may start, in seconds, the densest place first, then by time.

    The densest excerpt is the one in which most parts sound most of the time. The others listed are those at least
    nine tenths as dense.

    Parameters
    ----------
    score : Score
    seconds : float
        Length of the excerpt. Where the whole score is not longer, only 0 is given.

    Returns
    -------
    float64 array, shape (n,), n >= 1
    """
    if score.seconds <= seconds:
        return np.zeros(1)
    width = max(round(seconds / step_seconds), 1)
    total = np.concatenate([[0.0], np.cumsum(density(score, step_seconds))])
    dense = total[width:] - total[:-width] if len(total) > width else total[-1:]
    best = int(np.argmax(dense))
    others = [i for i in np.flatnonzero(dense >= 0.9 * dense[best]) if i != best]
    return np.array([best, *others], dtype=np.float64) * step_seconds


def cut(score: Score, start: float, seconds: float) -> Score:
    """The excerpt of a score from `start`, of at most `seconds`; time counts from its start.

    Notes that sound into the excerpt begin with it, and those that sound out of it end with it. What the
    controllers were set to before holds at its start. Parts without a note in it are left out.
    """
    end = start + seconds
    parts = []
    for part in score.parts:
        notes = tuple(
            replace(note, start=max(note.start - start, 0.0), end=min(note.end, end) - start)
            for note in part.notes
            if note.start < end and note.end > start
        )
        if notes:
            parts.append(replace(part, notes=notes, controls=_cut_controls(part.controls, start, end)))
    return Score(tuple(parts), min(score.seconds - start, seconds))


def _cut_controls(controls: tuple[Control, ...], start: float, end: float) -> tuple[Control, ...]:
    before: list[Control] = []
    seen: set[tuple[str, int]] = set()
    for control in reversed([control for control in controls if control.time < start]):
        # Data entries belong to the parameter number that was sent before them: their order is kept whole.
        in_order = control.kind == "control_change" and control.number in _PARAMETERS
        if in_order or (control.kind, control.number) not in seen:
            seen.add((control.kind, control.number))
            before.append(replace(control, time=0.0))
    inside = (replace(control, time=control.time - start) for control in controls if start <= control.time < end)
    return (*reversed(before), *inside)
