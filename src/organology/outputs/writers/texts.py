"""Formats that are a text of each recording, one behind the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

from organology.outputs.writers.base import StreamWriter
from organology.recognition import interop
from organology.recognition.result import Recognition


class TextWriter(StreamWriter):
    """A text of each recording.

    Parameters
    ----------
    text_of : callable
        Recognition -> str.
    stream : text stream
    """

    def __init__(self, text_of: Callable[[Recognition], str], stream: TextIO, *_: Any) -> None:
        super().__init__(stream)
        self._text_of = text_of

    def add(self, recognition: Recognition) -> None:
        """Write the text of one recording."""
        self._stream.write(self._text_of(recognition))
        self._stream.flush()


audacity = partial(TextWriter, interop.to_audacity)
rttm = partial(TextWriter, interop.to_rttm)
elan = partial(TextWriter, interop.to_elan)
sonic_visualiser = partial(TextWriter, interop.to_sonic_visualiser)
