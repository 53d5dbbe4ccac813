"""Which rule makes of the scores of a file's windows the score of the file: "this instrument plays in it".

    python benchmarks/file_scores.py [--clips LABELS.csv FOLDER] [--songs CORPUS ...] [--midi FOLDER] [--in-a-row 4]
        [--model MODEL.onnx] [--hop 1.0] [--page PAGE]

The sets: `clips`, labeled as for `labeled_clips.py`; `songs`, the aligned validation stems of a prepared corpus added
up (a set each), and, with `--in-a-row`, so many of them as one file; `midi`, recordings whose MIDI files are known
(`midi_truth.py`). In songs and recordings a label is present that sounds for 3 s in all, absent one that never sounds
and may not, others are unknown. For each rule: ROC-AUC and PR-AUC; at the model's thresholds F1, with its paired
difference from the mean (95 % bootstrap over files), precision and recall; how far scores are from probabilities.
All are macro means over the labels that are present and absent often enough. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from labeled_clips import FEWEST, read_targets
from measuring import put, table
from segments import CELL, RATE, songs

from organology import Recognizer
from organology.evaluation import evaluate, reliability
from organology.evaluation.bootstrap import interval, resampled
from organology.evaluation.metrics.base import Counts
from organology.evaluation.metrics.ratios import f1
from organology.labels import ABSENT, PRESENT, UNKNOWN, Vocabulary
from organology.labels.bradl15 import BRADL15, LABELS
from organology.recognition import Recognition
from organology.recognition.logits import logits_of, scores_of
from organology.recognition.pooling import pool
from organology.rendering.midi import read_score

SOUNDS_SECONDS = 3.0
FEWEST_PIECES = 3
STRUCK_SECONDS = 0.5  # how long a drum's note counts as sounding
RESAMPLES = 1000


@dataclass(frozen=True)
class Heard:
    """A file: scores (n_windows, 15), starts and ends of its windows in seconds, and its labels (15,)."""

    scores: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    group: str


Rule = Callable[[Heard], np.ndarray]

RULES: dict[str, Rule] = {
    "mean of scores (`mean`)": lambda file: pool(file.scores, "mean", file.starts, file.ends),
    "mean of logits": lambda file: scores_of(logits_of(file.scores).mean(0)),
    "median": lambda file: np.median(file.scores, axis=0),
    "highest window (`max`)": lambda file: pool(file.scores, "max", file.starts, file.ends),
    "any window (`noisy_or`)": lambda file: pool(file.scores, "noisy_or", file.starts, file.ends),
    "weighted by the score (linear softmax)": lambda file: (
        np.square(file.scores).sum(0) / np.maximum(file.scores.sum(0), 1e-9)
    ),
    "mean of the highest half": lambda file: np.sort(file.scores, axis=0)[len(file.scores) // 2 :].mean(0),
    "mean of the highest quarter (`top_mean`)": lambda file: pool(file.scores, "top_mean", file.starts, file.ends),
    "best 12 s (`top_stretch`)": lambda file: pool(file.scores, "top_stretch", file.starts, file.ends),
}


def heard(recognition: Recognition, labels: np.ndarray, group: str) -> Heard:
    """Of the windows that sound."""
    sounds = recognition.scores.any(axis=1)
    sounds = sounds if sounds.any() else np.ones(len(sounds), bool)
    scores = recognition.scores[sounds].astype(np.float64)
    return Heard(scores, recognition.starts[sounds], recognition.ends[sounds], labels, group)


def labels_of(truth: np.ndarray) -> np.ndarray:
    """Labels of a piece, from those of its cells (n_cells, 15)."""
    present, unknown = ((truth == value).sum(0) * CELL for value in (PRESENT, UNKNOWN))
    return np.where(present >= SOUNDS_SECONDS, PRESENT, np.where(present + unknown == 0, ABSENT, UNKNOWN))


def clips(recognizer: Recognizer, hop: float, labels: Path, folder: Path) -> Iterator[Heard]:
    with labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, target in zip(rows, read_targets(rows), strict=True):
        yield heard(recognizer.recognize(folder / row["file"], hop), target, row.get("group", row["file"]))


def pieces(recognizer: Recognizer, hop: float, corpus: Path) -> Iterator[Heard]:
    stems = pl.read_parquet(corpus / "stems.parquet").filter(pl.col("split") == "validation").to_dicts()
    for number, (samples, truth) in enumerate(songs([{**row, "folder": str(corpus)} for row in stems], len(stems))):
        yield heard(recognizer.recognize(samples, hop, sr=RATE), labels_of(truth), str(number))


def midi(recognizer: Recognizer, hop: float, folder: Path) -> Iterator[Heard]:
    vocabulary = Vocabulary.load("general_midi")
    for path in sorted(folder.glob("*.mid")):
        score = read_score(path)
        truth = np.full((int(score.seconds / CELL) + 1, len(LABELS)), ABSENT, np.int8)
        for value in (UNKNOWN, PRESENT):
            for part in score.parts:
                own = np.array(vocabulary[str(part.program)].encode(BRADL15)) == value
                for note in part.notes:
                    end = note.start + STRUCK_SECONDS if part.is_drums else note.end
                    truth[int(note.start / CELL) : int(end / CELL) + 1, own] = value
        yield heard(recognizer.recognize(path.with_suffix(".ogg"), hop), labels_of(truth), path.stem)


def in_a_row(files: list[Heard], count: int, rng: np.random.Generator) -> Iterator[Heard]:
    """`count` pieces as one, each piece in one of them."""
    order = rng.permutation(len(files))
    for begin in range(0, len(order) - count + 1, count):
        parts = [files[i] for i in order[begin : begin + count]]
        shifts = np.cumsum([0.0, *(part.ends[-1] for part in parts[:-1])])
        labels = np.stack([part.labels for part in parts])
        yield Heard(
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.starts + shift for part, shift in zip(parts, shifts, strict=True)]),
            np.concatenate([part.ends + shift for part, shift in zip(parts, shifts, strict=True)]),
            np.where((labels == PRESENT).any(0), PRESENT, np.where((labels == UNKNOWN).any(0), UNKNOWN, ABSENT)),
            f"{begin}",
        )


def macro_f1(targets: np.ndarray, on: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of each row of weights (k, n_items): shape (k,)."""
    present, absent = targets == PRESENT, targets == ABSENT
    counts = (weights @ cells.astype(float) for cells in (on & present, on & absent, ~on & present, ~on & absent))
    return np.nanmean(f1(Counts(*counts)), axis=1)


