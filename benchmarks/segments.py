"""Which rule tells best, from overlapping windows, who plays when.

    python benchmarks/segments.py CORPUS... [--model MODEL.onnx] [--hop 1.0] [--songs 60] [--seed 0] [--page PAGE]

CORPUS are prepared corpora (`docs/architecture.md`); their validation stems are used. Two sets are made of them:
`songs`, all aligned stems of a song added up, and `sections`, three stems at a time that come and go at random times
(3 to 12 s on, 2 to 10 s off). The truth is where stems are active. For each rule: frame-level F1 (macro over the
labels, cells of 0.1 s, segments as `organology recognize` cuts them), F1 of their edges within 1 s, and how far off
the edges are that have one of the truth within 3 s (median). Each rule has the factor on the model's thresholds that
gives it the best F1 over frames: rules differ in how high they score.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import soundfile
from measuring import put, table

from organology import Recognizer
from organology.labels.bradl15 import BRADL15, LABELS
from organology.recognition.result import Recognition
from organology.recognition.segments import Activity, SegmentSettings, segments

RATE, CELL, WINDOW = 32_000, 0.1, 4.0
FACTORS = np.geomspace(0.5, 2.0, 7)
HEAD = ("", "at the model's thresholds: F1", "edges: F1", "edges: off by", "best factor", "F1", "edges: F1", "off by")
Song = tuple[np.ndarray, np.ndarray]  # samples; truth (cells, 15): 1, 0, -1 unknown


def _logits(scores: np.ndarray) -> np.ndarray:
    odds = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.log(odds / (1 - odds))


def _scores(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def _hann(far: np.ndarray) -> np.ndarray:
    return np.cos(np.pi / 2 * far) ** 2 + 1e-6


# From the scores of the windows that cover an instant (windows, 15), and how far their middles are from it as a share
# of half a window, to its activity.
RULES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mean": lambda scores, far: scores.mean(0),
    "median": lambda scores, far: np.median(scores, axis=0),
    "highest": lambda scores, far: scores.max(0),
    "lowest": lambda scores, far: scores.min(0),
    "between mean and lowest": lambda scores, far: (scores.min(0) + scores.mean(0)) / 2,
    "mean, Hann weights": lambda scores, far: np.average(scores, axis=0, weights=_hann(far)),
    "nearest window": lambda scores, far: scores[np.argmin(far)],
    "mean of logits": lambda scores, far: _scores(_logits(scores).mean(0)),
    "mean of logits, Hann weights": lambda scores, far: _scores(
        np.average(_logits(scores), axis=0, weights=_hann(far))
    ),
    "between mean of logits and lowest": lambda scores, far: _scores(
        (_logits(scores).mean(0) + _logits(scores).min(0)) / 2
    ),
}


def _by_rule(one: Recognition, rule: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Activity:
    edges = one.activity.edges
    rows = []
    for middle in (edges[:-1] + edges[1:]) / 2:
        cover = np.flatnonzero((one.starts <= middle) & (middle < one.ends))
        far = np.abs((one.starts[cover] + one.ends[cover]) / 2 - middle) / (WINDOW / 2)
        rows.append(rule(one.scores[cover], np.minimum(far, 1)))
    return Activity(edges, BRADL15.raise_parents(np.array(rows, np.float32)))


def _truth(n_samples: int, parts: list[tuple[dict, list[tuple[int, int]]]]) -> np.ndarray:
    """Labels of each cell: present where a stem that has it sounds, unknown where one that may have it does."""
    n_cells = n_samples // round(CELL * RATE)
    middles = (np.arange(n_cells) + 0.5) * CELL * RATE
    truth = np.zeros((n_cells, len(LABELS)), np.int8)
    for row, spans in parts:
        labels = np.array([row[label] for label in LABELS], np.int8)
        sounds = np.zeros(n_cells, bool)
        for start, end in spans:
            sounds |= (middles >= start) & (middles < end)
        of_stem = np.where(sounds[:, None], labels, 0)
        truth = np.where((truth == 1) | (of_stem == 1), 1, np.where((truth == -1) | (of_stem == -1), -1, 0))
    return truth


def _spans(row: dict, gap: int = RATE // 2) -> list[tuple[int, int]]:
    """Where a stem sounds; rests of less than half a second are not silence of an instrument."""
    spans: list[tuple[int, int]] = []
    for part in row["active"]:
        if spans and part["start"] - spans[-1][1] < gap:
            spans[-1] = (spans[-1][0], part["end"])
        else:
            spans.append((part["start"], part["end"]))
    return spans


def songs(stems: list[dict], most: int) -> Iterator[Song]:
    names = sorted({(row["folder"], row["song"]) for row in stems if row["aligned"]})
    for folder, name in names[:: max(1, len(names) // most)][:most]:
        rows = [row for row in stems if (row["folder"], row["song"]) == (folder, name)]
        if len(rows) < 2:
            continue
        mixture = np.zeros(max(row["frames"] for row in rows), np.float32)
        for row in rows:
            samples = soundfile.read(Path(folder, row["path"]), dtype="float32")[0]
            mixture[: len(samples)] += samples
        yield mixture / max(1.0, float(np.abs(mixture).max())), _truth(len(mixture), [(r, _spans(r)) for r in rows])


def _sections(stems: list[dict], n: int, rng: np.random.Generator, seconds: int = 60) -> Iterator[Song]:
    usable = [row for row in stems if sum(end - start for start, end in _spans(row)) > 3 * RATE]
    total = seconds * RATE
    ramp = np.minimum(1, np.arange(RATE // 50) / (RATE // 50)).astype(np.float32)
    for _ in range(n):
        mixture, parts = np.zeros(total, np.float32), []
        for i in rng.choice(len(usable), 3, replace=False):
            row = usable[i]
            samples = soundfile.read(Path(row["folder"], row["path"]), dtype="float32")[0]
            sound = np.concatenate([samples[start:end] for start, end in _spans(row)])
            sound *= 0.1 * 10 ** (rng.uniform(-4, 4) / 20) / max(1e-4, float(np.sqrt(np.square(sound).mean())))
            sound, place, spans = np.resize(sound, total), int(rng.uniform(0, 8) * RATE), []
            while place < total:
                end = min(total, place + int(rng.uniform(3, 12) * RATE))
                piece = sound[place:end].copy()
                if len(piece) > 2 * len(ramp):
                    piece[: len(ramp)] *= ramp
                    piece[-len(ramp) :] *= ramp[::-1]
                    mixture[place:end] += piece
                    spans.append((place, end))
                place = end + int(rng.uniform(2, 10) * RATE)
            parts.append((row, spans))
        yield mixture / max(1.0, float(np.abs(mixture).max())), _truth(total, parts)


def _edges(on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells at which something begins and ends, without the ends of the song."""
    change = np.diff(on.astype(np.int8))
    return np.flatnonzero(change == 1) + 1, np.flatnonzero(change == -1) + 1


