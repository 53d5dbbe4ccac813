"""How much of its start a fine-tuned network should keep: means of its weights and the published ones, by share.

    python research/start_share.py WEIGHTS RECIPE LABELS.csv CLIPS --checkpoint DIR [DIR …] [--share N …]

WEIGHTS is the file that the fine-tuning began with (mn04_as_mAP_432.pt), or any checkpoint of the same kind; several
checkpoints are averaged first, by their shares. Each mean is scored on labeled clips and on mixtures of held-out stems
(of the first corpus of RECIPE) as in `checkpoints.py`. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from checkpoints import clips, held_out, print_table, score

from organology.model import average_checkpoints, load_checkpoint
from organology.training import load_recipe

START_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "recipe", "labels", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True)
    parser.add_argument("--share", type=float, nargs="+", help="of each checkpoint; default: equal")
    parser.add_argument("--start", type=float, nargs="+", default=START_SHARES, help="shares of the start to try")
    parser.add_argument("--validation", type=int, default=1000, help="mixtures of held-out stems to score on")
    given = parser.parse_args()
    torch.set_num_threads(1)
    shares = np.array(given.share or [1.0] * len(given.checkpoint))
    stems = load_recipe(given.recipe).corpora[0].name
    tests = (clips(given.labels, given.folder), held_out(given.recipe, stems, given.validation))
    scores: list[list[np.ndarray]] = [[] for _ in tests]
    for start in given.start:
        parts, of = list(given.checkpoint), list((1 - start) * shares / shares.sum())
        if start > 0:
            parts, of = [*parts, given.weights], [*of, start]
        network = average_checkpoints(parts, of)[0] if len(parts) > 1 else load_checkpoint(parts[0])[0]
        network.calibrate(None)
        for kept, test in zip(scores, tests, strict=True):
            kept.append(score(network, test))
    for kept, test in zip(scores, tests, strict=True):
        print_table(test, "share of the start", [f"{start:g}" for start in given.start], kept)
    print(f"\n{time.process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
