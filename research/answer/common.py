"""What the experiments share: cached features as scores, labels of the recordings, figures of decisions."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from organology.labels.bradl15 import BRADL15, FAMILY_OF, LABELS
from organology.model import InstrumentNet, load_checkpoint
from organology.model_metadata import ModelMetadata
from organology.recognition.inference import SILENCE_DBFS
from organology.recognition.logits import logits_of, scores_of
from organology.recognition.pooling import pool

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Cache:
    """What `features.py` wrote of a folder, file by file."""

    files: list[str]
    maps: list[NDArray[np.float32]]
    starts: list[Array]
    ends: list[Array]
    levels: list[Array]
    rms: list[Array]

    @staticmethod
    def read(path: Path) -> Cache:
        """Read OUT.npz."""
        with np.load(path) as data:
            columns = {name: data[name] for name in data.files}
        files = columns["files"].tolist()
        of = [columns["number"] == n for n in range(len(files))]
        parts = {name: [columns[name][mask] for mask in of] for name in ("maps", "starts", "ends", "levels")}
        rms = [columns["rms"][columns["rms_number"] == n] for n in range(len(files))]
        parts["maps"] = [maps.astype(np.float32) for maps in parts["maps"]]
        return Cache(files, rms=rms, **parts)

    def take(self, hop_seconds: float) -> Cache:
        """The windows that a recognizer with this hop would have, out of those of a finer one that divides it."""
        kept = []
        for starts, ends in zip(self.starts, self.ends, strict=True):
            on_grid = np.abs(starts / hop_seconds - np.round(starts / hop_seconds)) < 1e-6
            last = np.arange(len(starts)) == len(starts) - 1
            grid_end = ends[on_grid].max()
            kept.append(on_grid | (last & (grid_end < ends[-1] - 1e-6)))
        take = lambda parts: [part[mask] for part, mask in zip(parts, kept, strict=True)]  # noqa: E731
        return Cache(self.files, take(self.maps), take(self.starts), take(self.ends), take(self.levels), self.rms)


@torch.no_grad()
def head_logits(net: InstrumentNet, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """Calibrated logits of embeddings (..., 384) -> (..., 15)."""
    flat = torch.from_numpy(np.ascontiguousarray(embeddings, np.float32).reshape(-1, embeddings.shape[-1]))
    logits = net.head(flat) * net.slopes + net.offsets
    return logits.numpy().astype(np.float64).reshape(*embeddings.shape[:-1], -1)


def window_scores(net: InstrumentNet, cache: Cache) -> list[NDArray[np.float32]]:
    """Scores (n_windows, 15) of each file as the recognizer gives them; 0 where a window is silent."""
    scores = []
    for maps, levels in zip(cache.maps, cache.levels, strict=True):
        raised = BRADL15.raise_parents(scores_of(head_logits(net, maps.mean(1))).astype(np.float32))
        scores.append(raised * (levels >= SILENCE_DBFS)[:, None])
    return scores


def file_scores(cache: Cache, scores: list[Array], how: str = "top_stretch") -> NDArray[np.float64]:
    """Scores of the files (n_files, n_labels) by one of `pool`'s rules, or of `POOLINGS`."""
    rows = []
    for starts, ends, levels, of_file in zip(cache.starts, cache.ends, cache.levels, scores, strict=True):
        sounds = levels >= SILENCE_DBFS
        rows.append(POOLINGS[how](of_file[sounds], starts[sounds], ends[sounds]))
    return np.array(rows, dtype=np.float64)


def stretch(seconds: float):
    """The mean of logits over the best so many seconds, each label by itself."""

    def rule(scores: Array, starts: Array, ends: Array) -> Array:
        if len(scores) == 0:
            return np.zeros(scores.shape[1])
        logits = logits_of(scores)
        best = np.full(scores.shape[1], -np.inf)
        for begin in np.minimum(starts, max(starts[0], ends[-1] - seconds)):
            inside = (starts >= begin - 1e-6) & (ends <= begin + seconds + 1e-6)
            if not inside.any():
                inside = starts == starts[starts >= begin - 1e-6][0]
            best = np.maximum(best, logits[inside].mean(0))
        return scores_of(best)

    return rule


