"""Tables and timelines: visible without color, narrow, and safe."""

import io

import numpy as np
import pytest
from rich.console import Console

from organology.labels import LabelSet, default_set
from organology.outputs.terminal import table, timeline
from organology.outputs.terminal.printable import printable
from organology.outputs.terminal.writer import TableWriter
from organology.outputs.writers.base import WriterOptions
from organology.recognition import Recognition

LONG = LabelSet(
    "long",
    ("string_instruments_of_all_kinds", "bowed", "viola_da_gamba_and_relatives"),
    parents={"bowed": "string_instruments_of_all_kinds", "viola_da_gamba_and_relatives": "bowed"},
)


def made(source="a.wav", duration=20.0, label_set=None, notes=()):
    """Of the default set: drums play, a violin only for a while, a piano for a while that the file hardly knows of."""
    label_set = label_set or default_set()
    starts = np.arange(0, duration - 3)
    scores = np.full((len(starts), len(label_set)), 0.02, np.float32)
    if label_set == default_set():
        scores[:, [label_set.index("percussion"), label_set.index("drums")]] = 0.8
        strings = [label_set.index("bowed_string"), label_set.index("violin")]
        scores[:, strings] = 0.3
        scores[2:5, strings] = scores[2:5, [label_set.index("key"), label_set.index("piano")]] = 0.95
    else:
        scores[:] = 0.9
    thresholds = np.full(len(label_set), 0.5)
    ends = np.minimum(starts + 4, duration)
    mean = scores.mean(axis=0)
    return Recognition(
        source, duration, starts, ends, scores, mean, thresholds, 1.0, "tiny", notes, label_set=label_set
    )


def lines(view, recognition, width):
    stream = io.StringIO()
    Console(file=stream, width=width, highlight=False).print(view.render(recognition, width))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 64, 80, 100, 200])
@pytest.mark.parametrize("view", [table, timeline])
def test_terminal_views_of_any_width_fit(view, width):
    for recognition in (made(), made(duration=5000.0), made("x" * 30 + ".wav", label_set=LONG)):
        shown = lines(view, recognition, width)
        assert max(map(len, shown)) <= width or (view is timeline and recognition.label_set == LONG and width < 64)


@pytest.mark.parametrize("width", [40, 100])
def test_table_shows_what_plays_without_color(width):
    shown = lines(table, made(), width)
    (drums,) = [line for line in shown if "drums" in line]
    (violin,) = [line for line in shown if "violin" in line]
    assert "●" in drums and "0.80" in drums and "0.50" in drums and "throughout" in drums and "briefly" not in drums
    assert "○" in violin and "0.50" in violin
    assert "briefly 0:0" in " ".join(" ".join(shown[shown.index(violin) :]).split())
    assert made().segments_of("piano") and not any("piano" in line for line in shown)


def test_timeline_shows_what_plays_without_color():
    shown = lines(timeline, made(), 100)
    (drums,) = [line for line in shown if "drums" in line]
    (violin,) = [line for line in shown if "violin" in line]
    assert drums.startswith("●") and "0.80/0.50" in drums and "briefly" not in drums
    assert violin.startswith("○") and "briefly" in violin


@pytest.mark.parametrize("view", [table, timeline])
def test_terminal_views_indent_labels_by_their_depth(view):
    shown = [line for line in lines(view, made(label_set=LONG), 120) if "●" in line]
    depths = [line.split("●")[1] for line in shown]
    assert [len(text) - len(text.lstrip()) for text in depths] == [1, 3, 5]


@pytest.mark.parametrize("options", [WriterOptions(), WriterOptions(timeline=True)])
def test_table_writer_never_passes_control_characters_on(options):
    stream = io.StringIO()
    with TableWriter(stream, options) as writer:
        writer.add(made("\x1b]0;owned\x07\u202egpj.wav", notes=("note\x1b[31m\n",)))
    text = stream.getvalue()
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
    assert r"\x1b]0;owned\x07\u202egpj.wav" in text and r"note\x1b[31m\n" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b.wav", "a b.wav"),
        ("naïve 音.wav", "naïve 音.wav"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x9b31m", r"\x9b31m"),
        ("caf\udce9.wav", r"caf\udce9.wav"),
        ("\u2066x\u2028", r"\u2066x\u2028"),
    ],
)
def test_printable_escapes_what_steers_a_terminal(text, shown):
    assert printable(text) == shown
