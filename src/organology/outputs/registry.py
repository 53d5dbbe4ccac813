"""The formats of results, and how recordings are written in them, each as it comes.

`FORMATS` names them; `open_writer` gives a `Writer` for one of them:

    names = OutputPaths(inputs, split=False)
    with open_writer("jams", output, WriterOptions(), about, names) as writer:
        writer.add(recognition)          # as many as there are
        writer.fail(file, reason)        # what could not be used

`output` is None (standard output), a file, or a folder. Into a folder every recording is written alone, as
`OutputPaths` lays them out; into a file all are written, in the formats that hold several. `format_of` gives the format
that a file name asks for, `register` adds a format.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from organology.errors import OrganologyError
from organology.outputs.formats import FORMATS, Format, format_of, register
from organology.outputs.paths import OutputPaths
from organology.outputs.sinks import FolderWriter, one_line_errors, opened
from organology.outputs.writers.base import Writer, WriterOptions

__all__ = [
    "FORMATS",
    "Format",
    "Writer",
    "WriterOptions",
    "format_of",
    "one_line_errors",
    "open_writer",
    "register",
]


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
        What JSON and the page say of the model.
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
    make = partial(_make, chosen, options, about)
    if output is not None and folder:
        return FolderWriter(make, chosen.suffix, output, names, options.per_label)
    if chosen.alone and names.many:
        raise OrganologyError(f"{output or form}: one file for several recordings; name a folder as output")
    if output is not None and names.holds(output):
        raise OrganologyError(f"{output}: this is one of the recordings, and is not written over")
    return _single(chosen, output, options, about)


@contextmanager
def _single(chosen: Format, output: Path | None, options: WriterOptions, about: dict[str, Any]) -> Iterator[Writer]:
    folder = Path() if output is None else output.parent
    with (
        opened(output, durable=True, is_styled=chosen.is_styled) as stream,
        _make(chosen, options, about, stream, folder) as writer,
    ):
        yield writer


def _make(chosen: Format, options: WriterOptions, about: dict[str, Any], stream: TextIO, folder: Path) -> Writer:
    writer: Writer = chosen.make(stream, options, about, folder)
    return writer
