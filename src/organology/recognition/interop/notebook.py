"""A recognition as HTML for notebooks: a timeline of every label that plays, as SVG, and the scores as text."""

from __future__ import annotations

from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from organology.recognition.data import RecognitionData
from organology.timeaxis import clock, time_step

MOST_CELLS = 240
"""Cells of a row; of longer recordings each is the mean of several."""

_LEFT, _RIGHT, _PLOT, _ROW, _TOP = 150, 60, 640, 22, 8  # pixels
_MOST_MARKS = 12


def to_html(recognition: RecognitionData) -> str:
    """The timeline of a recording, as notebooks show it.

    A row a label: shades are its score over time, the line below says where it plays, the number is the score of the
    file. Labels that play only briefly are dim. It needs no script and no other file.

    Parameters
    ----------
    recognition : Recognition
    """
    playing = set(recognition.instruments)
    shown = playing.union(recognition.brief)
    rows = [label for label in recognition.order() if label in shown]
    notes = "".join(f"<div>{_text(note)}</div>" for note in recognition.notes)
    head = f"<b>{_text(recognition.source)}</b> {clock(recognition.duration)}"
    if not rows:
        return f"<div>{head}: nothing recognized{notes}</div>"
    body = "".join(_row(recognition, label, i, label in playing) for i, label in enumerate(rows))
    height = _TOP + _ROW * len(rows) + 20
    return (
        f'<div>{head}{notes}<br><svg role="img" aria-label="{_text(", ".join(recognition.instruments))}" '
        f'viewBox="0 0 {_LEFT + _PLOT + _RIGHT} {height}" style="max-width:{_LEFT + _PLOT + _RIGHT}px;width:100%" '
        f'font-family="sans-serif" font-size="12" fill="currentColor">{body}{_axis(recognition.duration, height)}'
        "</svg></div>"
    )


def _row(recognition: RecognitionData, label: str, number: int, plays: bool) -> str:
    top = _TOP + _ROW * number
    label_set = recognition.label_set
    name = f"{'  ' * label_set.depth(label)}{label_set.display[label]}{'' if plays else ' (briefly)'}"
    color = _text(label_set.colors[label])
    cells = "".join(
        f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 7}" fill="{color}" opacity="{level:.2f}"/>'
        for x, width, level in _cells(recognition, recognition.labels.index(label))
        if level >= 0.01
    )
    scale = _PLOT / recognition.duration
    lines = "".join(
        f'<rect x="{_LEFT + one.start * scale:.1f}" y="{top + _ROW - 6}" width="{(one.end - one.start) * scale:.1f}" '
        f'height="2.5" fill="{color}"/>'
        for one in recognition.segments_of(label)
    )
    middle = top + _ROW / 2
    return (
        f'<g opacity="{1 if plays else 0.6}"><text x="{_LEFT - 8}" y="{middle}" text-anchor="end" xml:space="preserve">'
        f'{_text(name)}</text>{cells}{lines}<text x="{_LEFT + _PLOT + 8}" y="{middle}">'
        f"{recognition.score(label):.2f}</text></g>"
    )


def _cells(recognition: RecognitionData, column: int) -> list[tuple[float, float, float]]:
    """Left edge and width in pixels, and score, of each cell of a row."""
    edges: NDArray[np.float64] = recognition.activity.edges
    scores = recognition.activity.scores[:, column]
    if not len(scores):
        return []
    each = -(-len(scores) // MOST_CELLS)
    firsts = np.arange(0, len(scores), each)
    sizes = np.diff(np.append(firsts, len(scores)))
    levels = np.add.reduceat(scores, firsts, dtype=np.float64) / sizes
    bounds = _LEFT + np.append(edges[firsts], edges[-1]) * (_PLOT / recognition.duration)
    return [(left, right - left, float(level)) for (left, right), level in zip(pairwise(bounds), levels, strict=True)]


def _axis(duration: float, height: int) -> str:
    step = max(1, time_step(duration, _MOST_MARKS))
    return "".join(
        f'<text x="{_LEFT + at / duration * _PLOT:.1f}" y="{height - 4}" text-anchor="middle" opacity="0.7">'
        f"{clock(at)}</text>"
        for at in np.arange(0, duration, step)
    )


def _text(value: str) -> str:
    whole = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return escape("".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in whole))
