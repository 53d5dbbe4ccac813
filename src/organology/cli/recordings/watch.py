"""`organology watch`: recognize what arrives in a folder."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from organology.batch.options import LOCAL
from organology.cli.recordings.choices import Channels, Device, Engine, OutputFormat, RecognizeCommand, check_output
from organology.cli.recordings.options import wrong_options
from organology.cli.recordings.signature import job_from, parameters_of

_LEFT_OUT = {"lists", "null", "engine", "address"}

_OWN = (
    inspect.Parameter(
        "every",
        inspect.Parameter.KEYWORD_ONLY,
        default=5.0,
        annotation=Annotated[
            float, typer.Option(metavar="SECONDS", min=0.01, help="Between two looks.", rich_help_panel="Watching")
        ],
    ),
    inspect.Parameter(
        "once",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[
            bool,
            typer.Option("--once", help="End when nothing changes any more.", rich_help_panel="Watching"),
        ],
    ),
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="watch", cls=RecognizeCommand)(watch)


def watch(**given: Any) -> None:
    """Recognize what arrives in a folder, until Ctrl-C. Needs --store.

    A file that still grows waits until it stays as it is. With --output the output always holds the whole folder;
    without, each recording is printed once.
    """
    every, once = given.pop("every"), given.pop("once")
    with wrong_options():
        job = job_from({**given, "lists": None, "engine": LOCAL})
        from organology.batch.job import with_format
        from organology.batch.watch import watch as follow

        job = with_format(job)
        check_output(job.format or "table", job.output, job.timeline, job.per_label, job.embed_audio)
        if follow(job, every, once):
            raise typer.Exit(1)


_shown = parameters_of({"channels": Channels, "format": OutputFormat | None, "engine": Engine, "device": Device})
watch.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [*(one for one in _shown if one.name not in _LEFT_OUT), *_OWN]
)
