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

from organology.outputs.formats import FORMATS, Format, format_of, register
from organology.outputs.sinks import one_line_errors, open_writer
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
