"""`organology evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.models.options import Labels

WIDE = 150
"""Columns that a table with intervals needs."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("evaluate")(evaluate)


def evaluate(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="Checkpoint folder, model file (.onnx), or published weights (.pt).", show_default=False),
    ],
    recipe: Annotated[Path, typer.Argument(help="Recipe whose corpora and mixing are used.", show_default=False)],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    mixtures: Annotated[int, typer.Option(min=1, help="Number of mixtures.")] = 2000,
    out: Annotated[Path | None, typer.Option(help="Folder for the results [CHECKPOINT-SPLIT, beside it].")] = None,
    threshold: Annotated[float | None, typer.Option(help="One more threshold, the same for all labels.")] = None,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Prepared corpus in place of the recipe's; may be given several times.")
    ] = None,
    p_musical: Annotated[float, typer.Option(min=0, max=1, help="Probability of a musical mixture.")] = 1.0,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples of the songs, for the intervals.")] = 1000,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the mixtures.")] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make mixtures.")] = None,
    labels: Labels = None,
) -> None:
    """Metrics of a model on fixed mixtures: ROC-AUC, PR-AUC, loss, F1, with intervals over songs."""
    from rich.console import Console

    from organology.errors import ConfigError
    from organology.evaluation import rich_table, summary
    from organology.training import load_recipe, scoring
    from organology.training.data import EVALUATION_SEED
    from organology.training.recipes import override
    from organology.training.run import device_of, set_threads

    settings = override(load_recipe(recipe), corpora=corpus, labels=labels)
    set_threads(settings)
    named = settings.label_set if settings.labels is not None else None
    scorer = scoring.load_scorer(checkpoint, device_of(settings), settings.training.precision, named)
    wanted = scoring.set_to_evaluate(scorer, settings)
    missing = scorer.view(wanted).missing
    if missing:
        typer.echo(f"{scorer.name} cannot tell {len(missing)} of the {len(wanted)} labels: {', '.join(missing)}")
    place = checkpoint.resolve()
    folder = out or place.parent / f"{place.stem}-{split}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; --out names another folder") from error
    seed = EVALUATION_SEED if seed is None else seed
    result, scored = scoring.evaluate_model(
        scorer,
        settings,
        split,
        mixtures,
        {"option": threshold} if threshold is not None else None,
        bootstrap,
        seed,
        workers,
        p_musical,
    )
    about = {
        "model": scorer.name,
        "checkpoint": checkpoint.name,
        "recipe": settings.name,
        "labels": wanted.name,
        "corpora": [path.name for path in settings.corpora],
        "split": split,
        "p_musical": p_musical,
        "mixture_seed": seed,
        "precision": settings.training.precision,
    }
    scoring.write_results(folder, result, scored, about, [label.label for label in result.labels])
    console = Console()
    for name in result.decisions:
        if console.is_terminal or name == next(iter(result.decisions)):
            console.print(f"\nthresholds: {name}")
            console.print(rich_table(result, name, intervals=console.width >= WIDE))
    for line in summary(result):
        typer.echo(line)
    typer.echo(f"written: {folder}")
