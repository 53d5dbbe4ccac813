"""What the command line says of `examples/`: every format, and queries over a store of them, frozen as files.

    python tests/golden/cases.py --write           # freeze anew, after a wanted change of what is said
    python tests/golden/cases.py --check           # compare to the byte; names what differs

`test_golden.py` compares the same, with a tolerance in the last digits of numbers, as these differ between processors.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from typer.testing import CliRunner

from organology import Recognizer, __version__
from organology.cli import command_line

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "outputs"
ALL = ("attic-duo.ogg", "courtyard-quartet.ogg", "mutilated-mime.ogg", "rooftop-band.ogg", "vocadito-14.ogg")

OPTIONS = {
    "table": (),
    "timeline": ("--timeline",),
    "csv": ("--format", "csv"),
    "csv_windows": ("--format", "csv", "--timeline"),
    "segments": ("--format", "segments"),
    "json": ("--format", "json"),
    "json_windows": ("--format", "json", "--timeline", "--hop", "2"),
    "jsonl": ("--format", "jsonl"),
    "rttm": ("--format", "rttm"),
    "html": ("--format", "html"),
    "html_windows": ("--format", "html", "--timeline", "--hop", "2"),
    "table_decisions": ("--threshold", "0.4", "--threshold", "drums=0.2", "--only", "voice,drums,piano,synth"),
    "segments_rules": ("--format", "segments", "--min-seconds", "0", "--max-gap", "0", "--smooth", "3"),
}
"""Formats of which one output holds several recordings."""

ALONE = ("jams", "audacity", "elan", "sonic-visualiser", "vtt", "srt", "eaf", "svl")
"""Formats of which a file holds one recording."""

QUERIES = (
    "",
    "violin",
    "VIOLIN",
    "electric-guitar",
    "violin and not drums",
    "violin & !drums",
    "key or brass and synth",
    "(key or brass) and synth",
    "not not key",
    "violin > 0.8",
    "violin.score>=80%",
    "singer.seconds >= 10",
    "duration > 0:15",
    "duration > 1:00:01.5",
    "duration>2 min",
    "channel == 2",
    "piano > synth",
    "path ~ '*/mutil*'",
    "0.2 < key <= .9",
    "bowed_string and not drums",
    "drums.share > 0.9",
    "drums.seconds > 0 and drums.share < 50%",
    "not singer.seconds > 5",
    "viola",
    "key and electric guitar",
    "violin drums",
    "(violin",
    "violin.loudness > 3",
    "duration",
    'violin > "x"',
    "violin @ 3",
)
"""Queries, also wrong ones."""


def _said(*arguments: str) -> str:
    """Standard output and error of a command, in `examples/`, to no terminal; neither version nor folder in it.

    The folder goes first: that of an unpacked sdist has the version in its name.
    """
    with contextlib.chdir(ROOT / "examples"), mock.patch.dict(os.environ, {"COLUMNS": "100"}):
        result = CliRunner().invoke(command_line(), list(arguments))
    if result.exit_code and not result.exception:
        raise SystemExit(f"{' '.join(arguments)}: exit status {result.exit_code}")
    told = f"{type(result.exception).__name__}: {result.exception}\n" if result.exit_code else ""
    return result.stdout.replace(str(ROOT / "examples"), "EXAMPLES").replace(__version__, "VERSION") + told


def produced() -> Iterator[tuple[str, str]]:
    """Every case: its name and what is said now."""
    for name, options in OPTIONS.items():
        yield name, _said("recognize", *ALL, *options)
    for name in ALONE:
        recording = "vocadito-14.ogg" if name in ("vtt", "srt") else "mutilated-mime.ogg"  # the one who sings
        yield name, _said("recognize", recording, "--format", name)
    yield "scores", _scores()
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store.db")
        _said("recognize", *ALL, "--store", store, "--format", "csv")
        for form in ("table", "csv", "json", "paths", "m3u"):
            # The table has columns as wide as the paths before they are shortened: its spaces are folded.
            text = "".join(f"## {query}\n{_found(query, store, form)}" for query in QUERIES)
            yield f"find_{form}", re.sub(r"[ ─]{2,}", "  ", text) if form == "table" else text
        yield "find_thresholds", _found("voice or drums", store, "csv", "--threshold", "0.3", "--sort", "-drums")
        yield "store_info", re.sub(r".*MB\n", "", _said("store", "info", store))


def _scores() -> str:
    """The scores of windows and files, with all their digits."""
    rows = []
    for name in ALL:
        recognition = Recognizer(threads=1).recognize(ROOT / "examples" / name, hop_seconds=2)
        rows += [f"{name} {' '.join(map(str, row))}" for row in (*recognition.scores, recognition.file_scores)]
    return "".join(f"{row}\n" for row in rows)


def _found(query: str, store: str, form: str, *options: str) -> str:
    return _said("find", query, "--store", store, "--format", form, *options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    writes = parser.parse_args().write
    different = []
    for name, text in produced():
        path = FOLDER / f"{name}.txt"
        if writes:
            path.write_text(text, encoding="utf-8", newline="")
        elif path.read_bytes() != text.encode():
            different.append(name)
    print("different:", ", ".join(different) or "none")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
