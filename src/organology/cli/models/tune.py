"""`organology tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("tune")(tune)


def tune(
    checkpoint: Annotated[
        Path, typer.Argument(help="Checkpoint folder; it gets calibration and thresholds.", show_default=False)
    ],
    recipe: Annotated[Path, typer.Argument(help="Recipe whose corpora and mixing are used.", show_default=False)],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    mixtures: Annotated[int, typer.Option(min=1, help="Number of mixtures.")] = 2000,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Prepared corpus in place of the recipe's; may be given several times.")
    ] = None,
    p_musical: Annotated[float, typer.Option(min=0, max=1, help="Probability of a musical mixture.")] = 1.0,
    calibrate: Annotated[
        bool, typer.Option("--calibrate/--no-calibrate", help="Make probabilities of the scores first.")
    ] = True,
    level_db: Annotated[
        float | None,
        typer.Option(
            max=0,
            help="Let the network hear every window at this root mean square, in dB re full scale.",
            show_default="as it is",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make mixtures.")] = None,
) -> None:
    """Calibrate the scores of a checkpoint and tune its thresholds, on fixed mixtures."""
    from organology.training import load_recipe, tuning
    from organology.training.transfer import run

    settings = run.override(load_recipe(recipe), corpora=corpus)
    told = tuning.tune(checkpoint, settings, split, mixtures, p_musical, calibrate, workers, level_db)
    for label, threshold in told["thresholds"]["per_label"].items():
        typer.echo(f"  {label:16} {threshold:.3f}")
    typer.echo(f"single threshold {told['thresholds']['single']:.3f}; tuned on {told['thresholds']['tuned_on']}")
    if calibrate:
        error = {when: told["calibration"][when]["error"] for when in ("before", "after")}
        typer.echo(f"calibration error {error['before']:.3f} before, {error['after']:.3f} after calibration")
    typer.echo(checkpoint)
