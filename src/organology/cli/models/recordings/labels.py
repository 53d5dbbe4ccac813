"""`organology evaluate` on labelled recordings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from numpy.typing import ArrayLike

from organology.cli.echo import echo
from organology.cli.models.results import results_folder, show

if TYPE_CHECKING:
    from organology.evaluation.recordings import FileScores
    from organology.labels import LabelSet

HOP_SECONDS = 1.0
"""Of a model that does not say its own."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Options of the verb.

    Attributes
    ----------
    labels : str or None
        Name or table of a label set; None: the model's.
    hop_seconds : float or None
        None: the model's, or 1.
    fewest_present : int
    threshold : float or None
    bootstrap : int
    workers : int or None
    """

    labels: str | None
    hop_seconds: float | None
    fewest_present: int
    threshold: float | None
    bootstrap: int
    workers: int | None


class Opened(NamedTuple):
    """A model as something that scores files."""

    name: str
    label_set: LabelSet
    missing: tuple[str, ...]
    thresholds: dict[str, Any]
    scores: FileScores


def evaluate_recordings(
    checkpoint: Path, labels: Path, folder: Path | None, out: Path | None, settings: Settings
) -> None:
    """Score labelled recordings and write what comes of it; exit status 1 where one cannot be read."""
    from rich.console import Console
    from rich.progress import track

    from organology.evaluation import evaluate
    from organology.evaluation.folder import write_evaluation, write_predictions
    from organology.evaluation.recordings import read_recordings, score_recordings

    model = open_model(checkpoint, settings)
    if model.missing:
        echo(f"{model.name} cannot tell {len(model.missing)} labels: {', '.join(model.missing)}")
    recordings = read_recordings(labels, folder, model.label_set)
    place = results_folder(out, checkpoint, labels.resolve().stem)

    def watch(files: Iterable[Path]) -> Iterable[Path]:
        total = len(recordings.files)
        return track(files, f"scoring {total} recordings", total=total, console=Console(stderr=True))

    found = score_recordings(recordings, model.scores, settings.workers or 0, watch)
    for error in found.errors:
        echo(str(error), err=True)
    recordings, label_set = found.recordings, model.label_set
    given = {} if settings.threshold is None else {"option": settings.threshold}
    result = evaluate(
        recordings.targets,
        found.scores,
        recordings.groups,
        {**given, **model.thresholds},
        settings.bootstrap,
        labels=label_set,
        fewest_present=settings.fewest_present,
    )
    result = dataclasses.replace(result, items="recordings", groups="groups")
    about = {
        "model": model.name,
        "checkpoint": checkpoint.name,
        "recordings": labels.name,
        "labels": label_set.name,
        "hop_seconds": settings.hop_seconds,
        "unreadable": len(found.errors),
    }
    arrays: dict[str, ArrayLike] = {"targets": recordings.targets, "scores": found.scores, "groups": recordings.groups}
    write_evaluation(place, result, {**arrays, "files": recordings.names}, about)
    write_predictions(place / "predictions.csv", recordings.names, label_set.labels, found.scores)
    show(result, place)
    if found.errors:
        raise typer.Exit(1)


def open_model(path: Path, settings: Settings) -> Opened:
    """Open a model file, a checkpoint folder or published weights.

    Raises
    ------
    OrganologyError
        If it cannot be used, or can tell no label of the set.
    """
    if path.suffix == ".onnx":
        return _model_file(path, settings)
    import torch

    from organology.evaluation.recordings import of_windows
    from organology.labels import LabelSet
    from organology.training.scoring import load_scorer

    wanted = None if settings.labels is None else LabelSet.load(settings.labels)
    scorer = load_scorer(path, label_set=wanted)
    missing: tuple[str, ...] = ()
    if wanted is not None and wanted != scorer.label_set:
        view = scorer.view(wanted)
        scorer, missing = scorer.viewed(view), view.missing
    scores = of_windows(
        lambda waveform: scorer.score(torch.from_numpy(waveform)),
        scorer.label_set,
        scorer.sample_rate,
        scorer.window_seconds or 4.0,
        settings.hop_seconds or HOP_SECONDS,
        scorer.pooling,
    )
    return Opened(scorer.name, scorer.label_set, missing, scorer.thresholds, scores)


def _model_file(path: Path, settings: Settings) -> Opened:
    from organology.recognition.recognizer import Recognizer

    recognizer = Recognizer(path, threads=1 if (settings.workers or 0) > 1 else None, labels=settings.labels)
    return Opened(
        recognizer.model,
        recognizer.label_set,
        recognizer.missing,
        {"model": recognizer.metadata.thresholds},
        lambda file: recognizer.recognize(file, settings.hop_seconds).file_scores,
    )
