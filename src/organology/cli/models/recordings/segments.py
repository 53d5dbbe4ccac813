"""`organology evaluate` on annotations with times."""

from __future__ import annotations

from pathlib import Path

import typer

from organology.cli.echo import echo, echo_lines
from organology.cli.models.results import results_folder


def evaluate_segments(
    model: Path, table: Path, folder: Path | None, out: Path | None, labels: str | None, hop: float | None, n: int
) -> None:
    """Recognize annotated recordings, compare segments, write what comes of it; status 1 where one cannot be read."""
    import dataclasses
    import json

    import numpy as np
    from rich.console import Console
    from rich.progress import track

    from organology.atomic import written_whole
    from organology.errors import AudioError, ConfigError
    from organology.evaluation.timed import evaluate_timed, read_annotations, timed_markdown
    from organology.extras import require
    from organology.recognition.recognizer import Recognizer

    require("scipy")
    if model.suffix != ".onnx":
        raise ConfigError(f"{model}: segments are cut by a model file (.onnx); organology export makes one")
    recognizer = Recognizer(model, labels=labels)
    recordings = read_annotations(table, folder, recognizer.label_set)
    place = results_folder(out, model, table.resolve().stem)
    found, kept, errors = [], [], []
    shown = track(recordings.files, f"recognizing {len(recordings.files)} recordings", console=Console(stderr=True))
    for number, path in enumerate(shown):
        try:
            segments = recognizer.recognize(path, hop).segments
        except AudioError as error:
            errors.append(error)
            continue
        kept.append(number)
        found.append(
            {
                label: np.array([(s.start, s.end) for s in segments if s.label == label]).reshape(-1, 2)
                for label in recordings.labels
            }
        )
    for each in errors:
        echo(str(each), err=True)
    if not kept:
        raise ConfigError(f"{table}: none of its recordings can be read")
    recordings = dataclasses.replace(
        recordings,
        files=tuple(recordings.files[i] for i in kept),
        names=tuple(recordings.names[i] for i in kept),
        intervals=tuple(recordings.intervals[i] for i in kept),
    )
    result = evaluate_timed(recordings, found, n_bootstrap=n)
    about = {"model": recognizer.model, "annotations": table.name, "labels": recognizer.label_set.name,
             "hop_seconds": hop, "unreadable": len(errors)}  # fmt: skip
    with written_whole(place / "segments.json") as temporary:
        temporary.write_text(json.dumps({**about, **result.to_dict()}, indent=2, allow_nan=False) + "\n", "utf-8")
    text = timed_markdown(result)
    heads = [f"- {name}: {value}" for name, value in about.items()]
    with written_whole(place / "segments.md") as temporary:
        temporary.write_text("\n".join(["# Segments\n", *heads, "", text]) + "\n", "utf-8")
    echo_lines(text)
    echo(f"written: {place}")
    if errors:
        raise typer.Exit(1)
