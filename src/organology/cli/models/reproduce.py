"""`organology reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.choice import one_of
from organology.cli.echo import echo
from organology.cli.models.options import Corpora
from organology.model.backbones import BACKBONES


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("reproduce")(reproduce)


def reproduce(
    experiment: Annotated[
        str,
        typer.Argument(help="table1, figure3, figure4, pretrain, or the .yaml file of another.", show_default=False),
    ],
    scale: Annotated[
        str, typer.Option(help="paper: its corpora and schedule; open: open corpora, hours; demo: minutes.")
    ] = "paper",
    out: Annotated[
        Path | None, typer.Option(help="Output folder; experiments in one share arms [runs/reproduce-SCALE].")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            parser=one_of(lambda: BACKBONES.names),
            metavar="|".join(BACKBONES.names),
            help="Network [as the recipe says].",
        ),
    ] = None,
    arms: Annotated[
        str | None, typer.Option(help="Only these, as scratch,frozen or 0,0.4 (p_musical).", show_default=False)
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds, as 0,1,2 [as the recipe says].", show_default=False)] = None,
    corpus: Corpora = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(help="Pre-trained weights (checkpoint folder or EfficientAT's .pt file); no pre-training then."),
    ] = None,
    clips: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Also score labelled recordings: a table and their folder.", metavar="LABELS.csv FOLDER"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of every arm; the steps of the learning rates move with them.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make mixtures.")] = None,
    report_only: Annotated[bool, typer.Option("--report-only", help="Train nothing; report what is there.")] = False,
) -> None:
    """Run an experiment of the paper and report it; the same command goes on where it was stopped."""
    import shlex
    import sys

    from organology.traceless import own_temporary_folder

    own_temporary_folder()
    from organology.reproduce import load_experiment, preparing, recipe, report, run

    settings = load_experiment(recipe.find_recipe(experiment), scale, backbone)
    settings = recipe.override(settings, corpora=corpus, epochs=epochs, workers=workers)
    request = preparing.Request(
        settings,
        out or Path("runs") / f"reproduce-{scale}",
        tuple(part.strip() for part in arms.split(",")) if arms else (),
        recipe.read_seeds(seeds),
        pretrained,
        clips,
        shlex.join(["organology", *sys.argv[1:]]),
    )
    if settings.experiment == "pretrain":
        echo(f"pre-trained: {preparing.run_pretraining(request)}")
        return
    outcome = run.run(request, train_missing=not report_only)
    folder, plain = report.write_report(request, outcome)
    echo(plain["amount"])
    for line in plain["claims"]:
        echo(line)
    if plain["missing"]:
        echo(f"missing: {len(plain['missing'])} arms, of {len(plain['missing']) + len(plain['arms'])}")
    echo(f"report: {folder / 'report.md'}")
    if outcome.failed:
        raise typer.Exit(1)
