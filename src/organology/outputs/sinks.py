"""Where results are written: standard output, a file that is whole or not there, a folder with a file a recording."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from organology.atomic import written_whole
from organology.errors import OrganologyError
from organology.outputs.paths import Names
from organology.outputs.writers import PlainWriter, WriterOptions
from organology.recognition.result import Recognition

if TYPE_CHECKING:
    from organology.outputs.registry import Format


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
        told(output),
        written_whole(output) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        yield stream


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Errors of writing as one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OrganologyError(f"{path}: cannot be written: {error.strerror or error}") from error


class FolderWriter(PlainWriter):
    """A file a recording; with `per_label` one for each label that has segments."""

    def __init__(
        self, chosen: Format, folder: Path, options: WriterOptions, about: dict[str, Any], names: Names
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
