"""`organology page`: the page for a static host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="page")(page)


def page(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.", show_default=False)],
    model: Annotated[Path | None, typer.Option(metavar="FILE", help="Another model file.", show_default=False)] = None,
    runtime: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="onnxruntime-web: the .tgz that npm packs, or a folder.  [default: build/onnxruntime-web]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a static page in which the model runs in the browser: nothing is uploaded."""
    from organology.serving.page.runtime import RUNTIME_FOLDER
    from organology.serving.page.static import build
    from organology.targets import check_output

    check_output(out, [model, runtime], folder=True)
    files = build(out, runtime or RUNTIME_FOLDER, model)
    size = sum(path.stat().st_size for path in files)
    echo(f"{out}: {len(files)} files, {size / 1e6:.1f} MB; any static host can serve it", err=True)
