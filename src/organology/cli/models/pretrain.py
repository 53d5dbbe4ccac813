"""`organology pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from organology.cli.echo import echo
from organology.cli.models.options import number


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("pretrain")(pretrain)


def pretrain(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="YAML file that says what to train on and how, or a name of `organology recipes list`.",
            show_default=False,
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the run [runs/NAME].")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished epoch, if any.")] = False,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    corpus: Annotated[
        list[Path] | None,
        typer.Option(help="Prepared corpus in place of the recipe's `corpora`; may be given several times."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read chunks or make mixtures.")] = None,
    devices: Annotated[int | None, typer.Option(min=1, help="Processes (with CUDA: GPUs) that train together.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the audio, new weights and dropout.")] = None,
) -> None:
    """Train a network for its backbone: on tagged recordings, or by a teacher on any audio."""
    import shlex
    import sys

    from organology.traceless import own_temporary_folder
    from organology.training import load_pretraining_recipe
    from organology.training.recipes import override

    settings = override(
        load_pretraining_recipe(recipe), corpora=corpus, seed=seed, epochs=epochs, workers=workers, devices=devices
    )
    if not settings.training.compile:  # what torch compiled is kept for the next run
        own_temporary_folder()
    from organology.training.run import train  # torch, once the recipe is known to be right

    folder = out or Path("runs") / settings.name
    summary = train(settings, folder, resume, shlex.join(["organology", *sys.argv[1:]]))
    if not summary:  # of several processes the first one tells
        return
    best, test = summary["best"], summary["test"]
    items = f"{test['tracks']['items']} test tracks" if "tracks" in test else _against_teacher(test)
    areas = test.get("tracks", test)
    echo(
        f"best: epoch {best['epoch']} of {summary['epochs']}, validation loss {best['loss']:.4f}; {items}: "
        f"ROC-AUC {number(areas['roc_auc'])}, PR-AUC {number(areas['pr_auc'])}: {folder / 'best'}"
    )


def _against_teacher(test: dict[str, Any]) -> str:
    labels = f"{test['labels_scored']} labels against the teacher"
    return f"{test['mixtures']} test mixtures, {labels}, loss {number(test['loss'])}"
