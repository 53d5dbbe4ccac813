"""Tracks in which recordings come and go at known times, to fit and judge the timeline on.

    python research/answer/tracks.py CLIPS_FOLDER CLIPS.csv OUT [--tracks 20] [--seed 1] [--part 1/4 | --others 1/4]

CLIPS.csv has a row a clip: file, the 15 labels (1, 0 or nothing), n_sources, group. A track is the sum of one to three
rows of clips of one known source, with pauses of 0.5 to 6 s. A source sounds where its level is within 40 dB of its own
loudest cell of 0.1 s; where it lies more than 25 dB below the mixture nobody knows. OUT gets NN.flac and truth.csv
(file, label, start, end, known). `--part 1/4` takes the clips of a quarter of the recordings, `--others 1/4` the rest.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import soundfile
from common import Truth, read_truth
from frames import CELL, TRACK_SECONDS, runs
from layers import CLOSED_CELLS, HEARD_DB, SOUNDS_DB, leveled

from organology import audio
from organology.labels.bradl15 import LABELS

RATE = 32_000
SAMPLES, CELL_SAMPLES = round(TRACK_SECONDS * RATE), round(CELL * RATE)
PARTS_SEED = 7
FEWEST_CLIPS = 3
PAUSES = (0.5, 6.0)


def parted(truth: Truth, part: str, others: bool) -> np.ndarray:
    """Which clips are of one part of the recordings, or of all others; each combination of labels is in all parts."""
    which, count = map(int, part.split("/"))
    kinds: dict[tuple[int, ...], list[str]] = {}
    for group, first in zip(*np.unique(truth.groups, return_index=True), strict=True):
        kinds.setdefault(tuple(truth.targets[first].tolist()), []).append(group)
    rng, mixed = np.random.default_rng(PARTS_SEED), []
    for kind in sorted(kinds):
        mixed += rng.permutation(kinds[kind]).tolist()
    return np.isin(truth.groups, mixed[which - 1 :: count]) != others


def power(samples: np.ndarray) -> np.ndarray:
    """Level of each cell in dB."""
    return 10 * np.log10(np.square(samples.reshape(-1, CELL_SAMPLES), dtype=np.float64).mean(1) + 1e-18)


def sounding(levels: np.ndarray) -> np.ndarray:
    """Cells in which a source sounds, short pauses closed."""
    on = levels > levels.max() - SOUNDS_DB
    for begin, end in runs(~on):
        if begin > 0 and end < len(on) and (end - begin) * CELL_SAMPLES <= CLOSED_CELLS * 0.02 * RATE:
            on[begin:end] = True
    return on


def track(
    clips: dict[str, list[np.ndarray]], of: dict[int, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Samples, and truth (n_cells, 15): 1, 0, -1."""
    names, layers = list(clips), []
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.uniform(0, 4) / CELL) * CELL_SAMPLES
        while place < SAMPLES - RATE:
            pool = clips[names[int(rng.integers(len(names)))]]
            clip = pool[int(rng.integers(len(pool)))]
            length = min(len(clip), SAMPLES - place) // CELL_SAMPLES * CELL_SAMPLES
            samples, piece = np.zeros(SAMPLES, np.float32), leveled(clip, rng)[:length]
            samples[place : place + length] = piece
            levels = np.full(SAMPLES // CELL_SAMPLES, -180.0)
            levels[place // CELL_SAMPLES : (place + length) // CELL_SAMPLES] = power(piece)
            layers.append((samples, levels, of[id(clip)]))
            place += length + int(rng.uniform(*PAUSES) / CELL) * CELL_SAMPLES
    mixture = np.sum([samples for samples, _, _ in layers], axis=0)
    total, truth = power(mixture), np.zeros((SAMPLES // CELL_SAMPLES, len(LABELS)), int)
    for _, levels, has in layers:
        on, heard = sounding(levels), levels > total - HEARD_DB
        truth[np.ix_(on & heard, has)] = 1
        faint = np.ix_(on & ~heard, has)
        truth[faint] = np.where(truth[faint] == 1, 1, -1)
    return mixture / max(1.0, float(np.abs(mixture).max())), truth


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("folder", "table", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--tracks", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="")
    parser.add_argument("--others", default="")
    given = parser.parse_args()
    truth_of_clips = read_truth(given.table)
    used = (truth_of_clips.targets >= 0).all(1)
    if given.part or given.others:
        used &= parted(truth_of_clips, given.part or given.others, bool(given.others))
    clips: dict[str, list[np.ndarray]] = {label: [] for label in LABELS}
    of: dict[int, np.ndarray] = {}
    for i in np.flatnonzero(used).tolist():
        if truth_of_clips.rows[i]["n_sources"] not in ("1", "1.0"):
            continue
        samples = np.concatenate(list(audio.mono_blocks(given.folder / truth_of_clips.files[i], RATE)))
        if len(samples) >= RATE:
            of[id(samples)] = has = truth_of_clips.targets[i] == 1
            for label in np.array(LABELS)[has].tolist():
                clips[label].append(samples)
    drawn = {label: pool for label, pool in clips.items() if len(pool) >= FEWEST_CLIPS}
    rng = np.random.default_rng(given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "label", "start", "end", "known"))
        for number in range(given.tracks):
            samples, truth = track(drawn, of, rng)
            name = f"{number:02d}.flac"
            soundfile.write(given.out / name, samples, RATE)
            for i, label in enumerate(LABELS):
                for value, known in ((1, 1), (-1, 0)):
                    for begin, end in runs(truth[:, i] == value):
                        writer.writerow((name, label, round(begin * CELL, 1), round(end * CELL, 1), known))


if __name__ == "__main__":
    main()
