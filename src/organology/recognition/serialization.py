"""A recognition as values for JSON, and back: the form of one recording in JSON and JSON Lines.

The form is described by `schema/recognition.schema.json`; `JSON_VERSION` grows when a key changes or goes. Keys may be
added within a version.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from organology.errors import OrganologyError
from organology.labels import LabelSet, default_set
from organology.model_metadata import FrameSettings
from organology.recognition.data import RecognitionData
from organology.recognition.frames import CELL_SECONDS, Frames
from organology.recognition.pooling import POOLINGS
from organology.recognition.segments import Segment, SegmentSettings

JSON_SCHEMA = "organology.recognition"
JSON_VERSION = 1
DECIMALS = 6
"""Of times and scores, unless all digits are asked for."""

_PIECE_ROWS = 500


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `organology recognize` writes as JSON or as a line of JSON Lines."""
    text = files("organology.recognition").joinpath("schema/recognition.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    found["$defs"]["default_label"]["enum"] = list(default_set().labels)
    found["$defs"]["model"]["properties"]["pooling"]["enum"] = list(POOLINGS)
    return found


def json_text(values: Any, indent: int | None = None) -> str:
    """Values as JSON text, which never holds NaN or Infinity.

    Raises
    ------
    OrganologyError
        If a number is not finite.
    """
    try:
        return json.dumps(values, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        name = values.get("file", "JSON") if isinstance(values, dict) else "JSON"
        raise OrganologyError(f"{name}: cannot be written as JSON: {error}") from error


def to_dict(recognition: RecognitionData, timeline: bool = False, decimals: int | None = DECIMALS) -> dict[str, Any]:
    """See `Recognition.to_dict`."""
    values: dict[str, Any] = {
        "file": recognition.source,
        "duration": _number(recognition.duration, decimals),
        "model": recognition.model,
        "hop_seconds": recognition.hop_seconds,
        "segment_settings": recognition.segment_settings.given(),
        "instruments": recognition.instruments,
        "labels": [_label(recognition, i, label, decimals) for i, label in enumerate(recognition.labels)],
        "notes": list(recognition.notes),
    }
    if recognition.label_set != default_set():
        values["label_set"] = recognition.label_set.to_dict()
    if timeline:
        values["windows"] = _windows(recognition, slice(None), decimals)
        if recognition.frames is not None:
            instants = _instants(recognition.frames, slice(None), decimals)
            values["frames"] = {**_about_frames(recognition.frames), "instants": instants}
    return values


def _about_frames(frames: Frames) -> dict[str, Any]:
    """What stands beside the instants, from which segments can be made again."""
    settings = TypeAdapter(FrameSettings).dump_python(frames.settings, mode="json")
    return {"settings": settings, "cell_seconds": CELL_SECONDS, "levels": frames.levels_dbfs.tolist()}


def _instants(frames: Frames, which: slice, decimals: int | None) -> list[dict[str, Any]]:
    part = replace(frames, logits=frames.logits[which])
    scores = part.scores.astype(float)
    rows = (scores if decimals is None else np.round(scores, decimals)).tolist()
    return [
        {"time": _number(time, decimals), "scores": row} for time, row in zip(frames.times[which], rows, strict=True)
    ]


def _windows(recognition: RecognitionData, which: slice, decimals: int | None) -> list[dict[str, Any]]:
    scores = recognition.scores[which].astype(float)
    rows = (scores if decimals is None else np.round(scores, decimals)).tolist()
    return [
        {"start": _number(start, decimals), "end": _number(end, decimals), "scores": row}
        for start, end, row in zip(recognition.starts[which], recognition.ends[which], rows, strict=True)
    ]


def _number(value: float, decimals: int | None) -> float:
    return float(value) if decimals is None else round(float(value), decimals)


def _family(label_set: LabelSet, label: str) -> str | None:
    """The family of a label; None for a family."""
    return label_set.family(label) if label in label_set.parents else None


def _label(recognition: RecognitionData, i: int, label: str, decimals: int | None) -> dict[str, Any]:
    return {
        "label": label,
        "name": recognition.label_set.display[label],
        "family": _family(recognition.label_set, label),
        "score": _number(recognition.file_scores[i], decimals),
        "threshold": _number(recognition.thresholds[i], decimals),
        "plays": bool(recognition.plays[i]),
        "segments": [
            {name: _number(getattr(segment, name), decimals) for name in ("start", "end", "score")}
            for segment in recognition.segments_of(label)
        ],
    }


def pieces(recognition: RecognitionData, timeline: bool = False, decimals: int | None = DECIMALS) -> Iterator[str]:
    """The JSON of `to_dict` in one line, in pieces: the windows of a long file are never all text at once."""
    text = json_text(to_dict(recognition, decimals=decimals))
    if not timeline:
        yield text
        return
    yield text[:-1] + ', "windows": ['
    yield from _in_pieces(len(recognition.starts), lambda part: _windows(recognition, part, decimals))
    frames = recognition.frames
    if frames is not None:
        yield '], "frames": ' + json_text(_about_frames(frames))[:-1] + ', "instants": ['
        yield from _in_pieces(len(frames.logits), lambda part: _instants(frames, part, decimals))
        yield "]}}"
    else:
        yield "]}"


def _in_pieces(n_rows: int, rows: Callable[[slice], list[dict[str, Any]]]) -> Iterator[str]:
    """The text of a list without its brackets."""
    for start in range(0, n_rows, _PIECE_ROWS):
        yield (", " if start else "") + json_text(rows(slice(start, start + _PIECE_ROWS)))[1:-1]


def line(recognition: RecognitionData, timeline: bool = False, decimals: int | None = DECIMALS) -> Iterator[str]:
    """One recording as JSON in one line, with schema and version, in pieces."""
    body = pieces(recognition, timeline, decimals)
    yield json.dumps({"schema": JSON_SCHEMA, "version": JSON_VERSION}, allow_nan=False)[:-1] + ", " + next(body)[1:]
    yield from body


def fields_from_dict(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the recognition that `to_dict` wrote; see `Recognition.from_dict`."""
    name = str(values.get("file", "recognition"))
    version = values.get("version", JSON_VERSION)
    if version != JSON_VERSION:
        raise OrganologyError(f"{name}: JSON version must be {JSON_VERSION}, got version {version}")
    try:
        labels = values["labels"]
        label_set = LabelSet.from_dict(values["label_set"]) if "label_set" in values else default_set()
        names = label_set.check(one["label"] for one in labels)
        if not names:
            raise ValueError("no label")
        windows = values.get("windows", [])
        return {
            "source": values["file"],
            "duration": float(values["duration"]),
            "starts": _array(windows, "start", np.float64),
            "ends": _array(windows, "end", np.float64),
            "scores": _array(windows, "scores", np.float32).reshape(len(windows), len(names)),
            "file_scores": _array(labels, "score", np.float32),
            "thresholds": _array(labels, "threshold", np.float64),
            "hop_seconds": float(values["hop_seconds"]),
            "model": values["model"],
            "notes": tuple(values["notes"]),
            "labels": names,
            "segment_settings": SegmentSettings(**values["segment_settings"]),
            "known_plays": _array(labels, "plays", np.bool_),
            "known_segments": tuple(
                Segment(one["label"], float(part["start"]), float(part["end"]), float(part["score"]))
                for one in labels
                for part in one["segments"]
            ),
            "label_set": label_set,
            "frames": _frames(values["frames"], len(names)) if "frames" in values else None,
        }
    except KeyError as error:
        raise OrganologyError(f"{name}: not a recognition: no {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise OrganologyError(f"{name}: not a recognition: {error}") from error


def _frames(values: Mapping[str, Any], n_labels: int) -> Frames:
    instants = values["instants"]
    scores = _array(instants, "scores", np.float64).reshape(len(instants), n_labels)
    settings = TypeAdapter(FrameSettings).validate_python(values["settings"])
    if not len(scores) or len(settings.frame_shifts) != n_labels:
        raise ValueError(f"frames of {len(settings.frame_shifts)} labels at {len(scores)} instants")
    return Frames.of_scores(settings, scores, np.array(values["levels"], np.float64))


def recording_in(text: str) -> dict[str, Any]:
    """The one recording of a JSON text, as `to_dict` wrote it; see `Recognition.from_json`."""
    try:
        values = json.loads(text, parse_constant=_refused)
    except ValueError as error:
        raise OrganologyError(f"not JSON: {error}") from error
    if isinstance(values, dict) and "recordings" in values:
        match values["recordings"]:
            case [dict(one)]:
                values = {"version": values.get("version"), **one}
            case [] | [_, _, *_] as several:
                raise OrganologyError(f"JSON with {len(several)} recordings in place of one; take each with from_dict")
            case _:
                raise OrganologyError("not a recognition: its recordings are no list of objects")
    if not isinstance(values, dict):
        raise OrganologyError("not a recognition: no JSON object")
    return values


def _refused(constant: str) -> None:
    raise ValueError(f"numbers must be finite, got {constant}")


def _array(rows: list[Any], key: str, kind: type[Any]) -> NDArray[Any]:
    return np.array([row[key] for row in rows], dtype=kind)
