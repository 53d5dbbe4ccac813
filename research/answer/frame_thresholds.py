"""Thresholds of frames and windows for the timeline, label by label, fitted on tracks and tested on others.

    python research/answer/frame_thresholds.py CHECKPOINT THRESHOLDS.tsv A.npz A.csv B.npz B.csv [C.npz C.csv ...]
        [--head FRAME_HEAD.npz] [--share 0.5] [--hop 2] [--out FRAME_THRESHOLDS.tsv]

A and B are tracks of disjoint recordings: what is fitted on one is tested on the other, and the table is fitted on
both; further sets are only judged by it. A label is on where its frames reach THRESHOLDS' column `default` plus `frame`
logits (and goes on 2 logits below), and the best window over the instant reaches it plus `window` logits.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import Cache, load
from frame_head import apply, read
from frames import CELL, Rule, Track, cell_logits, edges, judged, read_tracks, read_truth, tidied
from scipy.ndimage import median_filter, uniform_filter1d

from organology.labels.bradl15 import FAMILY_OF, LABELS
from organology.recognition.logits import logits_of, scores_of

FRAME_STEPS, WINDOW_STEPS = (-2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5), (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0)
OPTIONS = [(frame, window) for frame in FRAME_STEPS for window in WINDOW_STEPS]
Prepared = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


def prepared(tracks: list[Track], rule: Rule) -> Prepared:
    """Logits of cells by frames, by the best window, and the truth."""
    out = []
    for track in tracks:
        logits, best = cell_logits(track, rule)
        logits = median_filter(logits, size=(round(rule.median / CELL) | 1, 1), mode="nearest")
        logits[uniform_filter1d(track.rms[: len(logits)], 3, mode="nearest") < rule.floor] = -20
        out.append((logits, best, track.truth))
    return out


def column(logits: np.ndarray, best: np.ndarray, level: float, option: tuple[float, float], rule: Rule) -> np.ndarray:
    """Where one label is on."""
    return tidied(np.where(best >= level + option[1], logits, -20.0), level + option[0], rule)


def judge(tracks: Prepared, i: int, level: float, option: tuple[float, float], rule: Rule) -> tuple[float, float]:
    """F1 of frames and of edges within 0.5 s of one label."""
    hits = said = true = edge_hits = edge_count = 0
    for logits, best, truth in tracks:
        on = column(logits[:, i], best[:, i], level, option, rule)
        known = on & (truth[:, i] >= 0)
        hits, said, true = hits + (on & (truth[:, i] == 1)).sum(), said + known.sum(), true + (truth[:, i] == 1).sum()
        left, found = sorted(edges(truth[:, i] == 1)), sorted(edges(on))
        edge_count += len(left) + len(found)
        for x in found:
            near = [y for y in left if abs(x - y) <= 5]
            if near:
                left.remove(min(near, key=lambda y, x=x: abs(x - y)))
                edge_hits += 1
    return 2 * hits / max(1, said + true), 2 * edge_hits / max(1, edge_count)


def best_option(tables: list[dict[tuple[float, float], tuple[float, float]]]) -> tuple[float, float]:
    """Of the sum of both figures, smoothed over neighbors."""

    def smooth(at: tuple[float, float]) -> float:
        near = [o for o in OPTIONS if abs(o[0] - at[0]) <= 0.5 and abs(o[1] - at[1]) <= 0.5]
        return float(np.mean([sum(table[o]) for table in tables for o in near]))

    return max(OPTIONS, key=smooth)


def decisions(
    logits: np.ndarray, best: np.ndarray, levels: np.ndarray, options: list[tuple[float, float]], rule: Rule
) -> np.ndarray:
    """Where each label is on (n_cells, n_labels), families with their instruments."""
    columns = [column(logits[:, i], best[:, i], levels[i], option, rule) for i, option in enumerate(options)]
    on = np.stack(columns, axis=1)
    for instrument, family in FAMILY_OF.items():
        on[:, LABELS.index(family)] |= on[:, LABELS.index(instrument)]
    return on


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "thresholds"):
        parser.add_argument(name, type=Path)
    parser.add_argument("tracks", type=Path, nargs="+")
    parser.add_argument("--head", type=Path)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--hop", type=float, default=2.0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    net, _ = load(given.checkpoint)
    with given.thresholds.open(encoding="utf-8") as file:
        levels = logits_of(np.array([float(row["default"]) for row in csv.DictReader(file, delimiter="\t")]))
    rule = Rule(hop=given.hop, low=2.0, median=0.9, max_gap=0.7)
    sets, plain = [], []
    for features, truth in zip(given.tracks[::2], given.tracks[1::2], strict=True):
        cache = Cache.read(features)
        tracks = read_tracks(net, cache, read_truth(truth, cache.files), (3,))
        if given.head:
            head, slopes, offsets = read(net, given.head), net.slopes.numpy(), net.offsets.numpy()
            tracks = [
                replace(
                    t, frames={3: (1 - given.share) * t.frames[3] + given.share * (apply(head, m) * slopes + offsets)}
                )
                for t, m in zip(tracks, cache.maps, strict=True)
            ]
        sets.append(prepared(tracks, rule))
        plain.append(tracks)
    enough = [[sum((truth[:, i] == 1).sum() for *_, truth in of) >= 300 for i in range(len(LABELS))] for of in sets]
    tables = [
        [{o: judge(of, i, levels[i], o, rule) for o in OPTIONS} if ok[i] else None for i in range(len(LABELS))]
        for of, ok in zip(sets[:2], enough[:2], strict=True)
    ]
    common = max(OPTIONS, key=lambda o: sum(sum(t[o]) for of in tables for t in of if t))
    for a, b in ((0, 1), (1, 0)):
        chosen, one, most = [], [], []
        for of_a, of_b in zip(tables[a], tables[b], strict=True):
            if of_b:
                chosen.append(of_b[best_option([of_a]) if of_a else common])
                one.append(of_b[common])
                most.append(max(of_b.values(), key=sum))
        one_rule, by_label, own = (np.round(np.mean(of, axis=0), 3) for of in (one, chosen, most))
        print(f"fitted on {'AB'[a]}, tested on {'AB'[b]}: one rule {one_rule}, by label {by_label}, at best {own}")
    options = []
    for of_a, of_b in zip(*tables, strict=True):
        options.append(best_option([of for of in (of_a, of_b) if of]) if of_a or of_b else common)
    lines = ["label\tdefault\tframe\twindow"]
    for label, level, option in zip(LABELS, levels, options, strict=True):
        lines.append(f"{label}\t{scores_of(level):.3f}\t{option[0]:.1f}\t{option[1]:.1f}")
    print(f"the one rule: frames {common[0]} and windows {common[1]} logits from the thresholds")
    for name, chosen_options in (("one rule", [common] * len(LABELS)), ("the table below", options)):
        for number, (of, tracks) in enumerate(zip(sets, plain, strict=True)):
            decided = [decisions(*one[:2], levels, chosen_options, rule) for one in of]
            print(f"set {number}, {name}: frames, edges (0.5 s), (1 s): {judged(tracks, decided)[0].round(3)}")
    print("\n" + "\n".join(lines))
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
