"""`organology pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("pretrain")(pretrain)


def pretrain(
    recipe: Annotated[Path, typer.Argument(help="YAML file that says what to train on and how.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder of the run [runs/NAME].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished epoch, if any.")] = False,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(help="Prepared tagging corpus in place of the recipe's; may be given several times."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read chunks.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of chunks, new weights and dropout.")] = None,
) -> None:
    """Train a network on tagged recordings, for its backbone."""
    import shlex
    import sys

    from organology.training.pretraining import pretrain as follow
    from organology.training.pretraining_recipe import load_pretraining_recipe, override_pretraining

    settings = override_pretraining(
        load_pretraining_recipe(recipe), corpora=corpus, seed=seed, epochs=epochs, workers=workers
    )
    folder = out or Path("runs") / settings.name
    summary = follow(settings, folder, resume, shlex.join(["organology", *sys.argv[1:]]))
    best, test = summary["best"], summary["test"]["tracks"]
    typer.echo(
        f"best: epoch {best['epoch']} of {summary['epochs']}, validation loss {best['loss']:.4f}; {test['items']} test "
        f"tracks: ROC-AUC {_figure(test['roc_auc'])}, PR-AUC {_figure(test['pr_auc'])}: {folder / 'best'}"
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
