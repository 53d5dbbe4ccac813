"""How well music taggers with published weights name the instruments of labeled recordings, beside a network of ours.

    python benchmarks/music_taggers.py CHECKPOINT LABELS.csv FOLDER --jamendo musicnn.pth --magnatagatune musicnn.pth

LABELS.csv is as for `labeled_clips.py`. Labels are read from the tags as `organology distill` reads them. Prints a
table in Markdown: ROC-AUC of each label, mean of the logits of 4 s every second.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from augmentation import clip_windows
from labeled_clips import FEWEST, read_targets
from sklearn.metrics import roc_auc_score

from organology import audio
from organology.labels import PRESENT, UNKNOWN
from organology.labels.bradl15 import DISPLAY_NAMES, LABELS
from organology.model import load_checkpoint
from organology.training.teachers.tags import TagTeacher


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "labels", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--jamendo", type=Path, required=True)
    parser.add_argument("--magnatagatune", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with given.labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    targets = read_targets(rows)
    network, _ = load_checkpoint(given.checkpoint)
    label_set = network.label_set
    taggers = [TagTeacher(given.jamendo, label_set), TagTeacher(given.magnatagatune, label_set, tags="magnatagatune")]
    speakers = [lambda x: network(x), *(tagger.logits for tagger in taggers)]
    says = [torch.ones(len(LABELS), dtype=torch.bool), *(tagger.knows for tagger in taggers)]
    logits: list[list[np.ndarray]] = [[] for _ in speakers]
    with torch.inference_mode():
        for row in rows:
            windows = torch.from_numpy(clip_windows(audio.read_mono(given.folder / row["file"])))
            for kept, speaker in zip(logits, speakers, strict=True):
                kept.append(speaker(windows).mean(0).numpy())
    scores = [np.stack(kept) for kept in logits]
    print("| label | clips with it | ours | musicnn, MTG-Jamendo | musicnn, MagnaTagATune |\n|---|---|---|---|---|")
    for i, label in enumerate(LABELS):
        known = targets[:, i] != UNKNOWN
        present = targets[known, i] == PRESENT
        if present.sum() < FEWEST or present.all():
            continue
        areas = [
            f"{roc_auc_score(present, one[known, i]):.3f}" if said[i] else "–"
            for one, said in zip(scores, says, strict=True)
        ]
        print(f"| {DISPLAY_NAMES[label]} | {present.sum()} | {' | '.join(areas)} |")


if __name__ == "__main__":
    main()
