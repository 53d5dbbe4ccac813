"""`organology evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from organology.cli.echo import echo
from organology.cli.models.options import Corpora, Labels, Mixtures, PMusical, Split
from organology.cli.models.results import results_folder, show


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("evaluate")(evaluate)


def evaluate(
    checkpoint: Annotated[
        Path,
        typer.Argument(help="Checkpoint folder, model file (.onnx), or published weights (.pt).", show_default=False),
    ],
    source: Annotated[
        Path,
        typer.Argument(
            help="Recipe (.yaml, or a name of `organology recipes list`) whose corpora and mixing are used; or labels "
            "of recordings: a table (.csv) of labels or of segments with times, that of OpenMIC, or a folder of "
            "IRMAS's test data.",
            show_default=False,
        ),
    ],
    recordings: Annotated[
        Path | None, typer.Argument(help="Folder of the recordings [that of the labels].", show_default=False)
    ] = None,
    split: Split = "test",
    mixtures: Mixtures = 2000,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results [CHECKPOINT-SPLIT or CHECKPOINT-LABELS, beside it].")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="One more threshold, the same for all labels.")] = None,
    corpus: Corpora = None,
    p_musical: PMusical = 1.0,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples of the songs or groups, for the intervals.")] = 1000,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the mixtures.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that make mixtures; threads that read recordings.")
    ] = None,
    labels: Labels = None,
    hop: Annotated[
        float | None, typer.Option(min=0.01, help="Recordings: distance of the windows in seconds [as the model says].")
    ] = None,
    fewest: Annotated[
        int, typer.Option("--fewest-present", min=1, help="Recordings: that a label needs to count in the means.")
    ] = 10,
) -> None:
    """Metrics of a model on fixed mixtures, labelled recordings or annotations with times, with intervals."""
    from organology.recipes import is_recipe

    if not is_recipe(source):
        from organology.cli.models.recordings.labels import Settings, evaluate_recordings
        from organology.evaluation.timed import is_annotations

        if source.is_file() and is_annotations(source):
            from organology.cli.models.recordings.segments import evaluate_segments

            evaluate_segments(checkpoint, source, recordings, out, labels, hop, bootstrap)
            return
        settings = Settings(labels, hop, fewest, threshold, bootstrap, workers)
        evaluate_recordings(checkpoint, source, recordings, out, settings)
        return
    if recordings is not None:
        raise typer.BadParameter("a recipe names its corpora; recordings are for labels", param_hint="RECORDINGS")
    _evaluate_mixtures(
        checkpoint, source, split, mixtures, out, threshold, corpus, p_musical, bootstrap, seed, workers, labels
    )


def _evaluate_mixtures(
    checkpoint: Path,
    recipe: Path,
    split: str,
    mixtures: int,
    out: Path | None,
    threshold: float | None,
    corpus: list[Path] | None,
    p_musical: float,
    bootstrap: int,
    seed: int | None,
    workers: int | None,
    labels: str | None,
) -> None:
    from organology.traceless import own_temporary_folder

    own_temporary_folder()
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
        echo(f"{scorer.name} cannot tell {len(missing)} of the {len(wanted)} labels: {', '.join(missing)}")
    folder = results_folder(out, checkpoint, split)
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
    scoring.write_results(folder, result, scored, about)
    show(result, folder)
