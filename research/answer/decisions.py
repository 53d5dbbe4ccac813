"""Thresholds learned on real recordings: which rule, which pooling, what they bring, cross-validated by recording.

    python research/answer/decisions.py CHECKPOINT CLIPS.npz CLIPS_LABELS.csv SONGS.npz SONGS_LABELS.csv [--out THRESHOLDS.tsv]

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

from organology.recognition.means import logits_of, scores_of
from organology.taxonomy import LABELS

GRID = np.linspace(-4, 5, 181)


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

    beta: float = 0.7
    spread: float = 0.6
    shrink: float = 6.0


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
    return scores_of(share * best + (1 - share) * (mine + moved))


def joined(parts: list[tuple[np.ndarray, Truth]]) -> tuple[np.ndarray, Truth]:
    """Several sets as one."""
    scores = np.concatenate([scores for scores, _ in parts])
    truths = [truth for _, truth in parts]
    return scores, Truth(
        sum((truth.files for truth in truths), []),
        np.concatenate([truth.targets for truth in truths]),
        np.concatenate([truth.groups for truth in truths]),
        sum((truth.rows for truth in truths), []),
    )


def rows_of(truth: Truth, kept: np.ndarray) -> Truth:
    """Some rows."""
    at = np.flatnonzero(kept)
    return Truth([truth.files[i] for i in at], truth.targets[at], truth.groups[at], [truth.rows[i] for i in at])


def crossed(scores: np.ndarray, truth: Truth, own: np.ndarray, fit: Fit, seeds: int = 5, n: int = 10) -> list[np.ndarray]:
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


HEAD = "| | clips: F1 | precision | recall | with a false label | songs: F1 | precision | recall | with a false label |\n" + "|---" * 9 + "|"


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

    print(HEAD)
    tell("the model's thresholds", [decide(scores, own)], truth)
    for beta in (1.0, 0.7, 0.5, 0.35):
        tell(f"fitted, beta {beta}", crossed(scores, truth, own, Fit(beta)), truth)
    for spread in (0.2, 0.4, 0.9, 1.3):
        tell(f"fitted, beta 0.5, spread {spread}", crossed(scores, truth, own, Fit(0.5, spread)), truth)
    for shrink in (0.0, 3.0, 12.0, 1e6):
        tell(f"fitted, beta 0.5, shrink {shrink:g}", crossed(scores, truth, own, Fit(0.5, shrink=shrink)), truth)
    tell("best on the same recordings, beta 0.5", [decide(scores, fit_thresholds(scores, truth, own, Fit(0.5)))], truth)
    print()
    print(HEAD)
    for how in POOLINGS:
        others, same = pooled(how)
        tell(f"{how}, beta 0.5", crossed(others, same, own, Fit(0.5)), same)
    print("\nClips and songs apart (fitted on one alone, cross-validated; then carried over to the other):\n")
    print(HEAD)
    fit = Fit(0.5)
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
    presets = {"sensitive": Fit(1.3), "default": Fit(0.5), "strict": Fit(0.25)}
    fitted = {name: fit_thresholds(scores, truth, own, replace(fit)) for name, fit in presets.items()}
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
