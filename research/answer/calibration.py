"""Scores as probabilities on real recordings, and what one more term may mend, cross-validated.

    python research/answer/calibration.py CHECKPOINT CLASSES.csv CLIPS.npz CLIPS_LABELS.csv SONGS.npz SONGS_LABELS.csv
        [--out CALIBRATION.tsv]

First a slope and an offset on the logit of each label (drawn toward a slope of 1): Brier score, log loss and
calibration error, and what one threshold for all labels then decides. Then single terms on top of a label's logit, from
AudioSet's classes under the same backbone or from other labels: log loss with and without, folds by recording and by
dataset.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from common import Cache, decide, figures, file_scores, folds, load, ordered, read_truth, window_scores
from decisions import group_weights, joined
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from organology.labels.bradl15 import LABELS
from organology.recognition.logits import logits_of, scores_of

TERMS = {
    "brass": {
        "saxophone less brass": (["Saxophone"], ["Brass instrument", "French horn", "Trumpet", "Trombone"]),
        "saxophone": (["Saxophone"], []),
    },
    "bowed_string": {
        "plucked string (label)": "plucked_string",
        "drums (label)": "drums",
        "rock": (["Rock music", "Electric guitar", "Drum kit"], []),
        "bowed classes": (["Bowed string instrument", "String section", "Violin, fiddle", "Cello", "Double bass"], []),
    },
    "woodwind": {"woodwind classes": (["Flute", "Saxophone", "Clarinet", "Wind instrument, woodwind instrument"], [])},
    "key": {"organ": (["Organ"], []), "plucked string (label)": "plucked_string"},
    "piano": {"other keys": (["Organ", "Electronic organ", "Hammond organ", "Electric piano", "Harpsichord"], [])},
    "acoustic_guitar": {
        "acoustic guitar class": (["Acoustic guitar"], []),
        "zither less guitar": (["Zither", "Sitar", "Harp", "Banjo", "Mandolin"], ["Acoustic guitar", "Guitar"]),
    },
}


def shrunk(logits: np.ndarray, present: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Slope and offset of a label, drawn toward 1 and -1."""

    def cost(p: np.ndarray) -> float:
        moved = p[0] * logits + p[1]
        likelihood = (weights * (np.logaddexp(0, moved) - present * moved)).sum()
        return float(likelihood + 2.0 * (p[0] - 1) ** 2 + 0.3 * (p[1] + 1) ** 2)

    return minimize(cost, [1.0, -1.0]).x


def error(scores: np.ndarray, present: np.ndarray) -> float:
    """Expected calibration error over ten bins."""
    place = np.minimum((scores * 10).astype(int), 9)
    return float(
        sum((place == k).mean() * abs(scores[place == k].mean() - present[place == k].mean()) for k in np.unique(place))
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "classes", "clips", "clips_labels", "songs", "songs_labels"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    net, _ = load(given.checkpoint)
    with given.classes.open(newline="", encoding="utf-8") as file:
        place = {row["display_name"]: int(row["index"]) for row in csv.DictReader(file)}
    parts, audioset = [], []
    for features, labels in ((given.clips, given.clips_labels), (given.songs, given.songs_labels)):
        cache, truth = Cache.read(features), read_truth(labels)
        parts.append((ordered(cache, truth, file_scores(cache, window_scores(net, cache))), truth))
        with torch.no_grad():
            of = np.array([net.head.classifier(torch.from_numpy(maps.mean(1))).numpy().mean(0) for maps in cache.maps])
        audioset.append(ordered(cache, truth, of))
    scores, truth = joined(parts)
    classes, clips = np.concatenate(audioset), np.arange(len(truth.files)) < len(parts[0][1].files)
    logits, weights, targets = logits_of(scores), group_weights(truth.groups), truth.targets
    datasets = np.array([row["dataset"] for row in truth.rows])
    for kind, groups in (("recording", truth.groups), ("dataset", datasets)):
        fold, moved = folds(groups, 10, 0), np.zeros_like(scores)
        for k in range(10):
            for i in range(len(LABELS)):
                used = (targets[:, i] >= 0) & (fold != k)
                slope, offset = shrunk(logits[used, i], targets[used, i], weights[used])
                moved[fold == k, i] = scores_of(slope * logits[fold == k, i] + offset)
        known = targets >= 0
        for name, values in (("as they are", scores), ("calibrated", moved)):
            s, y = np.clip(values[known], 1e-4, 1 - 1e-4), targets[known]
            print(f"folds by {kind}, {name}: Brier {np.square(s - y).mean():.4f}, ", end="")
            print(f"log loss {log_loss(y, s):.4f}, error {error(s, y):.4f}")
        for level in (0.3, 0.4, 0.5, 0.6, 0.7):
            on = decide(moved, np.full(len(LABELS), level))
            of_clips, of_songs = figures(targets[clips], on[clips], 5), figures(targets[~clips], on[~clips], 1)
            cells = (
                "F1 {f1:.3f} precision {precision:.3f} recall {recall:.3f} false {false}/{rows}".format(**of)
                for of in (of_clips, of_songs)
            )
            print(f"   all labels at {level}: clips {', songs '.join(cells)}")
    print("\nTerms: weighted log loss by recording, by dataset")
    for label, terms in TERMS.items():
        i = LABELS.index(label)
        known = targets[:, i] >= 0
        y, w, z = targets[known, i], weights[known], logits[known, i]

        def crossed(
            x: np.ndarray, groups: np.ndarray, y: np.ndarray = y, w: np.ndarray = w, known: np.ndarray = known
        ) -> float:
            fold, p = folds(groups[known], 10, 0), np.full(len(y), 1e-3)
            for k in range(10):
                out = fold == k
                if out.any() and len(np.unique(y[~out])) == 2:
                    p[out] = (
                        LogisticRegression(C=0.3)
                        .fit(x[~out], y[~out], sample_weight=w[~out])
                        .predict_proba(x[out])[:, 1]
                    )
            return log_loss(y, np.clip(p, 1e-4, 1 - 1e-4), sample_weight=w, labels=[0, 1])

        print(f"{label:16s} {'':24s} {crossed(z[:, None], truth.groups):.4f} {crossed(z[:, None], datasets):.4f}")
        for name, term in terms.items():
            if isinstance(term, str):
                extra = logits[:, LABELS.index(term)]
            else:
                more, less = term
                extra = classes[:, [place[word] for word in more]].max(1)
                extra = extra - classes[:, [place[word] for word in less]].max(1) if less else extra
            x = np.column_stack([z, extra[known]])
            fitted = LogisticRegression(C=0.3).fit(x, y, sample_weight=w)
            losses = f"{crossed(x, truth.groups):.4f} {crossed(x, datasets):.4f}"
            weight = f"{np.round(fitted.coef_[0], 2)} {fitted.intercept_[0]:.2f}"
            print(f"{'':16s} {name:24s} {losses}  weights {weight}")
    lines = ["label\tslope\toffset"]
    for i, label in enumerate(LABELS):
        known = targets[:, i] >= 0
        slope, offset = shrunk(logits[known, i], targets[known, i], weights[known])
        lines.append(f"{label}\t{slope:.3f}\t{offset:.3f}")
    print("\n" + "\n".join(lines))
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
