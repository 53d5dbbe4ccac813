#!/usr/bin/env python3
"""Write docs/reference/cli.md from the command line itself.

python scripts/make_cli_reference.py            # writes the page
python scripts/make_cli_reference.py --check    # exit status 1 where the page is stale
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from organology.cli import command_line

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"


def verbs(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every verb below a command, with its full name."""
    members = getattr(command, "commands", None)
    if members is None:
        yield name, command
        return
    for each in members.values():
        yield from verbs(each, f"{name} {each.name}")


def options(command: Any) -> Iterator[tuple[str, str]]:
    """Each option or argument of a verb, as its help shows it."""
    context = command.context_class(command, info_name=command.name)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in record[0]:
            yield record


def page() -> str:
    """The page."""
    parts = ["# Command line\n\nWritten by `scripts/make_cli_reference.py` from the commands themselves.\n"]
    for name, command in verbs(typer.main.get_command(command_line()), "organology"):
        parts.append(f"## {name}\n\n{_text(command.help or '')}\n")
        rows = [f"| `{_cell(left)}` | {_cell(right).replace('<', '&lt;')} |" for left, right in options(command)]
        if rows:
            parts.append("\n".join(["| option | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _text(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    text = page()
    if parser.parse_args().check:
        sys.exit(PAGE.read_text("utf-8") != text)
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
