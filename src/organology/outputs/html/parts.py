"""The parts of a recording in the HTML report: escaped text, its JSON, and what shows without JavaScript."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.recognition.result import Recognition
from organology.timeaxis import clock

MOST_CELLS = 1200
"""Cells of a timeline; of longer recordings each is the mean of several."""

_MOST_SPANS = 40
_SLACK_SECONDS = 1e-6
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def text(value: str) -> str:
    r"""Any text for HTML, inside elements and quoted attributes; ASCII.

    Bytes of a name that are not UTF-8, and control characters, show as `\xNN`.

    >>> text('<a href="b">é')
    '&lt;a href=&quot;b&quot;&gt;&#233;'
    """
    whole = value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").translate(_CONTROLS)
    return html.escape(whole).encode("ascii", "xmlcharrefreplace").decode("ascii")


def json_text(value: Any) -> str:
    r"""JSON that may stand in a script element: ASCII, without `<`, `>` and `&`.

    >>> json_text({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    plain = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def activity_of(recognition: Recognition) -> dict[str, Any]:
    """The scores over time, small.

    Returns
    -------
    dict
        `cells`: how many; `cell_seconds`: their length, the last one may be shorter; `levels`: base64 of uint8
        (labels, cells), a score of 1 being 255.
    """
    edges, scores = recognition.activity.edges, recognition.activity.scores
    lengths = np.diff(edges)
    if len(lengths) > 2 and np.ptp(lengths[:-1]) > _SLACK_SECONDS:  # read from JSON without windows
        edges, scores = _regular(edges, scores)
    each = -(-len(scores) // MOST_CELLS)
    firsts = np.arange(0, len(scores), each)
    sizes = np.diff(np.append(firsts, len(scores)))
    means = np.add.reduceat(scores, firsts, axis=0, dtype=np.float64) / sizes[:, None]
    levels = np.round(np.clip(means, 0, 1) * 255).astype(np.uint8)
    return {
        "cells": len(firsts),
        "cell_seconds": round(float(edges[1] - edges[0]) * each, 9),
        "levels": base64.b64encode(np.ascontiguousarray(levels.T).tobytes()).decode("ascii"),
    }


def _regular(
    edges: NDArray[np.float64], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Scores on a grid of as many cells as are drawn."""
    grid = np.linspace(0, edges[-1], MOST_CELLS + 1)
    cells = np.searchsorted(edges, (grid[:-1] + grid[1:]) / 2, side="right") - 1
    return grid, scores[np.clip(cells, 0, len(scores) - 1)]


def kind(label_set: LabelSet, label: str) -> str:
    """Of the elements of a label: a class with its color. Labels themselves need not be names of classes."""
    return f"k{label_set.index(label)}"


def colors(label_set: LabelSet) -> str:
    """Style that gives each label its color, in the light and, brighter, in the dark."""
    light = "".join(f".{kind(label_set, label)}{{--color:{label_set.colors[label]}}}" for label in label_set.labels)
    dark = "".join(
        f".{kind(label_set, label)}{{--color:{_bright(label_set.colors[label])}}}" for label in label_set.labels
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n"


def _bright(color: str) -> str:
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + 0.28 * (255 - part)):02x}" for part in parts)


def label_rows(label_set: LabelSet, labels: Sequence[str]) -> list[dict[str, Any]]:
    """What the program of the page knows of labels, parents before children."""
    return [
        {
            "label": label,
            "name": label_set.display[label],
            "parent": label_set.parents.get(label),
            "depth": label_set.depth(label),
            "kind": kind(label_set, label),
        }
        for label in label_set.order()
        if label in labels
    ]


def heading(recognition: Recognition, key: str) -> str:
    """Name, folder and length."""
    folder, slash, name = recognition.source.rpartition("/")
    before = f'<span class="dir">{text(folder + slash)}</span>' if slash else ""
    return (
        f'<header><h2 id="{key}-name"><a href="#{key}">{before}{text(name or recognition.source)}</a></h2>'
        f'<span class="soft">{clock(recognition.duration, tenths=recognition.duration < 60)}</span></header>\n'
    )


def plays_list(recognition: Recognition) -> str:
    """What plays in the whole recording, with scores."""
    label_set, plays = recognition.label_set, set(recognition.instruments)
    items = [
        f'<li class="{kind(label_set, label)}{" sub" if label in label_set.parents else ""}">'
        f"{text(label_set.display[label])} {recognition.score(label):.2f}</li>"
        for label in recognition.order()
        if label in plays
    ]
    return f'<ul class="plays" aria-label="Plays">{"".join(items) or "<li>nothing recognized</li>"}</ul>\n'


def _when(recognition: Recognition, label: str) -> str:
    spans = [f"{clock(one.start)}&#8211;{clock(one.end)}" for one in recognition.segments_of(label)]
    more = len(spans) - _MOST_SPANS
    return ", ".join(spans[:_MOST_SPANS]) + (f" and {more} more" if more > 0 else "")


def plain_table(recognition: Recognition) -> str:
    """All labels as a table, where there is no JavaScript."""
    rows, names = [], recognition.label_set.display
    for label in recognition.order():
        i = recognition.labels.index(label)
        rows.append(
            f'<tr><th scope="row">{text(names[label])}</th><td>{recognition.score(label):.2f}</td>'
            f"<td>{float(recognition.thresholds[i]):.2f}</td><td>{'yes' if recognition.plays[i] else 'no'}</td>"
            f"<td>{_when(recognition, label)}</td></tr>"
        )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Label", "Score", "Threshold", "Plays", "When"))
    return f'<table class="plain"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def failures_table(failures: Sequence[tuple[str, str]]) -> str:
    """Inputs that could not be used, and why; "" if there are none."""
    if not failures:
        return ""
    rows = "\n".join(f'<tr><th scope="row">{text(file)}</th><td>{text(reason)}</td></tr>' for file, reason in failures)
    return (
        '<section class="failures" id="failures" aria-labelledby="failures-name">\n'
        '<h2 id="failures-name">Could not be read</h2>\n<table class="plain"><thead><tr><th scope="col">File</th>'
        f'<th scope="col">Reason</th></tr></thead><tbody>\n{rows}\n</tbody></table>\n</section>\n'
    )
