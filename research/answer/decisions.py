"""Thresholds learned on real recordings: which rule, which pooling, what they bring, cross-validated by recording.

    python research/answer/decisions.py CHECKPOINT CLIPS.npz CLIPS_LABELS.csv SONGS.npz SONGS_LABELS.csv
        [--out THRESHOLDS.tsv]

The features come from `features.py --hop 1`. Recordings of both sets share folds. Per label the threshold maximizes a
smoothed F-measure (every score is spread by a Gaussian over the logits, so that a threshold lies in the middle of a gap
and not at one clip); labels with few positive recordings are drawn toward the model's own threshold moved by what the
others move on average.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import POOLINGS, Cache, Truth, decide, figures, file_scores, folds, load, ordered, read_truth, window_scores
from scipy.special import ndtr

from organology.labels.bradl15 import LABELS
from organology.recognition.logits import logits_of, scores_of

GRID = np.linspace(-4, 5, 181)
LOWEST = 0.7
"""Logits by which a threshold falls below the model's at most: a few easy recordings are no reason to say more."""


@dataclass(frozen=True)
class Fit:
    """How thresholds are fitted.

    Attributes
    ----------
    beta : float
        Below 1, precision counts for more.
    spread : float
        Of the Gaussian, in logits.
    shrink : float
        How many positive recordings the prior weighs as much as.
    """

    beta: float = 1.0
    spread: float = 0.9
    shrink: float = 12.0


def group_weights(groups: np.ndarray) -> np.ndarray:
    """Rows of a recording with k rows weigh 1 / sqrt(k) each."""
    _, place, count = np.unique(groups, return_inverse=True, return_counts=True)
    return 1 / np.sqrt(count[place])


def best_threshold(logits: np.ndarray, present: np.ndarray, weights: np.ndarray, fit: Fit) -> float:
    """Of one label, in logits; both classes count as much as they weigh."""
    over = ndtr((logits[None, :] - GRID[:, None]) / fit.spread) * weights
    hits, said, true = over[:, present].sum(1), over.sum(1), weights[present].sum()
    square = fit.beta**2
    return float(GRID[((1 + square) * hits / (square * true + said)).argmax()])


def fit_thresholds(scores: np.ndarray, truth: Truth, own: np.ndarray, fit: Fit) -> np.ndarray:
    """Thresholds (n_labels,) as scores."""
    weights, mine = group_weights(truth.groups), logits_of(own)
    best, sure = mine.copy(), np.zeros(len(own))
    for i in range(len(own)):
        known, present = truth.targets[:, i] >= 0, truth.targets[:, i] == 1
        if present.any() and (known & ~present).any():
            best[i] = best_threshold(logits_of(scores[known, i]), present[known], weights[known], fit)
            sure[i] = len(np.unique(truth.groups[present]))
    share = sure / (sure + fit.shrink)
    moved = np.average(best - mine, weights=share) if share.any() else 0.0
    return scores_of(np.maximum(share * best + (1 - share) * (mine + moved), mine - LOWEST))


def joined(parts: list[tuple[np.ndarray, Truth]]) -> tuple[np.ndarray, Truth]:
    """Several sets as one."""
    scores = np.concatenate([scores for scores, _ in parts])
    truths = [truth for _, truth in parts]
    return scores, Truth(
        [name for truth in truths for name in truth.files],
        np.concatenate([truth.targets for truth in truths]),
        np.concatenate([truth.groups for truth in truths]),
        [row for truth in truths for row in truth.rows],
    )


def rows_of(truth: Truth, kept: np.ndarray) -> Truth:
    """Some rows."""
    at = np.flatnonzero(kept)
    return Truth([truth.files[i] for i in at], truth.targets[at], truth.groups[at], [truth.rows[i] for i in at])


def crossed(
    scores: np.ndarray, truth: Truth, own: np.ndarray, fit: Fit, seeds: int = 5, n: int = 10
) -> list[np.ndarray]:
    """Decisions on each recording by thresholds that were fitted without it; one array a seed."""
    decided = []
    for seed in range(seeds):
        fold, on = folds(truth.groups, n, seed), np.zeros(scores.shape, bool)
        for k in range(n):
            out = fold == k
            thresholds = fit_thresholds(scores[~out], rows_of(truth, ~out), own, fit)
            on[out] = decide(scores[out], thresholds)
        decided.append(on)
    return decided