def tell(files: list[Heard], thresholds: np.ndarray, fewest: int) -> str:
    targets, groups = np.stack([file.labels for file in files]), [file.group for file in files]
    often = [
        i for i in range(len(LABELS)) if min((targets[:, i] == value).sum() for value in (PRESENT, ABSENT)) >= fewest
    ]
    targets, levels, names = targets[:, often].astype(np.int8), thresholds[often], [LABELS[i] for i in often]
    rows, base = [], None
    for name, rule in RULES.items():
        scores = np.stack([BRADL15.raise_parents(rule(file).astype(np.float32)) for file in files])[:, often]
        on = scores >= levels
        base = on if base is None else base
        figures = evaluate(targets, scores, groups, levels, labels=names, n_bootstrap=0)

        def statistic(weights: np.ndarray, on: np.ndarray = on, base: np.ndarray = base) -> dict[str, np.ndarray]:
            return {"difference": macro_f1(targets, on, weights) - macro_f1(targets, base, weights)}

        low, high = interval(resampled(statistic, groups, len(files), RESAMPLES, 0)["difference"], 0.95)
        decided = figures.decisions["given"].macro
        f1 = decided["f1"].value
        difference = f1 - macro_f1(targets, base, np.ones((1, len(files))))[0]
        rows.append(
            (
                name,
                *(f"{figures.macro[key].value:.3f}" for key in ("roc_auc", "pr_auc")),
                f"{f1:.3f}",
                f"{difference:+.3f} [{low:+.3f}, {high:+.3f}]" if on is not base else "",
                *(f"{decided[key].value:.2f}" for key in ("precision", "recall")),
                f"{reliability(targets, scores).error:.3f}",
            )
        )
        print(rows[-1], flush=True)
    head = ("rule", "ROC-AUC", "PR-AUC", "F1", "against the first", "precision", "recall", "calibration error")
    minutes = sum(file.ends[-1] for file in files) / 60
    return f"{len(files)} files of {minutes:.0f} minutes in all, {len(often)} labels\n\n{table(head, rows)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs=2, type=Path, metavar=("LABELS", "FOLDER"))
    parser.add_argument("--songs", nargs="+", type=Path, default=[], metavar="CORPUS")
    parser.add_argument("--midi", type=Path, metavar="FOLDER")
    parser.add_argument("--in-a-row", type=int, metavar="N", help="so many songs as one file, too")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--hop", type=float, default=1.0)
    parser.add_argument("--page", type=Path, help="put the tables into this page too")
    given = parser.parse_args()
    recognizer = Recognizer(given.model)
    thresholds = np.array(recognizer.metadata.thresholds)
    texts = []
    if given.clips:
        texts.append(f"Clips: {tell(list(clips(recognizer, given.hop, *given.clips)), thresholds, FEWEST)}")
    for corpus in given.songs:
        files = list(pieces(recognizer, given.hop, corpus))
        texts.append(f"Songs of `{corpus.name}`: {tell(files, thresholds, FEWEST_PIECES)}")
        if given.in_a_row:
            rows = list(in_a_row(files, given.in_a_row, np.random.default_rng(0)))
            texts.append(f"The same, {given.in_a_row} in a row: {tell(rows, thresholds, FEWEST_PIECES)}")
    if given.midi:
        files = list(midi(recognizer, given.hop, given.midi))
        texts.append(f"Recordings with known MIDI: {tell(files, thresholds, FEWEST_PIECES)}")
    print("\n\n".join(texts))
    if given.page:
        put(given.page, "file scores", "\n\n".join(texts))


if __name__ == "__main__":
    main()
