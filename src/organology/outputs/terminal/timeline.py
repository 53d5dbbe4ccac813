"""A compact timeline for the terminal: a row a label that plays, blocks where it does, the time beneath.

    song.wav  1:00.0
    percussion  0.61  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
      drums     0.59        ━━━━━━━━━━━━━━╸        ╺━━
                      0:00          0:30          1:00

A block is a half of a character where the terminal has such, so time is twice as fine as the width in characters. Plain
terminals get `=` and `-` (half a character). Color is that of the family, and never the only difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from organology.outputs.plot import COLORS, time_step
from organology.outputs.terminal.table import clock, rows
from organology.recognition.result import Recognition
from organology.taxonomy import DISPLAY_NAMES, FAMILY_OF

_BLOCKS = (" ", "╺", "╸", "━")  # neither half, the right, the left, both
_PLAIN_BLOCKS = (" ", "-", "-", "=")
_MIN_WIDTH = 12


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


def render(recognition: Recognition, width: int, with_unicode: bool = True) -> Text:
    """The timeline of one recording in lines of at most `width` characters, more where that is less than 34."""
    told = Text(recognition.source, style="bold", end="")
    told.append(f"  {clock(recognition.duration, tenths=True)}", style="not bold bright_black")
    for note in recognition.notes:
        told.append(f"\n{note}", style="not bold yellow")
    shown = rows(recognition)
    if not shown:
        return told.append("\nnothing recognized", style="not bold bright_black")
    names = {label: ("  " if label in FAMILY_OF else "") + DISPLAY_NAMES[label] for label in shown}
    left = max(map(len, names.values())) + 2
    room = max(_MIN_WIDTH, width - left - 6)
    plays = set(recognition.instruments)
    blocks = _BLOCKS if with_unicode else _PLAIN_BLOCKS
    for label in shown:
        style = "not bold" if label in plays else "not bold bright_black"
        told.append(f"\n{names[label]:<{left}}{recognition.score(label):.2f}  ", style=style)
        halves = _halves(recognition, label, 2 * room)
        text = "".join(blocks[2 * a + b] for a, b in zip(halves[::2], halves[1::2], strict=True))
        told.append(text.rstrip(), style=f"not bold {COLORS[FAMILY_OF.get(label, label)]}")
    return told.append(f"\n{'':{left + 6}}{_axis(recognition.duration, room)}", style="not bold bright_black")
