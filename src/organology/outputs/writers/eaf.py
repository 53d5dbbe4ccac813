"""ELAN's own files: EAF 3.0, a tier a label, the recording linked."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO
from xml.etree.ElementTree import Element, SubElement

from organology.outputs.writers.base import StreamWriter, WriterOptions
from organology.outputs.writers.markup import document, file_of, relative_url, valid_text
from organology.recognition.result import Recognition
from organology.recognition.segments import Segment

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_TYPE = "default-lt"
_DATE = "1970-01-01T00:00:00+00:00"  # the form asks for one; the same recording gives the same file on any day


def to_eaf(recognition: Recognition, folder: Path | None = Path()) -> str:
    """The segments as an EAF document.

    Times are milliseconds, which are as fine as ELAN's own.

    Parameters
    ----------
    recognition : Recognition
    folder : Path or None
        Where the document will lie: the link to the recording is relative to it. None: no file is looked for.

    References
    ----------
    H. Sloetjes, "ELAN Annotation Format", EAF 3.0.
    """
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "organology",
            "DATE": _DATE,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    tiers = [(label, recognition.segments_of(label)) for label in recognition.order()]
    tiers = [(label, segments) for label, segments in tiers if segments]
    _head(root, recognition, folder, sum(len(segments) for _, segments in tiers))
    order = SubElement(root, "TIME_ORDER")
    number = 0
    for label, segments in tiers:
        name = valid_text(recognition.label_set.display[label])
        tier = SubElement(root, "TIER", {"TIER_ID": name, "LINGUISTIC_TYPE_REF": _TYPE})
        number = _annotations(tier, order, name, segments, number)
    if not tiers:  # ELAN does not open a document without any
        SubElement(root, "TIER", {"TIER_ID": "default", "LINGUISTIC_TYPE_REF": _TYPE})
    SubElement(
        root, "LINGUISTIC_TYPE", {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true"}
    )
    return document(root)


def _head(root: Element, recognition: Recognition, folder: Path | None, n_annotations: int) -> None:
    head = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    file = None if folder is None else file_of(recognition)
    if file is not None and folder is not None:
        url = relative_url(file, folder)
        kind = mimetypes.guess_type(file.name)[0] or "audio/x-unknown"
        kind = "audio/x-wav" if kind.endswith("wav") else kind  # as ELAN calls it
        SubElement(head, "MEDIA_DESCRIPTOR", {"MEDIA_URL": url, "RELATIVE_MEDIA_URL": url, "MIME_TYPE": kind})
    SubElement(head, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(n_annotations)


def _annotations(tier: Element, order: Element, name: str, segments: Sequence[Segment], number: int) -> int:
    """Add segments as annotations, numbered on; the last number."""
    for one in segments:
        number += 1
        slots = []
        for side, time in ((1, one.start), (0, one.end)):
            slots.append(f"ts{2 * number - side}")
            SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slots[-1], "TIME_VALUE": str(round(time * 1000))})
        annotation = SubElement(SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION")
        annotation.set("ANNOTATION_ID", f"a{number}")
        annotation.set("TIME_SLOT_REF1", slots[0])
        annotation.set("TIME_SLOT_REF2", slots[1])
        SubElement(annotation, "ANNOTATION_VALUE").text = name
    return number


class EafWriter(StreamWriter):
    """An EAF document of one recording."""

    def __init__(
        self,
        stream: TextIO,
        options: WriterOptions | None = None,
        model: dict[str, Any] | None = None,
        folder: Path = Path(),
    ) -> None:
        super().__init__(stream, options)
        self._folder = folder if self._options.link_audio else None

    def add(self, recognition: Recognition) -> None:
        """Write the document."""
        self._stream.write(to_eaf(recognition, self._folder))
