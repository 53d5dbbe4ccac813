"""`organology recognize`: which instruments play in recordings, and when."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

_PICTURES = (".png", ".pdf", ".svg")


class OutputFormat(StrEnum):
    """What is written."""

    table = "table"
    csv = "csv"
    json = "json"


class _Command(TyperCommand):
    """`--plot` without a value means `--plot .`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        filled: list[str] = []
        for i, arg in enumerate(args):
            if arg == "--":
                filled += args[i:]
                break
            filled.append(arg)
            following = args[i + 1] if i + 1 < len(args) else "-"
            if arg == "--plot" and following.startswith("-"):
                filled.append(".")
        return super().parse_args(ctx, filled)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="recognize", cls=_Command)(recognize)


def recognize(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Audio or video files, and folders of them.")],
    output_format: Annotated[
        OutputFormat | None,
        typer.Option("--format", help="What is written.  [default: as --output ends, else table]"),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File to write, whole, in place of standard output.")] = None,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="csv: one row a window in place of one a file; json: the windows too.")
    ] = False,
    hop: Annotated[float, typer.Option(min=0.01, metavar="SECONDS", help="How far windows are apart.")] = 1.0,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="[PATH]",
            help="Draw timelines: a .png, .pdf or .svg for one file, or a folder (alone: the current one).",
        ),
    ] = None,
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="Another model file (ONNX).")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="One for all labels, in place of the model's.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads in all.  [default: all cores]")] = None,
) -> None:
    """Tell which instruments play in recordings, and when.

    An input that cannot be used costs one line on standard error and exit status 1; the rest goes on.
    """
    chosen = _format(output_format, output)
    if timeline and chosen == "table":
        raise typer.BadParameter("goes with --format csv or json", param_hint="--timeline")
    if output is not None and output.is_dir():
        raise typer.BadParameter(f"{output} is a folder", param_hint="--output")
    if plot is not None and plot.suffix.lower() not in _PICTURES and plot.exists() and not plot.is_dir():
        raise typer.BadParameter(
            f"{plot} is neither a folder nor a name that ends in {', '.join(_PICTURES)} (put --plot behind the paths)",
            param_hint="--plot",
        )
    if plot is not None and plot.suffix.lower() in _PICTURES and len(paths) > 1:
        raise typer.BadParameter("one picture for several paths; name a folder", param_hint="--plot")
    from organology.recognition.job import Job, run

    job = Job(
        paths=paths,
        format=chosen,
        output=output,
        timeline=timeline,
        hop_seconds=hop,
        plot=plot,
        model=model,
        threshold=threshold,
        threads=threads,
    )
    try:
        n_failed = run(job)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, e.g. `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    if n_failed:
        raise typer.Exit(1)


def _format(asked: OutputFormat | None, output: Path | None) -> Any:
    if asked is not None:
        return asked.value
    suffix = "" if output is None else output.suffix.lower().removeprefix(".")
    return suffix if suffix in ("csv", "json") else "table"
