"""Who plays when: rules from the backbone's frames to segments, judged on tracks of known times.

    python research/answer/frames.py CHECKPOINT TRACKS.npz TRUTH.csv [TRACKS.npz TRUTH.csv ...]
        [--thresholds THRESHOLDS.tsv]

TRACKS.npz comes from `features.py` (with `--hop 1`), TRUTH.csv has a row a stretch:
file, label, start, end, known (0: unknown there). The same figures as the tool that makes the tracks: F1 over cells of
0.1 s and F1 of edges within 0.5 s and 1 s, macro over labels with 30 s of sound and more.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import Cache, head_logits, load
from scipy.ndimage import median_filter, uniform_filter1d

from organology.labels.bradl15 import FAMILY_OF, LABELS
from organology.model import InstrumentNet
from organology.recognition.logits import logits_of

CELL, FRAME = 0.1, 0.32
TRACK_SECONDS = 60.0


@dataclass(frozen=True)
class Rule:
    """From frames to segments.

    Attributes
    ----------
    context : int
        Frames of the maps that a score is taken of.
    hop : float
        Of the windows, in seconds.
    fade : float
        Weight of a window's outermost frames where windows overlap, against its middle ones.
    window_share : float
        Of the window's own logit in that of its frames.
    shift : float
        Added to the thresholds, in logits.
    window_shift : float
        What the best window over an instant has to reach, against the threshold, in logits; -inf: nothing.
    low : float
        Hysteresis: a segment goes on down to so many logits below.
    median : float
        Seconds of a median over time.
    max_gap, min_seconds : float
        As in `SegmentSettings`.
    silence : float
        Nothing plays in cells this far (dB) below the loudest cell within 4 s; inf: no such rule.
    floor : float
        Nor in cells below this level (dBFS).
    snap : float
        Edges move to the steepest change of level within so many seconds, where it is `steep` dB and more.
    steep : float
    """

    context: int = 3
    hop: float = 2.0
    fade: float = 1.0
    window_share: float = 0.0
    shift: float = 0.0
    window_shift: float = -np.inf
    low: float = 0.4
    median: float = 0.0
    max_gap: float = 1.0
    min_seconds: float = 1.0
    silence: float = np.inf
    floor: float = -70.0
    snap: float = 0.0
    steep: float = 6.0


@dataclass(frozen=True, eq=False)
class Track:
    """What a rule needs of a track: logits of windows and, by context, of frames."""

    windows: np.ndarray
    frames: dict[int, np.ndarray]
    starts: np.ndarray
    ends: np.ndarray
    rms: np.ndarray
    truth: np.ndarray


def moving_mean(maps: np.ndarray, context: int) -> np.ndarray:
    """Means over `context` frames around each, fewer at a window's ends: (n, frames, channels)."""
    half, n = context // 2, maps.shape[1]
    sums = np.concatenate([np.zeros_like(maps[:, :1]), np.cumsum(maps, axis=1, dtype=np.float64)], axis=1)
    low, high = np.maximum(0, np.arange(n) - half), np.minimum(n, np.arange(n) + half + 1)
    return ((sums[:, high] - sums[:, low]) / (high - low)[None, :, None]).astype(np.float32)


def read_truth(path: Path, files: list[str]) -> dict[str, np.ndarray]:
    """Cells (600, n_labels) of each file: 1, 0, -1."""
    n = round(TRACK_SECONDS / CELL)
    cells = {name: np.zeros((n, len(LABELS)), np.int8) for name in files}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            span = slice(round(float(row["start"]) / CELL), round(float(row["end"]) / CELL))
            cells[row["file"]][span, LABELS.index(row["label"])] = 1 if row["known"] == "1" else -1
    return cells


def read_tracks(
    net: InstrumentNet, cache: Cache, truth: dict[str, np.ndarray], contexts: tuple[int, ...]
) -> list[Track]:
    """All tracks of a folder."""
    return [
        Track(
            head_logits(net, maps.mean(1)),
            {context: head_logits(net, moving_mean(maps, context)) for context in contexts},
            starts,
            ends,
            rms,
            truth[name],
        )
        for name, maps, starts, ends, rms in zip(
            cache.files, cache.maps, cache.starts, cache.ends, cache.rms, strict=True
        )
    ]


def windows_apart(starts: np.ndarray, hop: float) -> np.ndarray:
    """Which of the windows a recognizer with this hop has."""
    on = np.abs(starts / hop - np.round(starts / hop)) < 1e-6
    on[-1] = True
    return on


