"""Where results are written: standard output, a file that is whole or not there, a folder with a file a recording."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from organology.atomic import written_whole
from organology.errors import OrganologyError
from organology.outputs.formats import FORMATS, Format
from organology.outputs.paths import OutputPaths
from organology.outputs.writers.base import PlainWriter, Writer, WriterOptions
from organology.recognition.result import Recognition


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
    if output is not None and folder:
        return FolderWriter(chosen, output, options, about, names)
    if chosen.alone and names.many:
        raise OrganologyError(f"{output or form}: one file for several recordings; name a folder as output")
    if output is not None and names.holds(output):
        raise OrganologyError(f"{output}: this is one of the recordings, and is not written over")
    return _single(chosen, output, options, about)


@contextmanager
def _single(chosen: Format, output: Path | None, options: WriterOptions, about: dict[str, Any]) -> Iterator[Writer]:
    folder = Path() if output is None else output.parent
    with opened(output) as stream, chosen.make(stream, options, about, folder) as writer:
        yield writer


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """A stream for text: a file's, written whole, or standard output.

    Raises
    ------
    OrganologyError
        If it cannot be written.
    """
    if output is None:
        # A name that is not UTF-8 must not end the job.
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    with (
        one_line_errors(output),
        written_whole(output) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        yield stream


@contextmanager
def one_line_errors(path: Path) -> Iterator[None]:
    """Errors of writing a file as one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OrganologyError(f"{path}: cannot be written: {error.strerror or error}") from error


class FolderWriter(PlainWriter):
    """A file a recording; with `per_label` one for each label that has segments."""

    def __init__(
        self, chosen: Format, folder: Path, options: WriterOptions, about: dict[str, Any], names: OutputPaths
    ) -> None:
        self._chosen, self._folder, self._options = chosen, folder, options
        self._about, self._names = about, names

    def add(self, recognition: Recognition) -> None:
        """Write the file of a recording."""
        if not self._options.per_label:
            self._write(recognition, self._chosen.suffix)
            return
        for label in dict.fromkeys(segment.label for segment in recognition.segments):
            self._write(recognition.only([label]), f".{label}{self._chosen.suffix}")

    def _write(self, recognition: Recognition, suffix: str) -> None:
        path = self._names.path(recognition.source, self._folder, suffix)
        if self._names.holds(path):
            raise OrganologyError(f"{path}: this is one of the recordings, and is not written over")
        with ExitStack() as stack:
            stream = stack.enter_context(opened(path))
            stack.enter_context(self._chosen.make(stream, self._options, self._about, path.parent)).add(recognition)
