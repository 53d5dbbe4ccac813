"""The registry of formats. It imports no writer, so that a help text can list formats without loading any.

To add a format, write a class or function that makes its writer, in a file of its own, and `register` a `Format` that
names it: `--format`, `--formats`, the endings of files and the table in `docs/outputs.md` follow from the registry.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from organology.atomic import is_written_through
from organology.errors import OrganologyError

DEFAULT = "table"
"""What is written where nothing asks for another format."""


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes
    ----------
    name : str
        As `--format` takes it.
    what : str
        One line for help and docs.
    suffixes : tuple of str
        By which a file's name asks for it; the first is that of the files in a folder.
    writer : str or callable
        Makes a writer, given a text stream, `WriterOptions`, what is known of the model (dict), and the folder in which
        the file will lie; or where that stands, as "module:name".
    alone : bool
        A file holds one recording.
    has_notes : bool
        Notes of a recording stand in it; else they go to standard error.
    has_timeline : bool
        `--timeline` goes with it.
    is_styled : bool
        It colors what it writes to a terminal, and writes no control character of a name there.
    """

    name: str
    what: str
    suffixes: tuple[str, ...]
    writer: str | Callable[..., Any]
    alone: bool = False
    has_notes: bool = False
    has_timeline: bool = False
    is_styled: bool = False

    @property
    def suffix(self) -> str:
        """Of the files in a folder."""
        return self.suffixes[0]

    def make(self, *arguments: Any) -> Any:
        """A writer; see `writer` for the arguments."""
        maker = pkgutil.resolve_name(self.writer) if isinstance(self.writer, str) else self.writer
        return maker(*arguments)


FORMATS: dict[str, Format] = {}
"""Every format by its name."""


def register(form: Format) -> None:
    """Add a format.

    Raises
    ------
    ValueError
        If another format has its name or one of its suffixes.
    """
    for other in FORMATS.values():
        shared = set(form.suffixes) & set(other.suffixes)
        if form.name == other.name or shared:
            taken = ", ".join(sorted(shared)) or "the name"
            raise ValueError(f"format {form.name}: {taken} must be free, got that of {other.name}")
    FORMATS[form.name] = form


def format_of(output: Path | None) -> str:
    """The format that the name of a file asks for; the default for standard output, a folder, a name without an ending.

    Raises
    ------
    OrganologyError
        If the ending is that of no format: it may be a recording, or a slip.

    Examples
    --------
    >>> format_of(Path("out.JAMS")), format_of(Path("out.labels.txt")), format_of(Path("out")), format_of(None)
    ('jams', 'audacity', 'table', 'table')
    """
    name = "" if output is None else output.name.lower()
    fitting = [(len(end), form.name) for form in FORMATS.values() for end in form.suffixes if name.endswith(end)]
    if fitting:
        return max(fitting)[1]
    if output is not None and output.suffix and not output.is_dir() and not is_written_through(output):
        raise OrganologyError(f"{output}: {output.suffix} is the ending of no format; give --format")
    return DEFAULT


_WRITERS = "organology.outputs.writers"

for _format in (
    Format(
        "table",
        "what plays, its score, when; for people",
        (".txt",),
        "organology.outputs.terminal.writer:TableWriter",
        has_notes=True,
        has_timeline=True,
        is_styled=True,
    ),
    Format(
        "csv",
        "scores, a row a file (--timeline: a window)",
        (".csv",),
        f"{_WRITERS}.tables:CsvWriter",
        has_timeline=True,
    ),
    Format("segments", "who plays when: CSV, a row a segment", (".segments.csv",), f"{_WRITERS}.tables:SegmentsWriter"),
    Format(
        "json",
        "everything, one object",
        (".json",),
        f"{_WRITERS}.documents:JsonWriter",
        has_notes=True,
        has_timeline=True,
    ),
    Format(
        "jsonl",
        "everything, a line a recording",
        (".jsonl", ".ndjson"),
        f"{_WRITERS}.documents:JsonLinesWriter",
        has_notes=True,
        has_timeline=True,
    ),
    Format("jams", "JAMS annotations", (".jams",), f"{_WRITERS}.documents:JamsWriter", alone=True, has_notes=True),
    Format("audacity", "Audacity label track", (".labels.txt",), f"{_WRITERS}.texts:audacity", alone=True),
    Format("rttm", "RTTM, labels as speakers", (".rttm",), f"{_WRITERS}.texts:rttm"),
    Format("elan", "ELAN, tab-delimited text, a tier a label", (".elan.txt",), f"{_WRITERS}.texts:elan", alone=True),
    Format(
        "sonic-visualiser",
        "Sonic Visualiser region layer, CSV",
        (".regions.csv",),
        f"{_WRITERS}.texts:sonic_visualiser",
        alone=True,
    ),
    Format("vtt", "WebVTT: when somebody sings", (".vtt",), f"{_WRITERS}.subtitles:vtt", alone=True),
    Format("srt", "SubRip: when somebody sings", (".srt",), f"{_WRITERS}.subtitles:srt", alone=True),
    Format(
        "eaf", "ELAN document, a tier a label, the recording linked", (".eaf",), f"{_WRITERS}.eaf:EafWriter", alone=True
    ),
    Format("svl", "Sonic Visualiser layer", (".svl",), f"{_WRITERS}.svl:SvlWriter", alone=True),
    Format(
        "html",
        "page with timelines and player",
        (".html", ".htm"),
        "organology.outputs.html.report:html_writer",
        has_notes=True,
        has_timeline=True,
    ),
):
    register(_format)


def markdown_table() -> str:
    """The registry as a table in Markdown, for the docs."""
    rows = ["| `--format` | names of files | one file holds | what it says |", "|---|---|---|---|"]
    for form in FORMATS.values():
        names = ", ".join(f"`{suffix}`" for suffix in form.suffixes)
        rows.append(
            f"| `{form.name}` | {names} | {'one recording' if form.alone else 'all recordings'} | {form.what} |"
        )
    return "".join(f"{row}\n" for row in rows)
