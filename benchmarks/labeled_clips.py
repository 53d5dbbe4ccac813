"""How well a model names the instruments of labeled recordings.

    python benchmarks/labeled_clips.py LABELS.csv FOLDER [--model MODEL.onnx] [--hop 1.0] [--several]

LABELS.csv has a row a clip: `file`, a column a label (1, 0, or empty where it is not known; names with spaces or
underscores) and, for the intervals, `group`: clips of one recording. Prints a table in Markdown: per label, and the
macro mean over the labels with at least 10 positive clips; and how far scores are from probabilities. `--several` takes
only the clips whose `n_sources` is a number of 2 or more.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from organology import Recognizer
from organology.evaluation import evaluate, reliability
from organology.labels import ABSENT, PRESENT, UNKNOWN
from organology.labels.bradl15 import DISPLAY_NAMES, LABELS

FEWEST = 10


def read_targets(rows: list[dict[str, str]]) -> np.ndarray:
    def value(row: dict[str, str], label: str) -> int:
        cell = row.get(label, row.get(label.replace("_", " "), ""))
        return UNKNOWN if cell == "" else int(float(cell))

    return np.array([[value(row, label) for label in LABELS] for row in rows], dtype=np.int8)


def tell(targets: np.ndarray, scores: np.ndarray, groups: list[str], thresholds: np.ndarray, items: str) -> None:
    """Print the table: a row for each label that is present and absent somewhere, and the macro mean."""
    print(f"| label | {items} with it | ROC-AUC | PR-AUC | F1 at the model's threshold |\n|---|---|---|---|---|")
    shown = [i for i in range(len(LABELS)) if {PRESENT, ABSENT} <= set(targets[:, i])]
    for i in shown:
        one = evaluate(targets[:, [i]], scores[:, [i]], groups, thresholds[[i]], labels=[LABELS[i]])
        figures = one.labels[0]
        print(
            f"| {DISPLAY_NAMES[LABELS[i]]} | {figures.n_present} | {figures.roc_auc.value:.3f} | "
            f"{figures.pr_auc.value:.3f} | {one.decisions['given'].macro['f1'].value:.3f} |"
        )
    often = [i for i in shown if (targets[:, i] == PRESENT).sum() >= FEWEST]
    whole = evaluate(targets[:, often], scores[:, often], groups, thresholds[often], labels=[LABELS[i] for i in often])
    cells = [whole.macro["roc_auc"], whole.macro["pr_auc"], whole.decisions["given"].macro["f1"]]
    texts = " | ".join(f"**{cell.value:.3f}** [{cell.low:.3f}, {cell.high:.3f}]" for cell in cells)
    print(f"| **macro of {len(often)}** | | {texts} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--hop", type=float, default=1.0)
    parser.add_argument("--several", action="store_true", help="only clips with two sources or more (n_sources)")
    settings = parser.parse_args()
    with settings.labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if settings.several:
        rows = [row for row in rows if row["n_sources"].isdigit() and int(row["n_sources"]) >= 2]
    recognizer = Recognizer(settings.model)
    targets = read_targets(rows)
    scores = np.stack(
        [recognizer.recognize(settings.folder / row["file"], hop_seconds=settings.hop).file_scores for row in rows]
    )
    groups = [row.get("group", row["file"]) for row in rows]
    tell(targets, scores, groups, np.array(recognizer.metadata.thresholds), "clips")
    measured = reliability(targets, scores)
    print(f"\nCalibration error {measured.error:.3f}, Brier score {measured.brier:.4f}; labels present by score:\n")
    print("| score | " + " | ".join(f"{low:.1f} to {low + 0.1:.1f}" for low in measured.edges[:-1]) + " |")
    print("|---" * (len(measured.counts) + 1) + "|")
    print(
        "| present | "
        + " | ".join(
            "-" if count == 0 else f"{share:.2f}" for share, count in zip(measured.shares, measured.counts, strict=True)
        )
        + " |"
    )
    print("| of | " + " | ".join(f"{count:.0f}" for count in measured.counts) + " |")


if __name__ == "__main__":
    main()
