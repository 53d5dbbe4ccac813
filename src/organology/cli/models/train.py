"""`organology train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo
from organology.cli.models.options import Corpora, Labels, number
from organology.training.transfer import Transfer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("train")(train)


def train(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="YAML file that says what to train on and how, or a name of `organology recipes list`.",
            show_default=False,
        ),
    ],
    transfer: Annotated[
        Transfer | None,
        typer.Option(help="scratch: all weights new; frozen: only the head learns; finetuned: the backbone too."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run [runs/NAME-TRANSFER].")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after the last finished epoch, if there is one.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    corpus: Corpora = None,
    pretrained: Annotated[
        Path | None, typer.Option(help="Pre-trained weights: a checkpoint folder or EfficientAT's .pt file.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that make mixtures.")] = None,
    devices: Annotated[int | None, typer.Option(min=1, help="Processes (with CUDA: GPUs) that train together.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of mixtures, new weights and dropout.")] = None,
    labels: Labels = None,
) -> None:
    """Train a network on mixtures of stems."""
    import shlex
    import sys

    from organology.traceless import own_temporary_folder
    from organology.training import load_recipe
    from organology.training.recipes import override

    settings = override(
        load_recipe(recipe),
        corpora=corpus,
        labels=labels,
        pretrained=pretrained,
        seed=seed,
        transfer=transfer,
        epochs=epochs,
        workers=workers,
        devices=devices,
    )
    if not settings.training.compile:  # what torch compiled is kept for the next run
        own_temporary_folder()
    from organology.training.run import train as follow  # torch, once the recipe is known to be right

    folder = out or Path("runs") / f"{settings.name}-{settings.training.transfer}"
    summary = follow(settings, folder, resume, shlex.join(["organology", *sys.argv[1:]]))
    if not summary:  # of several processes the first one tells
        return
    best = summary["best"]
    echo(
        f"best: epoch {best['epoch']} of {summary['epochs']}, validation loss {best['loss']:.4f}, "
        f"ROC-AUC {number(best['roc_auc'])}, PR-AUC {number(best['pr_auc'])}: {folder / 'best'}"
    )
