"""Cues for lyrics and subtitle tools: WebVTT and SubRip.

A cue is a stretch in which somebody sings. Of a label set without a singer the cues are those of the voice. Where the
recognition has neither (`--only violin`), each label that it has gives cues, under its name.
"""

from __future__ import annotations

from functools import partial
from itertools import count

from organology.outputs.writers.texts import TextWriter
from organology.recognition.interop import by_time
from organology.recognition.result import Recognition
from organology.recognition.segments import Segment

_SUNG = ("singing", "voice")  # concepts; the first that a label stands for is taken
_VTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def cues(recognition: Recognition) -> list[Segment]:
    """The segments that become cues, in the order of time.

    Parameters
    ----------
    recognition : Recognition
    """
    concepts = recognition.label_set.concepts
    for concept in _SUNG:
        sung = [label for label in recognition.labels if concept in concepts[label]]
        if sung:
            return [segment for segment in by_time(recognition) if segment.label in sung]
    return by_time(recognition)


def to_vtt(recognition: Recognition) -> str:
    """WebVTT, with a head.

    References
    ----------
    W3C, "WebVTT: The Web Video Text Tracks Format".
    """
    names = recognition.label_set.display
    blocks = (
        f"\n{_times(one, '.')}\n{_one_line(names[one.label]).translate(_VTT_ESCAPES)}\n" for one in cues(recognition)
    )
    return f"WEBVTT\n{''.join(blocks)}"


def to_srt(recognition: Recognition) -> str:
    """SubRip: numbered cues, milliseconds behind a comma."""
    names = recognition.label_set.display
    blocks = (
        f"{number}\n{_times(one, ',')}\n{_one_line(names[one.label])}\n"
        for number, one in zip(count(1), cues(recognition), strict=False)
    )
    return "\n".join(blocks)


def _times(segment: Segment, point: str) -> str:
    start, end = round(segment.start * 1000), round(segment.end * 1000)
    return f"{_clock(start, point)} --> {_clock(max(end, start + 1), point)}"


def _clock(milliseconds: int, point: str) -> str:
    """Milliseconds as hh:mm:ss.mmm.

    >>> _clock(3_725_004, ",")
    '01:02:05,004'
    """
    seconds, part = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{part:03}"


def _one_line(name: str) -> str:
    return " ".join(name.split())


vtt = partial(TextWriter, to_vtt)
srt = partial(TextWriter, to_srt)
