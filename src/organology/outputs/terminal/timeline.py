"""A compact timeline for the terminal: a row a label that plays, blocks where it does, the time beneath.

    song.wav  1:00.0
    ● percussion  0.61/0.45  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
    ●   drums     0.59/0.47        ━━━━━━━━━━━━━━╸        ╺━━
                             0:00          0:30          1:00

Behind a name stand its score and its threshold; a label that plays only for a while has an empty mark and the word
"briefly". A block is a half of a character where the terminal has such, so time is twice as fine as the width in
characters. Plain terminals get `=` and `-` (half a character). Color is that of the label, and never the only
difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from organology.outputs.terminal.rows import BRIEFLY, NOTHING, Row, rows, title
from organology.recognition.result import Recognition
from organology.timeaxis import clock, time_step

_BLOCKS = (" ", "╺", "╸", "━")  # neither half, the right, the left, both
_PLAIN_BLOCKS = (" ", "-", "-", "=")
_MIN_WIDTH = 12
_NARROW = 64  # below, there is no room for thresholds


def _halves(recognition: Recognition, label: str, n_halves: int) -> NDArray[np.bool_]:
    """Whether a label plays in each half character: for a half of it at least, or the most of a short segment."""
    on = np.zeros(n_halves, bool)
    scale = n_halves / recognition.duration
    for segment in recognition.segments_of(label):
        begin = min(round(segment.start * scale), n_halves - 1)
        on[begin : max(round(segment.end * scale), begin + 1)] = True
    return on


def _axis(duration: float, width: int) -> str:
    """Times beneath, each centered at its place where there is room."""
    step = time_step(duration, max(2, width // 10))
    line = [" "] * width
    free = 0
    for i in range(int(duration / step + 1e-9) + 1):
        text = clock(i * step, tenths=step < 1)
        at = round(i * step / duration * (width - 1))
        begin = min(max(at - len(text) // 2, 0), width - len(text))
        if begin >= free:
            line[begin : begin + len(text)] = text
            free = begin + len(text) + 1
    return "".join(line).rstrip()


def _score(row: Row, narrow: bool) -> str:
    if narrow:
        return f"{row.score:.2f}"
    return f"{row.score:.2f}/{row.threshold:.2f}{'' if row.plays else f' {BRIEFLY}'}"


def render(recognition: Recognition, width: int, with_unicode: bool = True) -> Text:
    """The timeline of one recording in lines of at most `width` characters, at least 40."""
    text = title(recognition, end="")
    shown = rows(recognition, with_unicode)
    if not shown:
        return text.append(f"\n{NOTHING}", style="not bold bright_black")
    narrow = width < _NARROW
    space = 1 if narrow else 2
    scores = [_score(row, narrow) for row in shown]
    left = max(len(row.name) for row in shown) + space
    middle = max(map(len, scores)) + space
    room = max(_MIN_WIDTH, width - left - middle)
    blocks = _BLOCKS if with_unicode else _PLAIN_BLOCKS
    for row, score in zip(shown, scores, strict=True):
        style = "not bold" if row.plays else "not bold bright_black"
        text.append(f"\n{row.name:<{left}}{score:<{middle}}", style=style)
        halves = _halves(recognition, row.label, 2 * room)
        drawn = "".join(blocks[2 * a + b] for a, b in zip(halves[::2], halves[1::2], strict=True))
        text.append(drawn.rstrip(), style=f"not bold {recognition.label_set.colors[row.label]}")
    return text.append(f"\n{'':{left + middle}}{_axis(recognition.duration, room)}", style="not bold bright_black")
