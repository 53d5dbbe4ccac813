"""The table of a recording: what plays, its score and threshold, and when."""

from __future__ import annotations

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from organology.outputs.terminal.rows import BRIEFLY, NOTHING, Row, rows, title
from organology.recognition.result import Recognition
from organology.recognition.segments import Segment
from organology.timeaxis import clock

_SHADES = "▁▂▃▄▅▆▇█"
_PLAIN_SHADES = ".:-=+*%#"
_MIN_BAR, _MAX_BAR = 12, 60
_NARROW = 72  # below, there is no room for bars
_OTHER_COLUMNS = 27  # width that scores, thresholds and the space between columns need
_SPAN_COLUMNS = 11


def bar(recognition: Recognition, label: str, width: int, shades: str = _SHADES) -> Text:
    """A label's activity as `width` characters; where it plays they are bright."""
    over_time = recognition.activity
    column = over_time.scores[:, recognition.labels.index(label)]
    edges = np.linspace(0, recognition.duration, width + 1)
    first = np.clip(np.searchsorted(over_time.edges, edges[:-1], side="right") - 1, 0, len(column) - 1)
    last = np.clip(np.searchsorted(over_time.edges, edges[1:], side="left"), first + 1, len(column))
    middles = (edges[:-1] + edges[1:]) / 2
    segments = recognition.segments_of(label)
    text = Text(no_wrap=True)
    for begin, end, middle in zip(first, last, middles, strict=True):
        activity = float(column[begin:end].mean())
        plays = any(segment.start <= middle < segment.end for segment in segments)
        step = min(int(activity * len(shades)), len(shades) - 1)
        text.append(shades[step], style="cyan" if plays else "bright_black")
    return text


def spans(segments: tuple[Segment, ...], duration: float, most: int = 3) -> str:
    """Segments as text, the `most` longest in the order of time."""
    if not segments:
        return "-"
    if len(segments) == 1 and segments[0].start <= 0 and segments[0].end >= duration - 1e-6:
        return "throughout"
    longest = sorted(segments, key=lambda segment: segment.start - segment.end)[:most]
    text = ", ".join(f"{clock(s.start)}-{clock(s.end)}" for s in sorted(longest, key=lambda segment: segment.start))
    more = len(segments) - len(longest)
    return f"{text} +{more}" if more else text


def _when(recognition: Recognition, row: Row, most: int) -> str:
    text = spans(recognition.segments_of(row.label), recognition.duration, most)
    return text if row.plays or text == "-" else f"{BRIEFLY} {text}"


def _name(row: Row) -> Text:
    return Text(row.name, style="bold" if row.plays else "bright_black")


def render(recognition: Recognition, width: int, with_unicode: bool = True) -> Table:
    """The table of one recording, for a terminal of `width` characters, at least 40."""
    shown = rows(recognition, with_unicode)
    if width < _NARROW:
        return _narrow(recognition, shown)
    table = _table(recognition)
    n_spans = 3 if width >= 105 else 2 if width >= 90 else 1
    names = max([len(row.name) for row in shown] + [10])
    span_width = n_spans * (_SPAN_COLUMNS + 2 + 4 * (recognition.duration >= 3600)) + len(BRIEFLY) + 1
    bar_width = int(np.clip(width - names - _OTHER_COLUMNS - span_width, _MIN_BAR, _MAX_BAR))
    table.add_column("instrument", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("threshold", justify="right", no_wrap=True)
    table.add_column(f"0:00{clock(recognition.duration):>{bar_width - 4}}", no_wrap=True, width=bar_width)
    table.add_column("when", overflow="fold")
    for row in shown:
        table.add_row(
            _name(row),
            f"{row.score:.2f}",
            f"{row.threshold:.2f}",
            bar(recognition, row.label, bar_width, _SHADES if with_unicode else _PLAIN_SHADES),
            _when(recognition, row, n_spans),
        )
    if not shown:
        table.add_row(Text(NOTHING, style="bright_black"), "", "", "", "")
    return table


def _table(recognition: Recognition) -> Table:
    return Table(
        title=title(recognition),
        title_justify="left",
        title_style="",
        box=SIMPLE_HEAD,
        padding=(0, 1),
        show_edge=False,
    )


def _narrow(recognition: Recognition, shown: list[Row]) -> Table:
    """Without bars, and score and threshold in one column."""
    table = _table(recognition)
    table.padding = (0, 1, 0, 0)
    table.add_column("instrument", overflow="fold")
    table.add_column("score/\nthreshold", justify="right", overflow="fold", width=9)
    table.add_column("when", overflow="fold")
    for row in shown:
        table.add_row(_name(row), f"{row.score:.2f}/{row.threshold:.2f}", _when(recognition, row, 1))
    if not shown:
        table.add_row(Text(NOTHING, style="bright_black"), "", "")
    return table