def top_share(share: float, least: int = 1):
    """The mean of logits over the highest share of the windows, each label by itself."""

    def rule(scores: Array, starts: Array, ends: Array) -> Array:
        if len(scores) == 0:
            return np.zeros(scores.shape[1])
        count = min(len(scores), max(least, int(np.ceil(len(scores) * share))))
        return scores_of(np.sort(logits_of(scores), axis=0)[-count:].mean(0))

    return rule


POOLINGS = {
    "top_stretch": lambda scores, starts, ends: pool(scores, "top_stretch", starts, ends),
    "top_mean": lambda scores, starts, ends: pool(scores, "top_mean", starts, ends),
    "mean": lambda scores, starts, ends: pool(scores, "mean", starts, ends),
    "max": lambda scores, starts, ends: pool(scores, "max", starts, ends),
    "mean of logits": top_share(1.0),
    "best 20 s": stretch(20),
    "best 30 s": stretch(30),
    "best 45 s": stretch(45),
    "best 60 s": stretch(60),
    "best eighth": top_share(0.125, 4),
    "best quarter": top_share(0.25, 4),
    "best half": top_share(0.5, 4),
}


@dataclass(frozen=True, eq=False)
class Truth:
    """Labels of recordings: `targets` (n, n_labels) of 1, 0 and -1 (unknown), and the recording (`groups`) of each."""

    files: list[str]
    targets: NDArray[np.int8]
    groups: NDArray[np.str_]
    rows: list[dict[str, str]]


def read_truth(path: Path, labels: tuple[str, ...] = LABELS) -> Truth:
    """Read a labels.csv."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    cells = [[row.get(label, row.get(label.replace("_", " "), "")) for label in labels] for row in rows]
    targets = np.array([[-1 if cell == "" else int(float(cell)) for cell in row] for row in cells], np.int8)
    return Truth([row["file"] for row in rows], targets, np.array([row["group"] for row in rows]), rows)


def ordered(cache: Cache, truth: Truth, values: NDArray) -> NDArray:
    """Rows of a cache in the order of the truth."""
    place = {name: i for i, name in enumerate(cache.files)}
    return values[[place[name] for name in truth.files]]


def folds(groups: NDArray[np.str_], n: int = 10, seed: int = 0) -> NDArray[np.int64]:
    """A fold for each row; rows of one recording share it."""
    names = np.unique(groups)
    of = dict(zip(names.tolist(), (np.random.default_rng(seed).permutation(len(names)) % n).tolist(), strict=True))
    return np.array([of[name] for name in groups.tolist()])


def decide(scores: Array, thresholds: Array) -> NDArray[np.bool_]:
    """What is said to play: labels that reach their threshold, and the families of instruments that do."""
    on = scores >= thresholds
    for instrument, family in FAMILY_OF.items():
        on[:, LABELS.index(family)] |= on[:, LABELS.index(instrument)]
    return on


def figures(targets: NDArray[np.int8], on: NDArray[np.bool_], fewest: int = 5) -> dict[str, float]:
    """Macro F1, precision and recall over labels with `fewest` positives; rows with a false label."""
    shown = [i for i in range(targets.shape[1]) if (targets[:, i] == 1).sum() >= fewest]
    per = []
    for i in shown:
        hits = (on[:, i] & (targets[:, i] == 1)).sum()
        said, true = (on[:, i] & (targets[:, i] >= 0)).sum(), (targets[:, i] == 1).sum()
        per.append((2 * hits / max(1, said + true), hits / max(1, said), hits / true, hits, said, true))
    f1, precision, recall, hits, said, true = np.array(per, float).T
    false = (on & (targets == 0)).any(1)
    judged = (targets >= 0).any(1)
    return {
        "labels": len(shown),
        "f1": f1.mean(),
        "precision": precision.mean(),
        "recall": recall.mean(),
        "micro_precision": hits.sum() / said.sum(),
        "micro_recall": hits.sum() / true.sum(),
        "false": int(false.sum()),
        "rows": int(judged.sum()),
    }


def load(checkpoint: Path) -> tuple[InstrumentNet, ModelMetadata]:
    """A checkpoint, in eval mode."""
    torch.set_num_threads(1)
    return load_checkpoint(checkpoint)
