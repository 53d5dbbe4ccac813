#!/usr/bin/env python3
"""Write the examples of docs/outputs.md and other pages: what `organology` says of examples/mutilated-mime.ogg.

    python scripts/make_output_examples.py              # writes the page
    python scripts/make_output_examples.py --check      # only tells which examples are not what is said now

Each example stands between `<!-- example: NAME -->` and `<!-- end example -->`. To be run whenever the model, or what a
format holds, has changed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from typer.testing import CliRunner

from organology.cli import command_line

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "outputs.md"
OTHERS = (ROOT / "README.md", ROOT / "docs" / "start" / "first_song.md")
"""Pages that show some of the examples, too."""
RECORDING = "mutilated-mime.ogg"
LABELS = "electric_bass,drums"
_ELLIPSIS = "…"
_EXAMPLE = re.compile(r"(<!-- example: (?P<name>[\w-]+) -->\n)(?P<text>.*?)(<!-- end example -->)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_TOLERANCE = 0.003  # of scores: their last digits differ between processors and versions of decoders


def said(*options: str) -> str:
    """What `organology recognize` writes to a standard output that is no terminal."""
    with contextlib.chdir(ROOT / "examples"), mock.patch.dict(os.environ, {"COLUMNS": "80"}):
        result = CliRunner().invoke(command_line(), ["recognize", RECORDING, *options])
    if result.exit_code:
        raise SystemExit(f"organology recognize {RECORDING} {' '.join(options)}: {result.exception}")
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())


def of_two(form: str, *options: str) -> str:
    """A format, with the two labels that the page shows."""
    return said("--only", LABELS, "--format", form, *options)


def table() -> str:
    """The table, below the command."""
    return f"$ organology recognize {RECORDING}\n{said()}"


def windows() -> str:
    """The head and the first two windows."""
    return "\n".join(of_two("csv", "--timeline").splitlines()[:3])


def jsonl() -> str:
    """A line of jsonl, broken where its parts begin."""
    line = of_two("jsonl")
    for part, indent in (
        ('"hop_seconds"', 1),
        ('"segment_settings"', 1),
        ('"instruments"', 1),
        ('"labels"', 1),
        ('{"label"', 3),
        ('"segments"', 4),
        ('"notes"', 1),
    ):
        line = line.replace(f" {part}", f"\n{' ' * indent}{part}")
        line = line.replace(f"[{part}", f"[\n{' ' * indent}{part}")
    return line


def whole_json() -> str:
    """The one object of json; recordings and failures abridged."""
    document: dict[str, Any] = json.loads(of_two("json"))
    head = json.dumps({"schema": document["schema"], "version": document["version"]})
    if set(document) != {"schema", "version", "model", "recordings", "failures"}:
        raise SystemExit(f"json has other keys now: {', '.join(document)}")
    return (
        f'{head[:-1]},\n "model": {json.dumps(document["model"])},\n'
        ' "recordings": [as above, without schema and version],\n'
        f' "failures": [{{"file": {_ELLIPSIS}, "reason": {_ELLIPSIS}}}]}}'
    )


def jams() -> str:
    """The annotation of drums, without the empty values of its metadata."""
    document: dict[str, Any] = json.loads(of_two("jams"))
    found = next(one for one in document["annotations"] if one["sandbox"].get("label") == "drums")
    metadata = found["annotation_metadata"]
    shown = [
        f"{json.dumps(key)}: {json.dumps(metadata[key])}"
        for key in ("annotation_tools", "data_source", "annotation_rules")
    ]
    head = json.dumps({key: found[key] for key in ("namespace", "time", "duration")})
    return (
        f'{head[:-1]},\n "annotation_metadata": {{{shown[0]}, {shown[1]},\n   {shown[2]}, {_ELLIPSIS}}},\n'
        f' "data": {json.dumps(found["data"])},\n "sandbox": {json.dumps(found["sandbox"])}}}'
    )


def eaf() -> str:
    """The document up to the first annotation of the first tier."""
    lines = of_two("eaf").splitlines()
    end = next(i for i, line in enumerate(lines) if "</ANNOTATION>" in line)
    slots = [i for i, line in enumerate(lines) if "TIME_SLOT " in line]
    return "\n".join([*lines[: slots[2]], f"    {_ELLIPSIS}", *lines[slots[-1] + 1 : end + 1], _ELLIPSIS])


def svl() -> str:
    """The model and its first two regions."""
    lines = of_two("svl").splitlines()
    points = [i for i, line in enumerate(lines) if "<point" in line]
    return "\n".join([*lines[: points[2]], f"      {_ELLIPSIS}", *lines[points[-1] + 1 :]])


EXAMPLES: dict[str, Callable[[], str]] = {
    "table": table,
    "timeline": lambda: said("--timeline"),
    "csv": lambda: of_two("csv"),
    "windows": windows,
    "segments": lambda: of_two("segments"),
    "jsonl": jsonl,
    "json": whole_json,
    "jams": jams,
    "audacity": lambda: of_two("audacity"),
    "rttm": lambda: of_two("rttm"),
    "elan": lambda: of_two("elan"),
    "sonic-visualiser": lambda: of_two("sonic-visualiser"),
    "vtt": lambda: of_two("vtt"),
    "srt": lambda: of_two("srt"),
    "eaf": eaf,
    "svl": svl,
}


def produced(names: Iterable[str] = EXAMPLES) -> dict[str, str]:
    """The examples as they are now."""
    return {name: EXAMPLES[name]() for name in names}


def shown(page: Path = PAGE) -> dict[str, str]:
    """The examples that stand in a page."""
    found = _EXAMPLE.finditer(page.read_text(encoding="utf-8"))
    return {one["name"]: one["text"].strip().removeprefix("```\n").removesuffix("\n```") for one in found}


def agree(one: str, other: str) -> bool:
    """Whether two examples are the same but for the last digits of their numbers."""
    if _NUMBER.split(one) != _NUMBER.split(other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= _TOLERANCE for a, b in pairs)


def write(examples: dict[str, str], page: Path = PAGE) -> None:
    """Put examples into a page."""

    def put(found: re.Match[str]) -> str:
        text = examples.get(found["name"])
        return found[0] if text is None else f"{found[1]}```\n{text}\n```\n{found[4]}"

    content = page.read_text(encoding="utf-8")
    page.write_text(_EXAMPLE.sub(put, content), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where the page is stale")
    arguments = parser.parse_args()
    now, before = produced(), shown()
    if missing := sorted(set(now) ^ set(before)):
        raise SystemExit(f"{PAGE}: examples not in both page and script: {', '.join(missing)}")
    stale = [name for name, text in now.items() if not agree(text, before[name])]
    if not arguments.check:
        for page in (PAGE, *OTHERS):
            write(now, page)
    print(f"{'stale' if arguments.check else 'changed'}: {', '.join(stale) or 'none'}", file=sys.stderr)
    sys.exit(bool(stale) if arguments.check else 0)


if __name__ == "__main__":
    main()
