"""The folder of an evaluation: JSON, Markdown, a picture, and the scores."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from organology.atomic import written_whole
from organology.evaluation.plot import plot
from organology.evaluation.report import markdown, summary
from organology.evaluation.result import Evaluation
from organology.traceless import import_matplotlib


def write_evaluation(
    folder: Path, evaluation: Evaluation, arrays: Mapping[str, ArrayLike], about: Mapping[str, Any]
) -> None:
    """Write `evaluation.json`, `evaluation.md`, `evaluation.png` (where matplotlib is there) and `scores.npz`.

    Parameters
    ----------
    folder : path
        Made where it is missing.
    evaluation : Evaluation
    arrays : mapping of str to array
        What `scores.npz` holds, beside the labels.
    about : mapping
        What was evaluated on what, as plain values.
    """
    with written_whole(folder / "evaluation.json") as temporary:
        temporary.write_text(json.dumps({**about, **evaluation.to_dict()}, indent=2, allow_nan=False) + "\n", "utf-8")
    heads = [f"- {name}: {value}" for name, value in about.items()]
    tables = [f"\n## Thresholds: {name}\n\n{markdown(evaluation, name)}" for name in evaluation.decisions]
    with written_whole(folder / "evaluation.md") as temporary:
        lines = ["# Evaluation\n", *heads, "", *summary(evaluation), *tables]
        temporary.write_text("\n".join(lines) + "\n", "utf-8")
    labels = np.array([label.label for label in evaluation.labels])
    with written_whole(folder / "scores.npz") as temporary:
        np.savez_compressed(temporary, labels=labels, **{k: np.asarray(v) for k, v in arrays.items()})  # type: ignore[arg-type]
    try:
        import_matplotlib()
    except ImportError:
        return
    plot(evaluation, folder / "evaluation.png")


def write_predictions(path: Path, names: Sequence[str], labels: Sequence[str], scores: ArrayLike) -> None:
    """Write a CSV table of scores: `file`, a column a label."""
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *labels])
        writer.writerows(
            [name, *map(repr, map(float, row))] for name, row in zip(names, np.asarray(scores), strict=True)
        )
