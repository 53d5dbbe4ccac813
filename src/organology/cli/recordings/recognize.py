"""`organology recognize`: which instruments play in recordings, and when."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Annotated, Any

import typer

from organology.batch.options import RAY
from organology.cli.recordings.choices import (
    Channels,
    Device,
    Engine,
    OutputFormat,
    RecognizeCommand,
    check_output,
    check_plot,
)
from organology.cli.recordings.options import list_formats, wrong_options
from organology.cli.recordings.signature import job_from, parameters_of

_LIST_FORMATS = inspect.Parameter(
    "formats",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option(
            "--formats",
            is_eager=True,
            callback=list_formats,
            rich_help_panel="What is written",
            help="List the formats and end.",
        ),
    ],
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="recognize", cls=RecognizeCommand)(recognize)


def recognize(**given: Any) -> None:
    """Tell which instruments play in recordings, and when.

    An input that cannot be used costs one line on standard error and exit status 1; the rest goes on.
    """
    with wrong_options():
        job = job_from(given)
    if not job.paths and not job.lists:
        raise typer.BadParameter("name a file, a folder, or --from-file LIST", param_hint="PATH")
    if job.engine == RAY:
        from organology.cluster.job import run as run_on_cluster

        with wrong_options():
            n_failed = run_on_cluster(job)
        if n_failed:
            raise typer.Exit(1)
        return
    check_plot(job.plot, list(job.paths))
    from organology.batch.job import run, with_format

    job = with_format(job)
    check_output(job.format or "table", job.output, job.timeline, job.per_label, job.embed_audio)
    try:
        with wrong_options():
            n_failed = run(job)
    except BrokenPipeError:  # the reader, e.g. `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    if n_failed:
        raise typer.Exit(1)


_parameters = parameters_of({"channels": Channels, "format": OutputFormat | None, "engine": Engine, "device": Device})
_after_format = 1 + [parameter.name for parameter in _parameters].index("format")
_parameters.insert(_after_format, _LIST_FORMATS)
recognize.__signature__ = inspect.Signature(_parameters)  # type: ignore[attr-defined]
