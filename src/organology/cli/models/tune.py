"""`organology tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo
from organology.cli.models.options import Corpora, Labels, Mixtures, PMusical, Split


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("tune")(tune)


def tune(
    checkpoint: Annotated[
        Path, typer.Argument(help="Checkpoint folder; it gets calibration and thresholds.", show_default=False)
    ],
    recipe: Annotated[Path, typer.Argument(help="Recipe whose corpora and mixing are used.", show_default=False)],
    split: Split = "validation",
    mixtures: Mixtures = 2000,
    corpus: Corpora = None,
    p_musical: PMusical = 1.0,
    calibrate: Annotated[
        bool, typer.Option("--calibrate/--no-calibrate", help="Turn the scores into probabilities first.")
    ] = True,
    level_db: Annotated[
        float | None,
        typer.Option(
            max=0,
            help="Bring every window to this root mean square first, in dB re full scale.",
            show_default="as it is",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that make mixtures.")] = None,
    labels: Labels = None,
) -> None:
    """Calibrate the scores of a checkpoint and tune its thresholds, on fixed mixtures."""
    from organology.extras import require
    from organology.targets import check_writable
    from organology.traceless import own_temporary_folder
    from organology.training import load_recipe
    from organology.training.recipes import override

    if calibrate:
        require("sklearn")
    if checkpoint.is_dir():
        check_writable(checkpoint, folder=True)
    settings = override(load_recipe(recipe), corpora=corpus, labels=labels)
    own_temporary_folder()
    from organology.training.scoring.tuning import tune as follow  # torch, once the recipe is known to be right

    tuned = follow(checkpoint, settings, split, mixtures, p_musical, calibrate, workers, level_db)
    kept = tuned["thresholds"]["kept"]
    for label, threshold in tuned["thresholds"]["per_label"].items():
        if label not in kept:
            echo(f"  {label:16} {threshold:.3f}")
    if kept:
        echo(f"too rare in these mixtures, left as they were: {', '.join(kept)}")
    echo(f"single threshold {tuned['thresholds']['single']:.3f}; tuned on {tuned['thresholds']['tuned_on']}")
    if calibrate:
        error = {when: tuned["calibration"][when]["error"] for when in ("before", "after")}
        echo(f"calibration error {error['before']:.3f} before, {error['after']:.3f} after calibration")
    echo(checkpoint)
