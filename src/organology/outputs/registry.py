"""The formats of results, and how recordings are written in them, each as it comes.

`FORMATS` names them; `open_writer` gives a `Writer` for one of them:

    names = OutputPaths(inputs, split=False)
    with open_writer("jams", output, WriterOptions(), about, names) as writer:
        writer.add(recognition)          # as many as there are
        writer.fail(file, reason)        # what could not be used

`output` is None (standard output), a file, or a folder. Into a folder every recording is written alone, as
`OutputPaths` lays them out; into a file all are written, in the formats that hold several. `format_of` gives the format
that a file name asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from organology.errors import OrganologyError
from organology.outputs.html.report import HtmlWriter
from organology.outputs.paths import OutputPaths
from organology.outputs.sinks import FolderWriter, one_line_errors, opened
from organology.outputs.terminal.table import TableWriter
from organology.outputs.writers import (
    CsvWriter,
    JamsWriter,
    JsonLinesWriter,
    JsonWriter,
    SegmentsWriter,
    TextWriter,
    Writer,
    WriterOptions,
)
from organology.recognition import interop
from organology.recognition.result import Recognition

__all__ = [
    "FORMATS",
    "CsvWriter",
    "Format",
    "JsonWriter",
    "Writer",
    "WriterOptions",
    "format_of",
    "one_line_errors",
    "open_writer",
]

Maker = Callable[[TextIO, WriterOptions, dict[str, Any], Path | None], Writer]


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes
    ----------
    what : str
        One line for a help text.
    suffix : str
        Of the files in a folder.
    alone : bool
        A file holds one recording.
    make : callable
        A writer on an open stream; the last argument is the file that it will be, None for standard output.
    """

    what: str
    suffix: str
    alone: bool
    make: Maker
    tells_notes: bool = False
    has_timeline: bool = False


def _text(what: str, suffix: str, alone: bool, text_of: Callable[[Recognition], str]) -> Format:
    return Format(what, suffix, alone, lambda stream, options, about, folder: TextWriter(stream, text_of))


FORMATS: dict[str, Format] = {
    "table": Format(
        "what plays, its score, when; for people",
        ".txt",
        False,
        lambda stream, options, about, folder: TableWriter(stream, options.timeline),
        tells_notes=True,
        has_timeline=True,
    ),
    "csv": Format(
        "scores, a row a file (--timeline: a window)",
        ".csv",
        False,
        lambda stream, options, about, folder: CsvWriter(stream, options),
        has_timeline=True,
    ),
    "segments": Format(
        "who plays when: CSV, a row a segment",
        ".segments.csv",
        False,
        lambda stream, options, about, folder: SegmentsWriter(stream),
    ),
    "json": Format(
        "everything, one object",
        ".json",
        False,
        lambda stream, options, about, folder: JsonWriter(stream, options.timeline, about),
        tells_notes=True,
        has_timeline=True,
    ),
    "jsonl": Format(
        "everything, a line a recording",
        ".jsonl",
        False,
        lambda stream, options, about, folder: JsonLinesWriter(stream, options),
        tells_notes=True,
        has_timeline=True,
    ),
    "jams": Format(
        "JAMS annotations",
        ".jams",
        True,
        lambda stream, options, about, folder: JamsWriter(stream),
        tells_notes=True,
    ),
    "audacity": _text("Audacity label track", ".labels.txt", True, interop.to_audacity),
    "rttm": _text("RTTM, labels as speakers", ".rttm", False, interop.to_rttm),
    "elan": _text("ELAN, tab-delimited text, a tier a label", ".elan.txt", True, interop.to_elan),
    "sonic-visualiser": _text("Sonic Visualiser region layer, CSV", ".regions.csv", True, interop.to_sonic_visualiser),
    "html": Format(
        "page with timelines and player",
        ".html",
        False,
        lambda stream, options, about, folder: HtmlWriter(
            stream,
            folder,
            about,
            options.timeline,
            options.embed_audio,
            options.embed_bytes,
            link_audio=options.link_audio,
        ),
        tells_notes=True,
        has_timeline=True,
    ),
}
"""Every format by its name."""

_BY_SUFFIX = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jams": "jams",
    ".rttm": "rttm",
    ".html": "html",
    ".htm": "html",
}


def format_of(output: Path | None) -> str:
    """The format that the name of a file asks for; "table" where it asks for none.

    >>> format_of(Path("out.JAMS")), format_of(Path("out.labels.txt")), format_of(Path("a.txt")), format_of(None)
    ('jams', 'audacity', 'table', 'table')
    """
    if output is None:
        return "table"
    for name in ("segments", "audacity", "elan", "sonic-visualiser"):
        if output.name.lower().endswith(FORMATS[name].suffix):
            return name
    return _BY_SUFFIX.get(output.suffix.lower(), "table")


def open_writer(
    form: str,
    output: Path | None,
    options: WriterOptions | None = None,
    about: dict[str, Any] | None = None,
    names: OutputPaths | None = None,
) -> AbstractContextManager[Writer]:
    """A writer of recordings; a context manager, whole once it is left.

    Parameters
    ----------
    form : str
        One of `FORMATS`.
    output : Path, optional
        A file, written whole; a folder (there, or not there and without a suffix for a format whose files hold one
        recording); None is standard output.
    options : WriterOptions, optional
    about : dict, optional
        What JSON and the page tell of the model.
    names : OutputPaths, optional
        Of the inputs: what files in a folder are called.

    Raises
    ------
    OrganologyError
        If several recordings cannot go where `output` says, if `output` is one of the inputs, or cannot be written.
    """
    chosen, options, about, names = FORMATS[form], options or WriterOptions(), about or {}, names or OutputPaths()
    folder = output is not None and (
        output.is_dir() or ((chosen.alone or options.per_label) and not output.suffix and not output.exists())
    )
    if options.per_label and not (form == "audacity" and folder):
        raise OrganologyError("one file a label goes with the format audacity and a folder as output")
    if output is not None and folder:
        make = partial(_make, chosen, options, about)
        return FolderWriter(make, chosen.suffix, output, names, options.per_label)
    if chosen.alone and names.many:
        raise OrganologyError(f"{output or form}: one file for several recordings; name a folder as output")
    if output is not None and names.holds(output):
        raise OrganologyError(f"{output}: this is one of the recordings, and is not written over")
    return _single(chosen, output, options, about)


@contextmanager
def _single(chosen: Format, output: Path | None, options: WriterOptions, about: dict[str, Any]) -> Iterator[Writer]:
    with opened(output, durable=True) as stream, chosen.make(stream, options, about, _folder_of(output)) as writer:
        yield writer


def _make(chosen: Format, options: WriterOptions, about: dict[str, Any], stream: TextIO, folder: Path) -> Writer:
    return chosen.make(stream, options, about, folder)


def _folder_of(output: Path | None) -> Path:
    return Path() if output is None else output.parent
