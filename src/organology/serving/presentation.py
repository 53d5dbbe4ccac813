"""How a result is given: the format, thresholds and labels that a client asks for."""

from __future__ import annotations

import mimetypes
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi.responses import Response

from organology.batch.words import labels_of, thresholds_of
from organology.errors import OptionError, OrganologyError
from organology.labels import LabelSet
from organology.model_metadata import ModelMetadata
from organology.outputs.registry import FORMATS, WriterOptions, open_writer
from organology.recognition.result import Recognition
from organology.recognition.thresholds import Thresholds
from organology.serving.problems import Problem

Presets = Mapping[str, tuple[float, ...]]

_JSON = "application/json"
_MEDIA_TYPES = {".jsonl": "application/x-ndjson", ".jams": _JSON, ".rttm": "text/plain"}
_KEYS = ("format", "thresholds", "only", "timeline")


@dataclass(frozen=True)
class Presentation:
    """How a result is given.

    Attributes
    ----------
    format : str or None
        One of `outputs.registry.FORMATS`; None: the recognition as one JSON object.
    thresholds : str
        In place of the model's: `0.4`, or `violin=0.4,drums=0.3`, or both, or the name of a preset of the model.
    only : str
        Labels divided by commas; "": all.
    timeline : bool
        Also the scores of every window, where the format has them.
    """

    format: str | None = None
    thresholds: str = ""
    only: str = ""
    timeline: bool = False

    def over(self, earlier: Mapping[str, Any], given: frozenset[str]) -> Presentation:
        """These wishes, with an earlier request's values for what is not among the parameters given now."""
        values = {key: earlier[key] for key in _KEYS if key in earlier and key not in given}
        return Presentation(**{**vars(self), **values})

    def check(self, metadata: ModelMetadata) -> None:
        """Whether this can be followed.

        Raises
        ------
        Problem
            422 if not.
        """
        parse_thresholds(self.thresholds, metadata.label_set, metadata.presets)
        parse_labels(self.only, metadata.label_set)


def check_format(name: str | None) -> None:
    """Raise a Problem, 422, if there is no such format."""
    if name is not None and name not in FORMATS:
        raise Problem(422, f"format must be one of {', '.join(FORMATS)}, got {name!r}")


def parse_thresholds(text: str, label_set: LabelSet, presets: Presets) -> Thresholds | None:
    """Thresholds from text like `0.4,violin=0.3`, as of `--threshold`, or `strict,violin=0.3`; None if there are none.

    Raises
    ------
    Problem
        422 if it cannot be read.
    """
    words = [part.strip() for part in text.split(",") if part.strip()]
    preset = next((presets[word] for word in words if word in presets), None)
    try:
        given = thresholds_of([word for word in words if word not in presets], label_set)
    except OptionError as error:
        named = f"; or a name: {', '.join(sorted(presets))}" if presets else ""
        raise Problem(422, f"thresholds: {error.reason}{named}") from error
    if preset is None:
        return given
    if any("=" not in word for word in words if presets.get(word) is not preset):
        raise Problem(422, "thresholds: one name, or one number for all labels")
    of_labels = given if isinstance(given, Mapping) else {}
    return {**dict(zip(label_set.labels, preset, strict=True)), **of_labels}


def parse_labels(text: str, label_set: LabelSet) -> tuple[str, ...] | None:
    """Labels from text like `violin,brass`, as of `--only`; None if there are none.

    Raises
    ------
    Problem
        422 if a word means no label.
    """
    try:
        return labels_of([text], label_set, "only")
    except OptionError as error:
        raise Problem(422, f"only: {error.reason}") from error


@cache
def media_type(name: str) -> str:
    """The media type of a format, by the suffix of its files."""
    suffix = Path(f"x{FORMATS[name].suffix}").suffix
    return _MEDIA_TYPES.get(suffix) or mimetypes.types_map.get(suffix) or "text/plain"


def accepted_format(accept: str) -> str | None:
    """The format that an Accept header asks for; None: JSON, or nothing in particular.

    >>> accepted_format("text/csv"), accepted_format("text/html;q=0.9, */*"), accepted_format("application/json")
    ('csv', 'html', None)
    """
    for kind in (part.partition(";")[0].strip().lower() for part in accept.split(",")):
        if kind in ("*/*", "application/*", _JSON, ""):
            return None
        for name in FORMATS:
            if kind in (media_type(name), f"application/vnd.organology.{name}"):
                return name
    return None


def refined(recognition: Recognition, asked: Presentation, presets: Presets) -> Recognition:
    """A recognition with the thresholds and labels that are asked for."""
    thresholds = parse_thresholds(asked.thresholds, recognition.label_set, presets)
    result = recognition if thresholds is None else recognition.refined(thresholds)
    labels = parse_labels(asked.only, recognition.label_set)
    return result.only(labels) if labels else result


def response(
    recognition: Recognition, asked: Presentation, presets: Presets, about: Mapping[str, Any], scratch: Path
) -> Response:
    """A recognition as an answer.

    Parameters
    ----------
    recognition : Recognition
        With its windows and all labels.
    asked : Presentation
    presets : mapping of str to tuple of float
        The model's, of the recognition's labels.
    about : mapping
        What JSON and the page say of the model.
    scratch : Path
        A folder for a file that is removed again.
    """
    result = refined(recognition, asked, presets)
    if asked.format is None:
        return Response(result.to_json(asked.timeline), media_type=_JSON)
    form = FORMATS[asked.format]
    options = WriterOptions(
        timeline=asked.timeline and form.has_timeline,
        labels=result.labels,
        label_set=result.label_set,
        link_audio=False,
    )
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        path = Path(folder, f"result{form.suffix}")
        try:
            with open_writer(asked.format, path, options, {**about, "hop_seconds": result.hop_seconds}) as writer:
                writer.add(result)
        except OrganologyError as error:
            raise Problem(501, f"{asked.format}: {error}".replace(str(path), result.source)) from error
        content = path.read_bytes()
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(result.source + form.suffix, safe='')}"}
    kind = media_type(asked.format)
    return Response(content, media_type=kind, headers=headers)
