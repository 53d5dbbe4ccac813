"""Which finer names can be told by default: thresholds and reliability of each, cross-validated by recording.

    python research/answer/told.py CHECKPOINT CLASSES.csv HEAD.pt CLIPS.npz LABELS.csv INSTRUMENTS.csv THRESHOLDS.tsv
        [--share 0.3] [--beta 0.8] [--out CONCEPTS.tsv]

HEAD.pt comes from `finer.py --head`, THRESHOLDS.tsv (of the 15 labels) from `decisions.py`. A finer name is said where
its score reaches its threshold and its family is said to play. It is told by default if at least 4 in 5 times it was
right on recordings that its threshold was not fitted on, it was said of 3 clips or
more, and half of its clips were found.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from common import Cache, Truth, decide, folds, head_logits, load
from concepts import CONCEPTS, LABEL_OF
from decisions import Fit, fit_thresholds, rows_of
from finer import FROM_LABELS, Head, ZeroShotConcepts, blended, concept_truth, from_labels, head_scores, per_file

from organology.labels.bradl15 import FAMILY_OF, LABELS
from organology.recognition.logits import scores_of

EITHER = {
    "double_bass": ("bowed_string", "plucked_string"),
    "bass": ("plucked_string", "synth"),
    "zither": ("plucked_string",),
}


def family_says(on: np.ndarray, concept: str) -> np.ndarray:
    """Whether a family of the concept is said to play, of decisions (n, 15)."""
    own = LABEL_OF[concept]
    families = EITHER.get(concept, (FAMILY_OF.get(own, own),))
    return np.any([on[:, LABELS.index(family)] for family in families], axis=0)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "classes", "head", "clips", "labels", "instruments", "thresholds"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--beta", type=float, default=0.8)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    net, _ = load(given.checkpoint)
    zero, cache = ZeroShotConcepts(given.classes), Cache.read(given.clips)
    head = Head(len(CONCEPTS))
    head.load_state_dict(torch.load(given.head, weights_only=True))
    head.eval()
    with given.thresholds.open(encoding="utf-8") as file:
        of_labels = np.array([float(row["default"]) for row in csv.DictReader(file, delimiter="\t")])
    files, targets, groups = concept_truth(given.labels, given.instruments, True)
    targets = targets[:, : len(CONCEPTS)]
    anchors = [zero(net.head.classifier, maps.mean(1)) for maps in cache.maps]
    trained = per_file(
        cache, files, [head_scores(head, m.mean(1), a) for m, a in zip(cache.maps, anchors, strict=True)]
    )
    labels = per_file(cache, files, [head_logits(net, maps.mean(1)) for maps in cache.maps])
    logits = from_labels(blended(trained, per_file(cache, files, anchors), given.share), labels)
    on = decide(scores_of(labels), of_labels)
    allowed = np.stack([family_says(on, concept) for concept in CONCEPTS], axis=1)
    scores = scores_of(logits)
    truth = Truth(files, targets, groups, [{}] * len(files))
    mine = np.full(len(CONCEPTS), 0.5)
    for concept, label in {**FROM_LABELS, "guitar": "acoustic_guitar"}.items():
        mine[CONCEPTS.index(concept)] = of_labels[LABELS.index(label)]
    fit = Fit(given.beta, 0.6, 4.0)
    seeds = 5
    counts = np.zeros((4, len(CONCEPTS)))
    false_rows = 0.0
    for seed in range(seeds):
        fold, said = folds(groups, 10, seed), np.zeros(scores.shape, bool)
        for k in range(10):
            out = fold == k
            level = fit_thresholds(scores[~out], rows_of(truth, ~out), mine, fit)
            said[out] = scores[out] >= level
        said &= allowed
        counts[0] += ((targets == 1) & said).sum(0)
        counts[1] += ((targets >= 0) & said).sum(0)
        counts[2:] += [(targets == 1).sum(0), (targets == 0).sum(0)]
        false_rows += ((targets == 0) & said).any(1).sum()
    hits, said_of, present, absent = counts / seeds
    level = fit_thresholds(scores, truth, mine, fit)
    told = (hits / np.maximum(said_of, 1e-9) >= 0.8) & (said_of >= 3) & (hits / np.maximum(present, 1) >= 0.5)
    lines = ["\t".join(("concept", "label", "threshold", "present", "absent", "said", "precision", "recall", "told"))]
    for j, concept in enumerate(CONCEPTS):
        ratio = hits[j] / said_of[j] if said_of[j] else float("nan")
        found = hits[j] / present[j] if present[j] else float("nan")
        cells = (
            f"{level[j]:.3f}",
            f"{present[j]:.0f}",
            f"{absent[j]:.0f}",
            f"{said_of[j]:.1f}",
            f"{ratio:.2f}",
            f"{found:.2f}",
        )
        lines.append("\t".join((concept, LABEL_OF[concept], *cells, str(int(told[j])))))
    print("\n".join(lines))
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, kept in (("told by default", told), ("with a positive clip", present > 0)):
        h, s, p = hits[kept], said_of[kept], present[kept]
        precision, recall = np.mean(h / np.maximum(s, 1e-9)), np.mean(h / p)
        print(f"{name} ({kept.sum()}): macro precision {precision:.3f}, recall {recall:.3f};")
        print(f"    micro {h.sum() / s.sum():.3f}, {h.sum() / p.sum():.3f}")
    print(f"clips with a false finer name (all concepts): {false_rows / seeds:.1f} of {len(files)}")


if __name__ == "__main__":
    main()
