"""Networks side by side on labeled clips and on mixtures of held-out stems, with paired differences from the first.

    python benchmarks/checkpoints.py RECIPE LABELS.csv CLIPS --checkpoint DIR [DIR …] [--corpus stems rendered …]

The mixtures are of the validation split of the named corpora of RECIPE, a training recipe; a test each. LABELS.csv is
as for `labeled_clips.py`. Scores are not calibrated; that of a clip is the mean over windows of 4 s, one a second.
Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from augmentation import clip_windows, compare
from labeled_clips import read_targets

from organology import audio
from organology.mixing import Mixer, StemPool
from organology.model import InstrumentNet, load_checkpoint
from organology.training import load_recipe

VALIDATION_SEED = 77
BATCH = 32


@dataclasses.dataclass(frozen=True)
class Test:
    """Items with known labels: `targets` (n_items, 15), `windows` (n_windows, n_samples), `item_of` (n_windows,)."""

    name: str
    targets: np.ndarray
    groups: list[str]
    windows: np.ndarray
    item_of: np.ndarray


def clips(labels: Path, folder: Path) -> Test:
    """Real recordings, those of one recording in one group."""
    with labels.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    windows = [clip_windows(audio.read_mono(folder / row["file"])) for row in rows]
    item_of = np.repeat(np.arange(len(windows)), [len(w) for w in windows])
    groups = [row.get("group", row["file"]) for row in rows]
    return Test("real recordings", read_targets(rows), groups, np.concatenate(windows), item_of)


def held_out(recipe: Path, corpus: str, count: int) -> Test:
    """Mixtures of up to four sources, without effects."""
    loaded = load_recipe(recipe)
    settings = dataclasses.replace(
        loaded.mixing.for_evaluation(), p_musical=0.2, sources_max=4, corpus_weights={}, stretch_variants=0
    )
    folders = [folder for folder in loaded.corpora if folder.name == corpus]
    mixer = Mixer(StemPool.load(folders, "validation", settings), settings, VALIDATION_SEED)
    mixtures = [mixer.mix(index) for index in range(count)]
    numbers = np.arange(count)
    return Test(
        f"mixtures of held-out stems of `{corpus}`",
        np.stack([m.labels for m in mixtures]),
        [str(number) for number in numbers],
        np.stack([m.audio for m in mixtures]),
        numbers,
    )


@torch.inference_mode()
def score(network: InstrumentNet, test: Test) -> np.ndarray:
    """Mean score of the windows of each item, shape (n_items, 15)."""
    batches = (torch.from_numpy(test.windows[i : i + BATCH]) for i in range(0, len(test.windows), BATCH))
    scores = np.concatenate([network.scores(batch).numpy() for batch in batches])
    return np.stack([scores[test.item_of == item].mean(0) for item in range(test.item_of.max() + 1)])


def print_table(test: Test, title: str, names: Sequence[str], scores: Sequence[np.ndarray]) -> None:
    """Figures of each network and their differences from the first."""
    print(f"\nScored on: {test.name}\n\n| {title} | ROC-AUC | against the first | PR-AUC | against the first |")
    print("|---|---|---|---|---|")
    for name, of_items in zip(names, scores, strict=True):
        cells = compare(test.targets, test.groups, of_items[None], scores[0][None])
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("recipe", "labels", "folder"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--checkpoint", type=Path, nargs="+", required=True)
    parser.add_argument("--corpus", nargs="*", default=["stems", "rendered", "recorded"])
    parser.add_argument("--validation", type=int, default=1000, help="mixtures of each corpus to score on")
    given = parser.parse_args()
    torch.set_num_threads(1)
    networks = [load_checkpoint(folder)[0] for folder in given.checkpoint]
    for network in networks:
        network.calibrate(None)
    names = [str(folder) for folder in given.checkpoint]
    for corpus in (None, *given.corpus):
        test = held_out(given.recipe, corpus, given.validation) if corpus else clips(given.labels, given.folder)
        print_table(test, "network", names, [score(network, test) for network in networks])
    print(f"\n{time.process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
