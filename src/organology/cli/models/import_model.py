"""`organology import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("import")(import_model)


def import_model(
    out: Annotated[Path, typer.Option("--out", "-o", help="Checkpoint folder to write.", show_default=False)],
    model: Annotated[
        Path | None, typer.Argument(help="ONNX file that `organology export` wrote.", show_default="the shipped model")
    ] = None,
) -> None:
    """Make a checkpoint of an exported model, to train on with (`init_from` in a recipe)."""
    from organology.model import import_onnx, save_checkpoint
    from organology.targets import check_new_checkpoint
    from organology.traceless import own_temporary_folder

    own_temporary_folder()
    check_new_checkpoint(out, [model])
    net, metadata = import_onnx(model)
    save_checkpoint(out, net, metadata)
    echo(f"{out}: {metadata.name or model}; train on with `freeze_batch_norm: true`")
