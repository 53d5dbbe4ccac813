"""`organology pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
        typer.Option(help="Prepared corpus in place of the recipe's `corpora`; may be given several times."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that read chunks or make mixtures.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the audio, new weights and dropout.")] = None,
) -> None:
    """Train a network for its backbone: on tagged recordings, or by a teacher on any audio."""
    import shlex
    import sys

    from organology.training.distillation.recipe import has_teacher

    changes = {"corpora": corpus, "seed": seed, "epochs": epochs, "workers": workers}
    command = shlex.join(["organology", *sys.argv[1:]])
    follow = _by_teacher if has_teacher(recipe) else _on_tags
    folder, summary, test, items = follow(recipe, changes, out, resume, command)
    best = summary["best"]
    typer.echo(
        f"best: epoch {best['epoch']} of {summary['epochs']}, validation loss {best['loss']:.4f}; {items}: "
        f"ROC-AUC {_figure(test['roc_auc'])}, PR-AUC {_figure(test['pr_auc'])}: {folder / 'best'}"
    )


def _on_tags(
    path: Path, changes: dict[str, Any], out: Path | None, resume: bool, command: str
) -> tuple[Path, dict[str, Any], dict[str, Any], str]:
    from organology.training.tag_pretraining.recipe import load_pretraining_recipe, override_pretraining
    from organology.training.tag_pretraining.run import pretrain as follow

    settings = override_pretraining(load_pretraining_recipe(path), **changes)
    folder = out or Path("runs") / settings.name
    summary = follow(settings, folder, resume, command)
    test = summary["test"]["tracks"]
    return folder, summary, test, f"{test['items']} test tracks"


def _by_teacher(
    path: Path, changes: dict[str, Any], out: Path | None, resume: bool, command: str
) -> tuple[Path, dict[str, Any], dict[str, Any], str]:
    from organology.training.distillation.recipe import load_teaching_recipe, override_teaching
    from organology.training.distillation.run import teach

    settings = override_teaching(load_teaching_recipe(path), **changes)
    folder = out or Path("runs") / settings.name
    summary = teach(settings, folder, resume, command)
    test = summary["test"]
    about = f"{test['mixtures']} test mixtures, {test['labels_scored']} labels against the teacher"
    return folder, summary, test, f"{about}, loss {_figure(test['loss'])}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
