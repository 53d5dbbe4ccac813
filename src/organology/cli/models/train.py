"""`organology train`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Transfer(StrEnum):
    """Transfer methods; the names of `TrainingConfig.transfer`."""

    SCRATCH = "scratch"
    FROZEN = "frozen"
    FINETUNED = "finetuned"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("train")(train)


def train(
    recipe: Annotated[Path, typer.Argument(help="YAML file that says what to train on and how.", show_default=False)],
    transfer: Annotated[
        Transfer | None,
        typer.Option(help="scratch: all weights new; frozen: only the head learns; finetuned: the backbone too."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run [runs/NAME-TRANSFER].")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after the last finished epoch, if there is one.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Prepared corpus in place of the recipe's; may be given several times.")
    ] = None,
    pretrained: Annotated[
        Path | None, typer.Option(help="Pre-trained weights: a checkpoint folder or EfficientAT's .pt file.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that make mixtures.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of mixtures, new weights and dropout.")] = None,
) -> None:
    """Train a network on mixtures of stems."""
    import shlex
    import sys

    from organology.training import load_recipe
    from organology.training.transfer import run

    settings = run.override(
        load_recipe(recipe),
        corpora=corpus,
        pretrained=pretrained,
        seed=seed,
        transfer=transfer.value if transfer else None,
        epochs=epochs,
        workers=workers,
    )
    folder = out or Path("runs") / f"{settings.name}-{settings.training.transfer}"
    command = shlex.join(["organology", *sys.argv[1:]])
    summary = run.train(settings, folder, resume, command)
    best = summary["best"]
    typer.echo(
        f"best: epoch {best['epoch']} of {summary['epochs']}, validation loss {best['loss']:.4f}, "
        f"ROC-AUC {_figure(best['roc_auc'])}, PR-AUC {_figure(best['pr_auc'])}: {folder / 'best'}"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
