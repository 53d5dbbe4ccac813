"""What a writer of recordings is, and what writers share."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from organology.labels import LabelSet, default_set
from organology.recognition.result import Recognition

EMBED_BYTES = 20_000_000
"""A larger file is linked, though embedding was asked for."""


@dataclass(frozen=True)
class WriterOptions:
    """What is written, where a format leaves a choice.

    Attributes
    ----------
    timeline : bool
        The scores of every window too (json, jsonl, html), or in place of the file's (csv); blocks over time (table).
    labels : tuple of str
        Of the recognitions that will come: the columns of csv. Default: all of `label_set`.
    per_label : bool
        audacity, into a folder: a track for each label, in place of one for all.
    embed_audio : bool
        html: the audio itself in the page, in place of a link to it.
    embed_bytes : int
        html: a file that is larger is linked nevertheless.
    link_audio : bool
        html: a player where there is a file of the recording's name; False: never look for one.
    label_set : LabelSet
        Of the recognitions that will come.
    """

    timeline: bool = False
    labels: tuple[str, ...] = ()
    per_label: bool = False
    embed_audio: bool = False
    embed_bytes: int = EMBED_BYTES
    link_audio: bool = True
    label_set: LabelSet = field(default_factory=default_set)

    def __post_init__(self) -> None:
        if not self.labels:
            object.__setattr__(self, "labels", self.label_set.labels)


class Writer(Protocol):
    """Takes recordings and failures one after the other; a context manager, whole once it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def add(self, recognition: Recognition) -> None:
        """Write one recording."""
        ...

    def fail(self, file: str, reason: str) -> None:
        """Write that an input could not be used, where the format has a place for it."""
        ...


class PlainWriter:
    """What writers without head, foot and failures share."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def fail(self, file: str, reason: str) -> None:
        """The format has no place for it; the line on standard error is enough."""


class StreamWriter(PlainWriter):
    """One of them on a stream."""

    def __init__(self, stream: TextIO, options: WriterOptions | None = None, *_: Any) -> None:
        self._stream = stream
        self._options = options or WriterOptions()
