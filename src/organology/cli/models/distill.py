"""`organology distill`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.choice import one_of
from organology.cli.echo import echo
from organology.training.teachers.tag_sets import TAG_SETS


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("distill")(distill)


def distill(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder; it stays as it is.", show_default=False)],
    recordings: Annotated[
        list[Path], typer.Argument(help="Prepared recordings (`organology prepare recordings`).", show_default=False)
    ],
    tagger: Annotated[Path, typer.Option(help="Published weights of musicnn (.pth).", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Checkpoint folder to write.", show_default=False)],
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the tagger in the output layer.")] = 0.35,
    label: Annotated[
        list[str] | None,
        typer.Option(help="A label that the tagger contributes to; may be given several times. Default: all it knows."),
    ] = None,
    chunks: Annotated[int, typer.Option(min=32, help="Chunks of recordings to learn from.")] = 6000,
    tags: Annotated[
        str,
        typer.Option(
            parser=one_of(lambda: TAG_SETS.names),
            metavar="|".join(TAG_SETS.names),
            help="Tag set that the tagger was trained on.",
        ),
    ] = TAG_SETS.names[0],
    seed: Annotated[int, typer.Option(min=0, help="Of the chunks.")] = 0,
) -> None:
    """Blend what a music tagger says of recordings without labels into a network's output layer."""
    from organology.model import save_checkpoint
    from organology.targets import check_new_checkpoint
    from organology.traceless import own_temporary_folder
    from organology.training.distillation.head_blending import distill

    own_temporary_folder()
    check_new_checkpoint(out, [checkpoint, *recordings, tagger])
    labels = [word for text in label or () for word in text.split(",") if word.strip()]
    net, metadata = distill(checkpoint, recordings, tagger, share, labels, chunks, seed, tags)
    save_checkpoint(out, net, metadata)
    for name, part in metadata.provenance["distilled"][-1]["explained_variance"].items():
        echo(f"  {name:16} explains {part:.2f} of the tagger's variance on held-out recordings")
    echo(f"{out}: not calibrated; `organology tune` sets calibration and thresholds anew")