def cell_logits(track: Track, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Logits over cells of 0.1 s (n_cells, n_labels), by frames and by the best window over each."""
    kept = windows_apart(track.starts, rule.hop)
    n = len(track.truth)
    middles = (np.arange(n) + 0.5) * CELL
    frames = track.frames[rule.context][kept]
    count = frames.shape[1]
    total, weight = np.zeros((n, len(LABELS))), np.zeros((n, 1))
    best = np.full((n, len(LABELS)), -20.0)
    centers = np.arange(count) * FRAME
    trust = 1 - (1 - rule.fade) * np.abs(centers - 2) / 2
    for start, end, of_frames, of_window in zip(
        track.starts[kept], track.ends[kept], frames, track.windows[kept], strict=True
    ):
        first, last = int(np.ceil(start / CELL - 0.5 - 1e-6)), int(np.floor(end / CELL - 0.5 + 1e-6)) + 1
        span = slice(max(0, first), min(n, last))
        place = np.clip((middles[span] - start) / FRAME, 0, count - 1)
        left = np.minimum(place.astype(int), count - 2)
        part = (place - left)[:, None]
        logits = (1 - part) * of_frames[left] + part * of_frames[left + 1]
        trusted = np.interp(middles[span] - start, centers, trust)[:, None]
        total[span] += trusted * ((1 - rule.window_share) * logits + rule.window_share * of_window)
        weight[span] += trusted
        best[span] = np.maximum(best[span], of_window)
    return total / np.maximum(weight, 1e-9), best


def runs(on: np.ndarray) -> Iterator[tuple[int, int]]:
    """Begin and end of each run of True."""
    change = np.flatnonzero(np.diff(np.r_[0, on.astype(np.int8), 0]))
    yield from zip(change[::2].tolist(), change[1::2].tolist(), strict=True)


def tidied(values: np.ndarray, high: float, rule: Rule) -> np.ndarray:
    """Hysteresis, gaps closed, short segments dropped: one label."""
    on = np.zeros(len(values), bool)
    for a, b in runs(values >= high - rule.low):
        on[a:b] = (values[a:b] >= high).any()
    for a, b in runs(~on):
        if a > 0 and b < len(on) and (b - a) * CELL <= rule.max_gap + 1e-6:
            on[a:b] = True
    for a, b in runs(on):
        if (b - a) * CELL < rule.min_seconds - 1e-6:
            on[a:b] = False
    return on


def snapped(on: np.ndarray, rms: np.ndarray, rule: Rule) -> np.ndarray:
    """Begins move to the steepest rise of the level near them, ends to the steepest fall."""
    reach = round(rule.snap / CELL)
    floor = np.maximum(rms, -75)
    rise = np.zeros(len(rms) + 1)  # of cell i against cell i - 1, smoothed over two cells
    padded = np.pad(floor, 2, mode="edge")
    rise[:-1] = (padded[2:-2] + padded[3:-1]) / 2 - (padded[1:-3] + padded[:-4]) / 2
    out = np.zeros_like(on)
    for a, b in runs(on):
        spots = []
        for edge, sign, fixed in ((a, 1, a == 0), (b, -1, b == len(on))):
            low, high = max(1, edge - reach), min(len(on) - 1, edge + reach)
            if fixed or high <= low:
                spots.append(edge)
                continue
            change = sign * rise[low : high + 1]
            best = int(change.argmax())
            spots.append(low + best if change[best] >= rule.steep else edge)
        if spots[1] > spots[0]:
            out[spots[0] : spots[1]] = True
        else:
            out[a:b] = True
    return out


def said(track: Track, thresholds: np.ndarray, rule: Rule) -> np.ndarray:
    """Cells (n_cells, n_labels) in which a label is said to play."""
    logits, best = cell_logits(track, rule)
    width = round(rule.median / CELL) | 1
    if width > 1:
        logits = median_filter(logits, size=(width, 1), mode="nearest")
    rms = track.rms[: len(logits)]
    smooth = uniform_filter1d(rms, 3, mode="nearest")
    around = np.array([rms[max(0, i - 20) : i + 21].max() for i in range(len(rms))])
    quiet = (smooth < rule.floor) | (smooth < around - rule.silence)
    logits[quiet] = -20
    on = np.zeros(logits.shape, bool)
    for i, high in enumerate(thresholds + rule.shift):
        column = np.where(best[:, i] >= thresholds[i] + rule.window_shift, logits[:, i], -20.0)
        on[:, i] = tidied(column, high, rule)
        if rule.snap:
            on[:, i] = snapped(on[:, i], rms, rule)
    for instrument, family in FAMILY_OF.items():
        on[:, LABELS.index(family)] |= on[:, LABELS.index(instrument)]
    return on


def edges(on: np.ndarray) -> list[int]:
    """Cells at which something begins or ends, without the ends of the track."""
    return [x for run in runs(on) for x in run if 0 < x < len(on)]


def judged(tracks: list[Track], decided: list[np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Macro F1 of frames, of edges within 0.5 s and within 1 s; the same by label."""
    by_label = {}
    for i, label in enumerate(LABELS):
        truth = np.concatenate([track.truth[:, i] for track in tracks])
        if (truth == 1).sum() < 300:
            continue
        on = np.concatenate([of[:, i] for of in decided]) & (truth >= 0)
        row = [2 * (on & (truth == 1)).sum() / max(1, on.sum() + (truth == 1).sum())]
        for tolerance in (5, 10):
            hits = n_true = n_said = 0
            for track, of in zip(tracks, decided, strict=True):
                left, found = sorted(edges(track.truth[:, i] == 1)), sorted(edges(of[:, i]))
                n_true, n_said = n_true + len(left), n_said + len(found)
                for x in found:
                    near = [y for y in left if abs(x - y) <= tolerance]
                    if near:
                        left.remove(min(near, key=lambda y, x=x: abs(x - y)))
                        hits += 1
            row.append(2 * hits / max(1, n_true + n_said))
        by_label[label] = np.array(row)
    return np.mean(list(by_label.values()), axis=0), by_label


def tell(name: str, sets: list[list[Track]], thresholds: np.ndarray, rule: Rule) -> None:
    """A row of the table: each set."""
    cells = [judged(tracks, [said(track, thresholds, rule) for track in tracks])[0] for tracks in sets]
    print(f"| {name} | " + " | ".join(" ".join(f"{x:.3f}" for x in cell) for cell in cells) + " |", flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("tracks", type=Path, nargs="+", help="TRACKS.npz TRUTH.csv, once or more")
    parser.add_argument("--thresholds", type=Path, help="table of decisions.py")
    parser.add_argument("--column", default="default")
    given = parser.parse_args()
    net, metadata = load(given.checkpoint)
    own = logits_of(np.array(metadata.thresholds))
    fitted = own
    if given.thresholds:
        with given.thresholds.open(encoding="utf-8") as file:
            table = {row["label"]: float(row[given.column]) for row in csv.DictReader(file, delimiter="\t")}
        fitted = logits_of(np.array([table[label] for label in LABELS]))
    sets = []
    for features, truth in zip(given.tracks[::2], given.tracks[1::2], strict=True):
        cache = Cache.read(features)
        sets.append(read_tracks(net, cache, read_truth(truth, cache.files), (1, 3, 5, 7, 13)))
    print("| rule | frames F1, edges F1 (0.5 s), (1 s), each set |\n|---" + "|---" * len(sets) + "|")
    base = Rule()
    today = replace(base, context=13, window_share=1.0, hop=1.0)
    tell("windows alone, 1 s apart, the model's thresholds", sets, own, today)
    tell("windows alone, 1 s apart, fitted thresholds", sets, fitted, today)
    for context in (1, 3, 5, 7):
        tell(f"frames, context {context}, the model's thresholds", sets, own, replace(base, context=context))
    for context in (1, 3, 5, 7):
        tell(f"frames, context {context}, fitted thresholds", sets, fitted, replace(base, context=context))
    variants = {
        "windows 1 s apart": {"hop": 1.0},
        "windows 4 s apart": {"hop": 4.0},
        "outer frames fade to 0.3": {"fade": 0.3},
        "thresholds -1": {"shift": -1.0},
        "thresholds -0.5": {"shift": -0.5},
        "thresholds +0.5": {"shift": 0.5},
        "best window at -1": {"window_shift": -1.0},
        "best window at 0": {"window_shift": 0.0},
        "best window at 0, thresholds -1": {"window_shift": 0.0, "shift": -1.0},
        "best window at -0.5, thresholds -1": {"window_shift": -0.5, "shift": -1.0},
        "best window at 0, thresholds -2": {"window_shift": 0.0, "shift": -2.0},
        "a quarter of the window": {"window_share": 0.25},
        "hysteresis 0": {"low": 0.0},
        "hysteresis 1": {"low": 1.0},
        "hysteresis 2": {"low": 2.0},
        "median 0.5 s": {"median": 0.5},
        "median 1 s": {"median": 1.0},
        "gaps 0.3 s": {"max_gap": 0.3},
        "gaps 0.5 s": {"max_gap": 0.5},
        "gaps 1.5 s": {"max_gap": 1.5},
        "shortest 0.5 s": {"min_seconds": 0.5},
        "shortest 1.5 s": {"min_seconds": 1.5},
        "silence 40 dB": {"silence": 40.0},
        "silence 30 dB": {"silence": 30.0},
        "snap 0.3 s": {"snap": 0.3},
        "snap 0.5 s": {"snap": 0.5},
        "snap 0.8 s": {"snap": 0.8},
    }
    for name, changes in variants.items():
        tell(name, sets, fitted, replace(base, **changes))


if __name__ == "__main__":
    main()
