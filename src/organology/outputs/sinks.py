"""Where results are written: standard output, a file that is whole or not there, a folder with a file a recording."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO, cast

from organology.atomic import descriptor_of, is_written_through, written_whole
from organology.errors import OrganologyError, one_line
from organology.outputs.paths import OutputPaths
from organology.outputs.terminal.printable import PrintableStream
from organology.outputs.writers.base import PlainWriter, Writer
from organology.recognition.result import Recognition

STANDARD_OUTPUT = "standard output"


def output_path(given: Path | None) -> Path | None:
    """What `--output` names: None for standard output, which `-` is, too."""
    return None if given is None or given == Path("-") else given


@contextmanager
def opened(
    output: Path | None, *, durable: bool = False, keeps_bytes: bool = False, is_styled: bool = False
) -> Iterator[TextIO]:
    r"""A stream for text: a file's, written whole; that of a device or FIFO; or standard output.

    Parameters
    ----------
    output : Path, optional
        None is standard output.
    durable : bool
        As of `written_whole`.
    keeps_bytes : bool
        Names that are not UTF-8 are written as the bytes that they are, for programs that open them; else they are
        written as `\xff`, for people.
    is_styled : bool
        What is written may steer a terminal; else control characters stand escaped where the output is one.

    Raises
    ------
    OrganologyError
        If it cannot be written.
    """
    errors = "surrogateescape" if keeps_bytes else "backslashreplace"
    with one_line_errors(output):
        if output is None:
            yield from _standard_output(errors, is_styled)
        elif is_written_through(output):
            with os.fdopen(descriptor_of(output), "w", encoding="utf-8", errors=errors, newline="") as stream:
                yield stream
        else:
            with (
                written_whole(output, durable=durable) as temporary,
                temporary.open("w", encoding="utf-8", errors=errors, newline="") as stream,
            ):
                yield stream


def _standard_output(errors: str, is_styled: bool) -> Iterator[TextIO]:
    # A name that is not UTF-8 must not end the job.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=errors)
    try:
        steers = is_styled or not sys.stdout.isatty()
        yield sys.stdout if steers else cast(TextIO, PrintableStream(sys.stdout))
        sys.stdout.flush()
    except OSError:
        discard_standard_output()
        raise


def discard_standard_output() -> None:
    """What is still to be written to standard output is dropped: it cannot be, and Python would try at its end."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


@contextmanager
def one_line_errors(output: Path | None) -> Iterator[None]:
    """Turn errors of writing into one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        name = STANDARD_OUTPUT if output is None else output
        raise OrganologyError(f"{name}: cannot be written: {one_line(error)}") from error


class FolderWriter(PlainWriter):
    """A file a recording; with `per_label` one for each label that has segments.

    Parameters
    ----------
    make : callable
        Gives a writer on a stream for a file in a folder.
    suffix : str
        Of the files.
    folder : Path
    names : OutputPaths
    per_label : bool
    """

    def __init__(
        self,
        make: Callable[[TextIO, Path], Writer],
        suffix: str,
        folder: Path,
        names: OutputPaths,
        per_label: bool = False,
    ) -> None:
        self._make, self._suffix, self._folder = make, suffix, folder
        self._names, self._per_label = names, per_label

    def add(self, recognition: Recognition) -> None:
        """Write the file of a recording."""
        if not self._per_label:
            self._write(recognition, self._suffix)
            return
        for label in dict.fromkeys(segment.label for segment in recognition.segments):
            self._write(recognition.only([label]), f".{label}{self._suffix}")

    def _write(self, recognition: Recognition, suffix: str) -> None:
        path = self._names.path(recognition.source, self._folder, suffix)
        if self._names.holds(path):
            raise OrganologyError(f"{path}: this is one of the recordings, and is not written over")
        with ExitStack() as stack:
            stream = stack.enter_context(opened(path))
            stack.enter_context(self._make(stream, path.parent)).add(recognition)