def mean_figures(truth: Truth, decided: list[np.ndarray], kept: np.ndarray, fewest: int) -> dict[str, float]:
    """Means over seeds."""
    each = [figures(truth.targets[kept], on[kept], fewest) for on in decided]
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]}


def row(name: str, clips: dict[str, float], songs: dict[str, float]) -> str:
    """A row of the table."""
    cells = [
        f"{of['f1']:.3f} | {of['precision']:.3f} | {of['recall']:.3f} | {of['false']:.1f} of {of['rows']:.0f}"
        for of in (clips, songs)
    ]
    return f"| {name} | {' | '.join(cells)} |"


HEAD = (
    "| | clips: F1 | precision | recall | with a false label | songs: F1 | precision | recall | with a false label |\n"
    + "|---" * 9
    + "|"
)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "clips", "clips_labels", "songs", "songs_labels"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    net, metadata = load(given.checkpoint)
    own = np.array(metadata.thresholds)
    caches = [Cache.read(given.clips), Cache.read(given.songs)]
    truths = [read_truth(given.clips_labels), read_truth(given.songs_labels)]
    windows = [window_scores(net, cache) for cache in caches]

    def pooled(how: str) -> tuple[np.ndarray, Truth]:
        sets = zip(caches, truths, windows, strict=True)
        return joined([(ordered(c, t, file_scores(c, w, how)), t) for c, t, w in sets])

    scores, truth = pooled("top_stretch")
    clips = np.arange(len(truth.files)) < len(truths[0].files)

    def tell(name: str, decided: list[np.ndarray], of: Truth) -> None:
        print(row(name, mean_figures(of, decided, clips, 5), mean_figures(of, decided, ~clips, 1)), flush=True)

    def by_dataset(truth: Truth) -> Truth:
        return replace(truth, groups=np.array([row["dataset"] for row in truth.rows]))

    print(HEAD)
    tell("the model's thresholds", [decide(scores, own)], truth)
    for fit in (
        Fit(),
        Fit(spread=0.6),
        Fit(spread=0.6, shrink=6),
        Fit(shrink=0),
        Fit(shrink=1e6),
        Fit(0.7),
        Fit(0.5),
        Fit(1.5),
        Fit(2.0),
    ):
        name = f"beta {fit.beta}, spread {fit.spread}, shrink {fit.shrink:g}"
        tell(name, crossed(scores, truth, own, fit), truth)
        tell(f"{name}, without the dataset", crossed(scores, by_dataset(truth), own, fit), truth)
    tell("on the same recordings", [decide(scores, fit_thresholds(scores, truth, own, Fit()))], truth)
    print()
    print(HEAD)
    for how in POOLINGS:
        others, same = pooled(how)
        tell(how, crossed(others, same, own, Fit()), same)
    print("\nClips and songs apart (fitted on one alone, cross-validated; then carried over to the other):\n")
    print(HEAD)
    fit = Fit()
    for name, kept in (("clips alone", clips), ("songs alone", ~clips)):
        thresholds = fit_thresholds(scores[kept], rows_of(truth, kept), own, fit)
        decided = [decide(scores, thresholds)]
        inside = crossed(scores[kept], rows_of(truth, kept), own, fit)
        for on in inside:
            whole = decided[0].copy()
            whole[kept] = on
            decided.append(whole)
        tell(f"fitted on {name}", decided[1:], truth)
    print("\nFinal thresholds:\n")
    presets = {"sensitive": Fit(1.5), "default": Fit(), "strict": Fit(0.5)}
    fitted = {name: fit_thresholds(scores, truth, own, fit) for name, fit in presets.items()}
    print(HEAD)
    for name, fit in presets.items():
        tell(name, crossed(scores, truth, own, fit), truth)
    lines = ["\t".join(("label", "model", *presets))]
    for i, label in enumerate(LABELS):
        lines.append("\t".join((label, f"{own[i]:.3f}", *(f"{of[i]:.3f}" for of in fitted.values()))))
    print("\n" + "\n".join(lines))
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