def _matched(found: np.ndarray, true: np.ndarray, within: float) -> list[float]:
    """Errors in seconds of edges that have a partner, each used once, nearest first."""
    distances = np.abs(found[:, None] - true[None, :]) * CELL if len(found) and len(true) else np.zeros((0, 0))
    errors = []
    while distances.size and distances.min() <= within:
        i, j = np.unravel_index(distances.argmin(), distances.shape)
        errors.append(float(distances[i, j]))
        distances[i, :] = distances[:, j] = np.inf
    return errors


class Counts:
    """Sums over songs, for one rule and factor."""

    def __init__(self) -> None:
        self.frames = np.zeros((3, len(LABELS)))  # hits, found, true
        self.edges = np.zeros(3)
        self.errors: list[float] = []

    def add(self, on: np.ndarray, truth: np.ndarray) -> None:
        """Add a song."""
        known = truth >= 0
        self.frames += [(on & (truth == 1)).sum(0), (on & known).sum(0), (truth == 1).sum(0)]
        for i in range(len(LABELS)):
            if not known[:, i].all():
                continue
            for found, true in zip(_edges(on[:, i]), _edges(truth[:, i] == 1), strict=True):
                near = _matched(found, true, 3.0)
                self.errors += near
                self.edges += [sum(error <= 1.0 for error in near), len(found), len(true)]

    @property
    def f1(self) -> float:
        """Over frames: macro mean over the labels with more than a minute."""
        hits, found, true = self.frames[:, self.frames[2] > 600]
        return float(np.mean(2 * hits / np.maximum(1, found + true)))

    @property
    def edge_f1(self) -> float:
        """Of edges within a second, all labels together."""
        hits, found, true = self.edges
        return float(2 * hits / max(1, found + true))


def _on(heard: Activity, levels: np.ndarray, n_cells: int, settings: SegmentSettings) -> np.ndarray:
    on = np.zeros((n_cells, len(LABELS)), bool)
    for segment in segments(heard, levels, settings):
        begin, end = round(segment.start / CELL), round(segment.end / CELL)
        on[begin:end, LABELS.index(segment.label)] = True
    return on


def _row(
    name: str, heard: list[Activity], truths: list[np.ndarray], levels: np.ndarray, settings: SegmentSettings
) -> str:
    counts = {}
    for factor in FACTORS:
        counts[factor] = Counts()
        for one, truth in zip(heard, truths, strict=True):
            counts[factor].add(_on(one, np.minimum(levels * factor, 1), len(truth), settings), truth)
    plain = counts[min(FACTORS, key=lambda factor: abs(factor - 1))]
    factor = max(FACTORS, key=lambda factor: counts[factor].f1)
    best = counts[factor]
    figures = (f"{c.f1:.3f} | {c.edge_f1:.3f} | {np.median(c.errors):.2f} s" for c in (plain, best))
    at_models, at_best = (figure.split(" | ") for figure in figures)
    return name, *at_models, f"{factor:.2f}", *at_best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--hop", type=float, default=1.0)
    parser.add_argument("--songs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="put the tables into this page too")
    chosen = parser.parse_args()
    stems = [
        {**row, "folder": str(folder)}
        for folder in chosen.corpora
        for row in pl.read_parquet(folder / "stems.parquet").filter(pl.col("split") == "validation").to_dicts()
    ]
    recognizer = Recognizer(chosen.model)
    rng = np.random.default_rng(chosen.seed)
    sets: dict[str, Callable[[], Iterator[Song]]] = {
        "songs": lambda: songs(stems, chosen.songs),
        "sections": lambda: _sections(stems, chosen.songs, rng),
    }
    texts = []
    for name, make in sets.items():
        heard: list[Recognition] = []
        truths = []
        for samples, truth in make():
            heard.append(recognizer.recognize(samples, chosen.hop, sr=RATE))
            truths.append(truth)
        minutes = sum(one.duration for one in heard) / 60
        levels = heard[0].thresholds
        rows = []
        for rule, function in RULES.items():
            rows.append(_row(rule, [_by_rule(one, function) for one in heard], truths, levels, SegmentSettings()))
            print(rows[-1], flush=True)
        texts.append(
            f"{name}: {len(heard)} of {minutes:.0f} minutes in all, hop {chosen.hop:g} s\n\n{table(HEAD, rows)}"
        )
    print("\n\n".join(texts))
    if chosen.page:
        put(chosen.page, "segments", "\n\n".join(texts))


if __name__ == "__main__":
    main()
