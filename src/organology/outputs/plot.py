"""The timeline picture: instruments down, time across, score as the strength of the label's color.

matplotlib is imported inside, so that everything else works without it. No global state of it is used, so pictures can
be drawn in several threads.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from organology.atomic import written_whole
from organology.recognition.result import Recognition
from organology.timeaxis import clock, time_step

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _MIDDLE, _FAINT, _TRACK = "#1f2328", "#57606a", "#9aa1a9", "#f1f3f5"
_WIDTH_INCHES, _DPI = 10.0, 160
_ROW_INCHES, _FAMILY_GAP = 0.27, 0.38  # the gap in rows
_LEFT_INCHES, _RIGHT_INCHES, _TOP_INCHES, _BOTTOM_INCHES = 1.55, 0.75, 0.86, 0.5
_MOST_TICKS = 12


def _layout(recognition: Recognition) -> list[tuple[str, float]]:
    """Each label with the top of its row, families apart, children under their parent."""
    rows: list[tuple[str, float]] = []
    top, family = 0.0, ""
    for label in recognition.order():
        own = recognition.label_set.family(label)
        top += _FAMILY_GAP if rows and own != family else 0.0
        rows.append((label, top))
        top, family = top + 1.0, own
    return rows


def _shades(column: NDArray[np.float32], color: str) -> NDArray[np.float64]:
    """Scores as colors between the empty track and a color, shape (n_cells, 3)."""
    from matplotlib.colors import to_rgb

    empty, full = np.array(to_rgb(_TRACK)), np.array(to_rgb(color))
    share = np.clip(column, 0, 1)[:, None] ** 1.2  # low scores stay near the empty track
    return np.asarray(empty + share * (full - empty))


def _ticks(duration: float) -> NDArray[np.float64]:
    return np.arange(0, duration + 1e-9, time_step(duration, _MOST_TICKS))


def _draw_row(axes: Axes, recognition: Recognition, label: str, top: float, plays: bool) -> None:
    is_family = label not in recognition.label_set.parents
    color = recognition.label_set.colors[label]
    height = 0.86 if is_family else 0.74
    over_time = recognition.activity
    column = over_time.scores[:, recognition.labels.index(label)]
    axes.pcolormesh(
        over_time.edges, [top, top + height], _shades(column, color)[None], shading="flat", rasterized=True, lw=0
    )
    for segment in recognition.segments_of(label):
        axes.plot(
            [segment.start, segment.end],
            [top + height, top + height],
            color=color,
            lw=2.2 if is_family else 1.6,
            solid_capstyle="butt",
        )
    side = axes.get_yaxis_transform()  # x in axes, y in rows
    middle = top + height / 2
    ink = _INK if plays else _MIDDLE if recognition.segments_of(label) else _FAINT
    axes.text(
        -0.012,
        middle,
        recognition.label_set.display[label],
        transform=side,
        ha="right",
        va="center",
        color=ink,
        fontsize=10.5 if is_family else 9.5,
        fontweight="bold" if is_family else "normal",
    )
    axes.text(
        1.012,
        middle,
        f"{recognition.score(label):.2f}",
        transform=side,
        ha="left",
        va="center",
        color=ink,
        fontsize=10 if is_family else 9.5,
        fontweight="bold" if plays else "normal",
    )


def _draw_scale(figure: Figure, width: float, height: float) -> None:
    """A small key of the shades, at the right of the heading."""
    right = (width - _RIGHT_INCHES) / width
    axes = figure.add_axes((right - 0.13, 1 - 0.46 / height, 0.13, 0.1 / height))
    axes.imshow(_shades(np.linspace(0, 1, 64, dtype=np.float32), "#495057")[None], aspect="auto", extent=(0, 1, 0, 1))
    axes.set_yticks([])
    axes.set_xticks([0, 0.5, 1], labels=["0", "score", "1"])
    axes.tick_params(length=0, pad=2, labelsize=8.5, labelcolor=_FAINT)
    for spine in axes.spines.values():
        spine.set_visible(False)


def figure(recognition: Recognition, title: str | None = None) -> Figure:
    """Draw the timeline.

    Parameters
    ----------
    recognition : Recognition
    title : str, optional
        Default: the name of the file.

    Returns
    -------
    matplotlib.figure.Figure
        Every label has a row: its activity as shades, its segments as lines beneath, and the file's score at the right,
        dark where it plays in the file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = _layout(recognition)
    n_rows = rows[-1][1] + 1
    width, height = _WIDTH_INCHES, n_rows * _ROW_INCHES + _TOP_INCHES + _BOTTOM_INCHES
    drawn = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(drawn)
    left, right = _LEFT_INCHES / width, 1 - _RIGHT_INCHES / width
    bottom, top = _BOTTOM_INCHES / height, 1 - _TOP_INCHES / height
    axes = drawn.add_axes((left, bottom, right - left, top - bottom))
    plays = dict(zip(recognition.labels, recognition.plays, strict=True))
    for label, at in rows:
        _draw_row(axes, recognition, label, at, bool(plays[label]))
    _set_axes(axes, recognition.duration, n_rows)
    name = title if title is not None else Path(recognition.source).name
    head: dict[str, Any] = {"ha": "left", "va": "baseline", "parse_math": False}
    drawn.text(left, 1 - 0.40 / height, _shortened(name), fontsize=15, fontweight="bold", color=_INK, **head)
    below = [clock(recognition.duration, tenths=recognition.duration < 60), *recognition.notes]
    drawn.text(left, 1 - 0.65 / height, "   ".join(below), fontsize=9.5, color=_MIDDLE, **head)
    axes.text(1.012, -0.3, "file", transform=axes.get_yaxis_transform(), fontsize=8.5, color=_FAINT, va="bottom")
    _draw_scale(drawn, width, height)
    return drawn


def _set_axes(axes: Axes, duration: float, n_rows: float) -> None:
    axes.set_xlim(0, duration)
    axes.set_ylim(n_rows, -0.05)
    axes.set_yticks([])
    ticks = _ticks(duration)
    fine = len(ticks) > 1 and ticks[1] < 1
    axes.set_xticks(ticks, labels=[clock(tick, tenths=fine) for tick in ticks])
    axes.tick_params(axis="x", length=3, color=_FAINT, labelcolor=_MIDDLE, labelsize=9.5)
    axes.grid(axis="x", color="white", lw=0.8, alpha=0.8)
    axes.set_axisbelow(False)
    for side in axes.spines.values():
        side.set_visible(False)


def _shortened(name: str, most: int = 48) -> str:
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-most // 2 + 1 :]}"


def plot(recognition: Recognition, path: str | os.PathLike[str], title: str | None = None) -> None:
    """Draw the timeline into a file (png, pdf or svg), written whole; see `figure`."""
    drawn = figure(recognition, title)
    with written_whole(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script that the font lacks
        drawn.savefig(temporary, facecolor="white")
