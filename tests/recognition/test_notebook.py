"""A recognition in a notebook: a picture without script, of the labels that play."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from organology.labels import default_set
from organology.recognition import Recognition
from organology.recognition.interop.notebook import MOST_CELLS


def made(n_windows=12, labels=("key", "piano"), source="a.wav"):
    starts = np.arange(float(n_windows))
    scores = np.zeros((n_windows, 15), np.float32)
    scores[: n_windows // 2, [default_set().index(label) for label in labels]] = 0.9
    return Recognition(source, n_windows + 3.0, starts, starts + 4, scores, scores.max(axis=0), np.full(15, 0.5), 1.0)


def svg_of(text):
    """The picture; a parser that is strict reads it."""
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", text)[0])


def test_html_of_a_recognition_has_a_row_for_each_label_that_plays():
    svg = svg_of(made()._repr_html_())
    rows = [[text.text for text in group.iter("text")] for group in svg.iter("g")]
    assert rows == [["keys", "0.90"], ["\u2003piano".replace("\u2003", "  "), "0.90"]]
    assert "violin" not in made()._repr_html_()


def test_html_of_a_recognition_draws_segments_where_they_are():
    recognition = made()
    svg = svg_of(recognition._repr_html_())
    lines = [one for one in svg.findall("g")[1].findall("rect") if one.get("height") == "2.5"]
    (segment,) = recognition.segments_of("piano")
    width = 640 * (segment.end - segment.start) / recognition.duration
    assert [float(one.get("width")) for one in lines] == [pytest.approx(width, abs=0.1)]


def test_html_of_a_long_recognition_stays_small():
    svg = svg_of(made(n_windows=2000)._repr_html_())
    assert len(svg.findall("g")[0].findall("rect")) <= MOST_CELLS + 1


def test_html_of_a_recognition_escapes_its_name_and_needs_no_script():
    text = made(source='<script>"x"\udcff\x1b.wav')._repr_html_()
    assert "<script" not in text and "&lt;script&gt;" in text and "\x1b" not in text
    text.encode("utf-8")


def test_html_of_nothing_says_so():
    silent = replace(made(labels=()), notes=("silent",))
    assert "nothing recognized" in silent._repr_html_() and "silent" in silent._repr_html_()
