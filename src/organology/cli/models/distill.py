"""`organology distill`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class TagSet(StrEnum):
    """What a music tagger was trained on."""

    MTG_JAMENDO = "mtg-jamendo"
    MAGNATAGATUNE = "magnatagatune"


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
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the tagger in the output layer.")] = 0.35,
    label: Annotated[
        list[str] | None,
        typer.Option(help="A label that the tagger has a say in; may be given several times. Default: all it knows."),
    ] = None,
    chunks: Annotated[int, typer.Option(min=32, help="Chunks of recordings to learn from.")] = 6000,
    tags: Annotated[TagSet, typer.Option(help="What the tagger was trained on.")] = TagSet.MTG_JAMENDO,
    seed: Annotated[int, typer.Option(min=0, help="Of the chunks.")] = 0,
) -> None:
    """Let a music tagger have a say in a network's output layer, by what it says of recordings without labels."""
    from organology.batch.options import labels_of
    from organology.cli.recordings.options import wrong_options
    from organology.labels import default_set
    from organology.model import save_checkpoint
    from organology.training.distillation.head_blending import distill

    with wrong_options():
        labels = labels_of(label, default_set(), "--label") or ()
    net, metadata = distill(checkpoint, recordings, tagger, share, labels, chunks, seed, tags.value)
    save_checkpoint(out, net, metadata)
    for name, part in metadata.provenance["distilled"][-1]["explained_variance"].items():
        typer.echo(f"  {name:16} explains {part:.2f} of what the tagger says of held-out recordings")
    typer.echo(f"{out}: not calibrated; `organology tune` sets calibration and thresholds anew")
