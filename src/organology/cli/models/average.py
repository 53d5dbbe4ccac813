"""`organology average`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("average")(average)


def average(
    checkpoints: Annotated[
        list[Path],
        typer.Argument(
            help="Two checkpoint folders or more, fine-tuned from one start; after the first also that start: the "
            "file of the published weights.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Checkpoint folder to write.", show_default=False)],
    share: Annotated[
        list[float] | None, typer.Option(help="Share of each checkpoint, in their order; default: equal.")
    ] = None,
) -> None:
    """Average the weights of checkpoints into one."""
    from organology.model import average_checkpoints, save_checkpoint
    from organology.targets import check_new_checkpoint
    from organology.traceless import own_temporary_folder

    own_temporary_folder()
    check_new_checkpoint(out, checkpoints)
    net, metadata = average_checkpoints(checkpoints, share)
    save_checkpoint(out, net, metadata)
    echo(f"{out}: not calibrated, thresholds averaged; `organology tune` sets both anew")
