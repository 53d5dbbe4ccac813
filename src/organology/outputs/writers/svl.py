"""Sonic Visualiser's own files: a region layer, one line a label."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from organology import audio
from organology.errors import OrganologyError
from organology.outputs.writers.base import StreamWriter
from organology.outputs.writers.markup import document, file_of, valid_text
from organology.recognition.interop import by_time
from organology.recognition.result import Recognition

DEFAULT_RATE = 44_100
"""Of layers whose recording cannot be looked at, in Hz."""


def to_svl(recognition: Recognition, sample_rate: int | None = None) -> str:
    """The segments as a document with one region layer.

    Sonic Visualiser counts in samples of the recording, so its rate has to be known.

    Parameters
    ----------
    recognition : Recognition
    sample_rate : int, optional
        Of the recording, in Hz. Left out: as its file says, else `DEFAULT_RATE`.

    References
    ----------
    Sonic Visualiser's `RegionModel::toXml` and `SVFileReader`: model "sparse", subtype "region", dimensions 3.
    """
    rate = sample_rate or rate_of(recognition)
    label_set = recognition.label_set
    root = Element("sv")
    data = SubElement(root, "data")
    SubElement(
        data,
        "model",
        {
            "id": "1",
            "name": "organology",
            "sampleRate": str(rate),
            "start": "0",
            "end": str(round(recognition.duration * rate)),
            "type": "sparse",
            "dimensions": "3",
            "resolution": "1",
            "notifyOnAdd": "true",
            "dataset": "0",
            "subtype": "region",
            "valueQuantization": "1",
            "minimum": "1",
            "maximum": str(len(label_set)),
            "units": "label",
        },
    )
    points = SubElement(data, "dataset", {"id": "0", "dimensions": "3"})
    for one in by_time(recognition):
        start, end = round(one.start * rate), round(one.end * rate)
        SubElement(
            points,
            "point",
            {
                "frame": str(start),
                "value": str(label_set.index(one.label) + 1),
                "duration": str(end - start),
                "label": valid_text(label_set.display[one.label]),
            },
        )
    display = SubElement(root, "display")
    SubElement(
        display,
        "layer",
        {
            "id": "2",
            "type": "regions",
            "name": "Instruments",
            "presentationName": "Instruments",
            "model": "1",
            "verticalScale": "1",
            "plotStyle": "0",
        },
    )
    return document(root, "<!DOCTYPE sonic-visualiser>\n")


def rate_of(recognition: Recognition) -> int:
    """The sample rate of a recording in Hz; `DEFAULT_RATE` where its file is not there or cannot be read."""
    file = file_of(recognition)
    if file is None:
        return DEFAULT_RATE
    try:
        with audio.decode(str(file)) as stream:
            return int(stream.sample_rate)
    except (OrganologyError, OSError, ValueError):
        return DEFAULT_RATE


class SvlWriter(StreamWriter):
    """A layer of one recording."""

    def add(self, recognition: Recognition) -> None:
        """Write the document."""
        self._stream.write(to_svl(recognition, None if self._options.link_audio else DEFAULT_RATE))
