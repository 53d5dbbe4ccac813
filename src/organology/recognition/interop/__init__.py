"""A recognition in the forms of other programs and libraries.

JAMS, pandas data frames, and the texts that annotators read: Audacity, ELAN, Sonic Visualiser, RTTM. A text holds the
segments; times are seconds, exact to a microsecond where the program takes so much.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import numpy as np

from organology._version import __version__
from organology.errors import OrganologyError
from organology.extras import install_hint
from organology.recognition.data import RecognitionData
from organology.recognition.segments import Segment

if TYPE_CHECKING:
    import jams
    import pandas

JAMS_VERSION = "0.3.5"
"""Of the schema that `jams_plain` follows."""

_CHANNEL = re.compile(r"(?P<name>.*)#ch(?P<channel>\d+)", re.DOTALL)


def jams_plain(recognition: RecognitionData) -> dict[str, Any]:
    """A JAMS document as plain values, made without jams.

    Parameters
    ----------
    recognition : Recognition

    Returns
    -------
    dict
        An annotation `tag_open` with the labels that play in the file, and one `segment_open` for each label that has
        segments: they overlap from one label to another, not within one. `confidence` is the score. All scores and the
        notes are in `sandbox`.

    References
    ----------
    E. J. Humphrey et al., "JAMS: a JSON annotated music specification for reproducible MIR research", ISMIR 2014.
    """
    duration = float(recognition.duration)
    tags = [
        {"time": 0.0, "duration": duration, "value": label, "confidence": _score(recognition.score(label))}
        for label in recognition.instruments
    ]
    by_label = {label: recognition.segments_of(label) for label in recognition.labels}
    annotations = [_annotation(recognition, "tag_open", tags)]
    for label, segments in by_label.items():
        if segments:
            rows = [
                {"time": s.start, "duration": s.end - s.start, "value": label, "confidence": _score(s.score)}
                for s in segments
            ]
            annotations.append(_annotation(recognition, "segment_open", rows, label))
    scores = {label: _score(recognition.score(label)) for label in recognition.labels}
    return {
        "annotations": annotations,
        "file_metadata": {
            "title": PurePath(recognition.source).stem,
            "artist": "",
            "release": "",
            "duration": duration,
            "identifiers": {"file": recognition.source},
            "jams_version": JAMS_VERSION,
        },
        "sandbox": {"organology": {"scores": scores, "notes": list(recognition.notes)}},
    }


def _annotation(
    recognition: RecognitionData, namespace: str, rows: list[dict[str, Any]], label: str | None = None
) -> dict[str, Any]:
    settings = ", ".join(f"{name} {value:g}" for name, value in recognition.segment_settings.given().items())
    return {
        "namespace": namespace,
        "time": 0.0,
        "duration": float(recognition.duration),
        "annotation_metadata": {
            "curator": {"name": "", "email": ""},
            "annotator": {},
            "version": "",
            "corpus": "",
            "annotation_tools": f"organology {__version__}, model {recognition.model or 'unknown'}",
            "annotation_rules": f"hop {recognition.hop_seconds:g}, {settings}" if label else "",
            "validation": "",
            "data_source": "program",
        },
        "data": rows,
        "sandbox": {"label": label} if label else {},
    }


def _score(value: float) -> float:
    return round(float(value), 6)


def to_jams(recognition: RecognitionData) -> jams.JAMS:
    """See `Recognition.to_jams`."""
    try:
        import jams
    except ImportError as error:
        raise OrganologyError(f"to_jams: {error}; {install_hint('jams')}") from error
    return jams.JAMS(**jams_plain(recognition))


def to_dataframe(
    recognition: RecognitionData, what: Literal["segments", "windows", "frames", "labels"] = "segments"
) -> pandas.DataFrame:
    """See `Recognition.to_dataframe`."""
    try:
        import pandas
    except ImportError as error:
        raise OrganologyError(f"to_dataframe: {error}; {install_hint('pandas')}") from error
    source = recognition.source
    if what == "segments":
        rows = [(source, one.label, one.start, one.end, one.score) for one in recognition.segments]
        return pandas.DataFrame(rows, columns=["file", "label", "start", "end", "score"])
    columns: dict[str, Any]
    if what == "windows":
        columns = {"file": [source] * len(recognition.starts), "start": recognition.starts, "end": recognition.ends}
        columns.update(zip(recognition.labels, recognition.scores.T, strict=True))
        return pandas.DataFrame(columns)
    if what == "frames":
        if recognition.frames is None:
            raise ValueError(f"{source}: the model gives no scores of frames")
        times = recognition.frames.times
        columns = {"file": [source] * len(times), "time": times}
        columns.update(zip(recognition.labels, recognition.frames.scores.T, strict=True))
        return pandas.DataFrame(columns)
    if what == "labels":
        columns = {
            "file": [source] * len(recognition.labels),
            "label": list(recognition.labels),
            "family": [recognition.label_set.family(label) for label in recognition.labels],
            "score": np.asarray(recognition.file_scores),
            "threshold": np.asarray(recognition.thresholds),
            "plays": np.asarray(recognition.plays),
        }
        return pandas.DataFrame(columns)
    raise ValueError(f"what must be segments, windows, frames or labels, got {what!r}")


def by_time(recognition: RecognitionData) -> list[Segment]:
    """The segments in the order of time; those that begin together in the order of labels."""
    return sorted(recognition.segments, key=lambda segment: segment.start)


def seconds(value: float) -> str:
    """Seconds as text, to a microsecond, without zeros at the end.

    >>> seconds(3.0), seconds(12.3456784)
    ('3', '12.345678')
    """
    return format(float(value), ".6f").rstrip("0").rstrip(".")


def to_audacity(recognition: RecognitionData) -> str:
    """The segments as an Audacity label track: `start, end, name` with tabs, in the order of time.

    References
    ----------
    Audacity manual, "Importing and Exporting Labels".
    """
    names = recognition.label_set.display
    return "".join(f"{one.start:.6f}\t{one.end:.6f}\t{names[one.label]}\n" for one in by_time(recognition))


def to_rttm(recognition: RecognitionData) -> str:
    """The segments as RTTM, the labels in the place of speakers.

    Its fields are divided by spaces; what is neither letter, digit nor punctuation in a file's name is percent-encoded.

    References
    ----------
    NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
    """
    split = _CHANNEL.fullmatch(recognition.source)
    name, channel = (split["name"], split["channel"]) if split else (recognition.source, "1")
    name = quote(name, safe="/\\:;,.!?#&+=@~^$'()[]{}*-_", errors="surrogateescape")
    lines = []
    for one in by_time(recognition):
        start, end = round(one.start, 6), round(one.end, 6)
        lines.append(f"SPEAKER {name} {channel} {start:.6f} {end - start:.6f} <NA> <NA> {one.label} <NA> <NA>\n")
    return "".join(lines)


def to_elan(recognition: RecognitionData) -> str:
    """The segments as tab-delimited text for ELAN: `tier, begin, end, annotation`, a tier a label.

    Times in seconds with milliseconds, which are as fine as ELAN's own.
    """
    names = recognition.label_set.display
    return "".join(
        f"{names[one.label]}\t{one.start:.3f}\t{one.end:.3f}\t{names[one.label]}\n" for one in recognition.segments
    )


def to_sonic_visualiser(recognition: RecognitionData) -> str:
    """The segments as CSV for a region layer of Sonic Visualiser: `time, value, duration, label`, without a head.

    The value is the number of the label, so that each has a line of its own.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    label_set = recognition.label_set
    for one in by_time(recognition):
        number = label_set.index(one.label) + 1
        rows.writerow([f"{one.start:.6f}", number, f"{one.end - one.start:.6f}", label_set.display[one.label]])
    return text.getvalue()
