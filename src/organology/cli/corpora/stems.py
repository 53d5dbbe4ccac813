"""`organology stems`: what is in each stem of a session."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from organology.cli.echo import echo

if TYPE_CHECKING:
    from organology.corpora.session import StemReport


class StemsFormat(StrEnum):
    """Forms of the report."""

    table = "table"
    csv = "csv"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("stems")(stems)


def stems(
    folder: Annotated[list[str], typer.Argument(metavar="DIR", help="Folder of stems; or files.", show_default=False)],
    form: Annotated[StemsFormat, typer.Option("--format", help="What is written.")] = StemsFormat.table,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File in place of standard output.")
    ] = None,
    rename: Annotated[
        bool, typer.Option("--rename", help="List new names, after the instruments; with --yes give them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Let --rename change the files' names.")] = False,
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="Another model file (ONNX).")] = None,
    labels: Annotated[str | None, typer.Option(metavar="SET", help="Another label set, or all.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Files at once [cores].")] = None,
) -> None:
    """Say what is in each stem of a folder: instrument, General MIDI program, silence, bleed, a better name.

    A stem that cannot be used costs one line on standard error and exit status 1; the rest goes on.
    """
    from organology.audio.inputs import expand
    from organology.corpora import session
    from organology.outputs.sinks import output_path
    from organology.recognition.onnx_model import available_cores
    from organology.recognition.recognizer import Recognizer
    from organology.targets import check_output

    inputs = expand(folder)
    target = output_path(output)
    if target is not None:
        check_output(target, [model, *(item.name for item in inputs.files)])
    failures = [f"{name}: {reason}" for name, reason in inputs.failures]
    found: list[StemReport] = []
    if inputs.files:
        recognizer = Recognizer(model, threads=1, labels=labels)
        files = [Path(item.name) for item in inputs.files]
        for _, one in session.reports(files, recognizer, jobs or available_cores()):
            if isinstance(one, session.StemReport):
                found.append(one)
            else:
                failures.append(str(one))
    changes = session.new_names(found)
    if rename:
        for old, new in changes.items():
            try:
                if yes:
                    session.rename(old, new)
                echo(f"{old} -> {new.name}")
            except Exception as error:
                failures.append(str(error))
        if not yes:
            echo("nothing was renamed; with --yes the files get these names", err=True)
    else:
        _write(found, changes, form, target)
    for failure in failures:
        echo(failure, err=True)
    if failures:
        raise typer.Exit(1)


def _write(found: list[StemReport], changes: dict[Path, Path], form: StemsFormat, output: Path | None) -> None:
    import json

    from organology.outputs.sinks import opened
    from organology.outputs.writers.tables import csv_rows, safe_cell

    with opened(output) as stream:
        if form is StemsFormat.table:
            stream.writelines(f"{line}\n" for line in _table(found, changes))
        elif form is StemsFormat.json:
            rows = [_plain(one, changes) for one in found]
            json.dump(
                {"schema": "organology.stems", "version": 1, "stems": rows},
                stream,
                indent=1,
                ensure_ascii=False,
                allow_nan=False,
            )
            stream.write("\n")
        else:
            rows_of = csv_rows(stream)
            rows_of.writerow(("file", "duration", "instrument", "score", "plays", "program", "new_name", "marks"))
            for one in found:
                rows_of.writerow(
                    (
                        safe_cell(str(one.file)),
                        f"{one.duration:.3f}",
                        one.name,
                        f"{one.score:.6g}",
                        "; ".join(one.plays),
                        _program(one),
                        safe_cell(changes[one.file].name) if one.file in changes else "",
                        "; ".join(one.marks),
                    )
                )


def _plain(one: StemReport, changes: dict[Path, Path]) -> dict[str, Any]:
    return {
        "file": str(one.file),
        "duration": round(one.duration, 6),
        "label": one.label,
        "name": one.name,
        "score": round(one.score, 6),
        "plays": list(one.plays),
        "program": one.program,
        "is_drums": one.is_drums,
        "new_name": changes[one.file].name if one.file in changes else None,
        "marks": list(one.marks),
    }


def _program(one: StemReport) -> str:
    return "drums" if one.is_drums else "" if one.program is None else str(one.program)


def _table(found: list[StemReport], changes: dict[Path, Path]) -> list[str]:
    from organology.outputs.terminal.printable import printable

    rows = [("stem", "instrument", "score", "program", "new name", "look at")]
    for one in found:
        new = changes[one.file].name if one.file in changes else ""
        rows.append((one.file.name, one.name, f"{one.score:.2f}", _program(one), new, "; ".join(one.marks)))
    texts = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in texts) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts]
