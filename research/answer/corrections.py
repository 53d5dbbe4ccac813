"""Three labels mended by one more term each, with the thresholds fitted anew and cross-validated.

    python research/answer/corrections.py CHECKPOINT CLASSES.csv HEAD.pt CLIPS.npz CLIPS.csv SONGS.npz SONGS.csv

Brass less AudioSet's saxophone against its brass, bowed strings less plucked strings (weights as `calibration.py` fits
them on all recordings), woodwind in the mean with the highest finer woodwind of `finer.py --head`.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from common import Cache, file_scores, load, ordered, read_truth, window_scores
from concepts import CONCEPTS, LABEL_OF
from decisions import HEAD, Fit, crossed, joined, mean_figures, row
from finer import Head, ZeroShotConcepts, blended, head_scores

from organology.labels.bradl15 import LABELS
from organology.recognition.logits import logits_of, scores_of

SHARE, PRIOR = 0.3, -1.0


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "classes", "head", "clips", "clips_labels", "songs", "songs_labels"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    net, metadata = load(given.checkpoint)
    own, zero = logits_of(np.array(metadata.thresholds)), ZeroShotConcepts(given.classes)
    with given.classes.open(newline="", encoding="utf-8") as file:
        place = {entry["display_name"]: int(entry["index"]) for entry in csv.DictReader(file)}
    head = Head(len(CONCEPTS))
    head.load_state_dict(torch.load(given.head, weights_only=True))
    head.eval()
    parts, classes, finer = [], [], []
    for features, labels in ((given.clips, given.clips_labels), (given.songs, given.songs_labels)):
        cache, truth = Cache.read(features), read_truth(labels)
        parts.append((ordered(cache, truth, file_scores(cache, window_scores(net, cache))), truth))
        with torch.no_grad():
            of = [net.head.classifier(torch.from_numpy(maps.mean(1))).numpy().mean(0) for maps in cache.maps]
        classes.append(ordered(cache, truth, np.array(of)))
        concepts = []
        for maps in cache.maps:
            anchor = zero(net.head.classifier, maps.mean(1))
            concepts.append(scores_of(blended(head_scores(head, maps.mean(1), anchor), anchor, SHARE)))
        finer.append(ordered(cache, truth, logits_of(file_scores(cache, concepts))))
    scores, truth = joined(parts)
    clips, z = np.arange(len(truth.files)) < len(parts[0][1].files), logits_of(scores)
    all_classes, all_finer = np.concatenate(classes), np.concatenate(finer)
    brass, bowed, woodwind = (LABELS.index(label) for label in ("brass", "bowed_string", "woodwind"))
    horns = [place[word] for word in ("Brass instrument", "French horn", "Trumpet", "Trombone")]
    margin = all_classes[:, place["Saxophone"]] - all_classes[:, horns].max(1)
    winds = [CONCEPTS.index(concept) for concept, label in LABEL_OF.items() if label == "woodwind"]
    mended = {
        brass: 0.92 * z[:, brass] - 0.85 * margin - 3.95,
        bowed: 1.09 * z[:, bowed] - 0.5 * z[:, LABELS.index("plucked_string")] - 2.17,
        woodwind: 0.5 * z[:, woodwind] + 0.5 * all_finer[:, winds].max(1) + 0.3,
    }
    by_dataset = replace(truth, groups=np.array([entry["dataset"] for entry in truth.rows]))
    print(HEAD)
    for name, chosen in (("none", ()), *((LABELS[i], (i,)) for i in mended), ("all three", tuple(mended))):
        moved, levels = z.copy(), own.copy()
        for i in chosen:
            moved[:, i] = mended[i]
            levels[i] = levels[i] if i == woodwind else PRIOR
        for kind, of in (("recording", truth), ("data set", by_dataset)):
            on = crossed(scores_of(moved), of, scores_of(levels), Fit())
            print(
                row(f"{name}, by {kind}", mean_figures(of, on, clips, 5), mean_figures(of, on, ~clips, 1)), flush=True
            )


if __name__ == "__main__":
    main()
