"""The terminal's view of a recognition: what plays, its score, and when."""

from __future__ import annotations

from typing import TextIO

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from organology.outputs.writers import PlainWriter
from organology.recognition.result import Recognition
from organology.recognition.segments import Segment
from organology.taxonomy import DISPLAY_NAMES, FAMILIES, FAMILY_OF

_LEVELS = "▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = ".:-=+*%#"
_MIN_BAR, _MAX_BAR = 16, 60
_OTHER_COLUMNS = 33  # width that names, scores and the space between columns need
_STRETCH_COLUMNS = 11


def clock(seconds: float, tenths: bool = False) -> str:
    """Seconds as m:ss or h:mm:ss.

    >>> clock(83.4), clock(83.4, tenths=True), clock(3725)
    ('1:23', '1:23.4', '1:02:05')
    """
    unit = 10 if tenths else 1
    whole, part = divmod(round(seconds * unit), unit)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return f"{text}.{part}" if tenths else text


def rows(recognition: Recognition) -> list[str]:
    """Labels worth a row: those that play in the file or for a while, each family before its instruments."""
    shown = set(recognition.instruments) | {segment.label for segment in recognition.segments}
    shown |= {FAMILY_OF[label] for label in shown if label in FAMILY_OF}
    ordered = []
    for family in FAMILIES:
        members = [family, *(label for label, of in FAMILY_OF.items() if of == family)]
        ordered += [label for label in members if label in shown and label in recognition.labels]
    return ordered


def bar(recognition: Recognition, label: str, width: int, levels: str = _LEVELS) -> Text:
    """A label's activity as `width` characters; where it plays they are bright."""
    heard = recognition.activity
    column = heard.scores[:, recognition.labels.index(label)]
    edges = np.linspace(0, recognition.duration, width + 1)
    first = np.clip(np.searchsorted(heard.edges, edges[:-1], side="right") - 1, 0, len(column) - 1)
    last = np.clip(np.searchsorted(heard.edges, edges[1:], side="left"), first + 1, len(column))
    middles = (edges[:-1] + edges[1:]) / 2
    segments = recognition.segments_of(label)
    text = Text(no_wrap=True)
    for begin, end, middle in zip(first, last, middles, strict=True):
        level = float(column[begin:end].mean())
        plays = any(segment.start <= middle < segment.end for segment in segments)
        step = min(int(level * len(levels)), len(levels) - 1)
        text.append(levels[step], style="cyan" if plays else "bright_black")
    return text


def stretches(segments: tuple[Segment, ...], duration: float, most: int = 3) -> str:
    """Segments as text, the `most` longest in the order of time."""
    if not segments:
        return "-"
    if len(segments) == 1 and segments[0].start <= 0 and segments[0].end >= duration - 1e-6:
        return "throughout"
    longest = sorted(segments, key=lambda segment: segment.start - segment.end)[:most]
    text = ", ".join(f"{clock(s.start)}-{clock(s.end)}" for s in sorted(longest, key=lambda segment: segment.start))
    more = len(segments) - len(longest)
    return f"{text} +{more}" if more else text


def render(recognition: Recognition, width: int, levels: str = _LEVELS) -> Table:
    """The table of one recording, for a terminal of `width` characters."""
    title = Text.assemble(
        (recognition.source, "bold"), (f"  {clock(recognition.duration, tenths=True)}", "bright_black")
    )
    for note in recognition.notes:
        title.append(f"\n{note}", style="yellow")
    table = Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    n_stretches = 3 if width >= 95 else 2 if width >= 80 else 1
    stretch_width = n_stretches * (_STRETCH_COLUMNS + 2 + 4 * (recognition.duration >= 3600)) + 2
    bar_width = int(np.clip(width - _OTHER_COLUMNS - stretch_width, _MIN_BAR, _MAX_BAR))
    table.add_column("instrument", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column(f"0:00{clock(recognition.duration):>{bar_width - 4}}", no_wrap=True, width=bar_width)
    table.add_column("when")
    plays = set(recognition.instruments)
    for label in rows(recognition):
        name = ("  " if label in FAMILY_OF else "") + DISPLAY_NAMES[label]
        table.add_row(
            Text(name, style="bold" if label in plays else "bright_black"),
            f"{recognition.score(label):.2f}",
            bar(recognition, label, bar_width, levels),
            stretches(recognition.segments_of(label), recognition.duration, n_stretches),
        )
    if not table.rows:
        table.add_row(Text("nothing recognized", style="bright_black"), "", "", "")
    return table


class TableWriter(PlainWriter):
    """Tables, one a recording.

    Parameters
    ----------
    stream : text stream
        Colors only if it is a terminal; block characters only if its encoding has them.
    timeline : bool
        A timeline over the whole width (`blocks.render`) in place of the table.
    """

    def __init__(self, stream: TextIO, timeline: bool = False) -> None:
        self._timeline = timeline
        self._console = Console(file=stream, highlight=False)
        if not self._console.is_terminal:
            self._console.width = max(self._console.width, 100)
        encoding = getattr(stream, "encoding", None) or "utf-8"  # text in memory has none and takes all
        self._unicode = "utf" in encoding.lower()

    def add(self, recognition: Recognition) -> None:
        """Write the table of one recording."""
        width = self._console.width
        if self._timeline:
            from organology.outputs.terminal import timeline

            self._console.print(timeline.render(recognition, width, self._unicode), no_wrap=True)
        else:
            self._console.print(render(recognition, width, _LEVELS if self._unicode else _PLAIN_LEVELS))
        self._console.print()
