"""How much of its start a fine-tuned network should keep: means of its weights and the published ones, by share.

    python benchmarks/start_share.py WEIGHTS RECIPE LABELS.csv CLIPS --checkpoint DIR [DIR …] [--share N …]

WEIGHTS is the file that the fine-tuning began with (mn04_as_mAP_432.pt); several checkpoints are averaged first, by
their shares. Each mean is scored on labeled clips (LABELS.csv is as for `labeled_clips.py`) and on mixtures of held-out
recorded stems (validation split of the first corpus of RECIPE, a training recipe). Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import time
from pathlib import Path

import numpy as np
import torch
from augmentation import clip_windows, compare
from labeled_clips import read_targets

from organology import audio
from organology.mixing import Mixer, StemPool
from organology.model import InstrumentNet, average_checkpoints, load_checkpoint
from organology.training import load_recipe

VALIDATION_SEED = 77
BATCH = 32
START_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def held_out(recipe: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures of up to four recorded stems, without effects, and their labels."""
    loaded = load_recipe(recipe)
    settings = dataclasses.replace(
        loaded.mixing.for_evaluation(), p_musical=0.2, sources_max=4, corpus_weights={}, stretch_variants=0
    )
    mixer = Mixer(StemPool.load(loaded.corpora[:1], "validation", settings), settings, VALIDATION_SEED)
    mixtures = [mixer.mix(index) for index in range(count)]
    return np.stack([m.audio for m in mixtures]), np.stack([m.labels for m in mixtures])


@torch.inference_mode()
def score(network: InstrumentNet, windows: np.ndarray, item_of: np.ndarray) -> np.ndarray:
    """Mean score of the windows of each item, shape (n_items, 15)."""
    batches = (torch.from_numpy(windows[i : i + BATCH]) for i in range(0, len(windows), BATCH))
    scores = np.concatenate([network.scores(batch).numpy() for batch in batches])
    return np.stack([scores[item_of == item].mean(0) for item in range(item_of.max() + 1)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "recipe", "labels", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True)
    parser.add_argument("--share", type=float, nargs="+", help="of each checkpoint; default: equal")
    parser.add_argument("--start", type=float, nargs="+", default=START_SHARES, help="shares of the start to try")
    parser.add_argument("--validation", type=int, default=1000, help="mixtures of recorded stems to score on")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shares = np.array(given.share or [1.0] * len(given.checkpoint))
    with given.labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    windows = [clip_windows(audio.read_mono(given.folder / row["file"])) for row in rows]
    clip_of = np.repeat(np.arange(len(windows)), [len(w) for w in windows])
    mixtures, truth = held_out(given.recipe, given.validation)
    numbers = np.arange(len(truth))
    tests = {
        "clips": (
            read_targets(rows),
            [row.get("group", row["file"]) for row in rows],
            np.concatenate(windows),
            clip_of,
        ),
        "held-out recorded stems": (truth, [str(i) for i in numbers], mixtures, numbers),
    }
    scores: dict[str, list[np.ndarray]] = {test: [] for test in tests}
    for start in given.start:
        parts, of = list(given.checkpoint), list((1 - start) * shares / shares.sum())
        if start > 0:
            parts, of = [*parts, given.weights], [*of, start]
        network = average_checkpoints(parts, of)[0] if len(parts) > 1 else load_checkpoint(parts[0])[0]
        for test, (_, _, items, item_of) in tests.items():
            scores[test].append(score(network, items, item_of))
    for test, (targets, groups, *_) in tests.items():
        print(
            f"\nScored on: {test}\n\n| share of the start | ROC-AUC | against the first | PR-AUC | against the first |"
        )
        print("|---|---|---|---|---|")
        for start, of_items in zip(given.start, scores[test], strict=True):
            cells = compare(targets, groups, of_items[None], scores[test][0][None])
            print(f"| {start:g} | {' | '.join(cells)} |", flush=True)
    print(f"\n{time.process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
