"""Sound for `strong_labels.py`, to be read at random places: stems, and recordings with what a model says of them.

    python research/answer/pack.py stems OUT --stems FOLDER [--stems FOLDER ...]
    python research/answer/pack.py recordings OUT FOLDER [--model MODEL.onnx] [--seconds 120]

OUT.i16 holds the samples one after the other (int16, mono, 32 kHz, each file at the same peak), OUT.npz where each
begins and what it holds. Stems have the labels of the set `instruments` (1, 0, -1 unknown). Of recordings without
labels at most `--seconds` are taken, from a random place; `cells` has for every 0.1 s of them the model's logits there
and of the best window over it, windows 1 s apart: (n_cells, 2, n_labels).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
import soxr
from concepts import CONCEPTS, Source, sources

from organology import audio
from organology.labels import UNKNOWN, LabelSet
from organology.labels.bradl15 import LABELS
from organology.recognition.logits import logits_of

RATE, WINDOW, CELL = 32_000, 128_000, 3_200
FRAME_SECONDS = 0.32
NAMES = LabelSet.load("instruments").labels
MODEL = Path(__file__).parents[2] / "src/organology/recognition/models/organology.onnx"


def whole(samples: np.ndarray) -> np.ndarray:
    """As int16 at a peak just below full scale."""
    return np.round(samples / max(float(np.abs(samples).max()), 1e-3) * 0.98 * 32767).astype("<i2")


def labels_of(source: Source) -> np.ndarray:
    """Labels of the set `instruments`, from those of the 15 and from concepts."""
    labels = np.full(len(NAMES), UNKNOWN, np.int8)
    for i, name in enumerate(NAMES):
        if name in LABELS:
            labels[i] = source.labels[LABELS.index(name)]
        elif name in CONCEPTS:
            labels[i] = source.concepts[CONCEPTS.index(name)]
    return labels


def of_stems(folders: list[Path]) -> Iterator[tuple[np.ndarray, dict]]:
    """Samples and a row of every stem that sounds."""
    for folder in folders:
        for source in sources(folder):
            try:
                samples, rate = soundfile.read(source.path, dtype="float32", always_2d=True)
            except (OSError, soundfile.LibsndfileError) as error:
                print(f"{source.path}: {error}; left out")
                continue
            samples = samples.mean(1)
            if rate != RATE:
                samples = soxr.resample(samples, rate, RATE, quality="MQ")
            if len(samples) >= RATE / 2 and np.abs(samples).max() >= 1e-4:
                song = f"{folder.name}/{source.song}"
                yield whole(samples), {
                    "song": song, "aligned": source.aligned, "weight": source.weight,
                    "labels": labels_of(source), "folder": folder.name,
                }  # fmt: skip


def cell_logits(model: onnxruntime.InferenceSession, samples: np.ndarray) -> np.ndarray:
    """Logits of frames over every 0.1 s, the mean of the windows over it, and of the best window."""
    n = len(samples) // CELL
    total, weight, best = np.zeros((n, len(NAMES))), np.zeros((n, 1)), np.full((n, len(NAMES)), -20.0)
    middles = (np.arange(n) + 0.5) * CELL / RATE
    for start in range(0, len(samples) - WINDOW + 1, RATE):
        found = model.run(None, {"waveform": samples[None, start : start + WINDOW]})
        of_window, of_frames = (logits_of(np.clip(part[0].astype(np.float64), 1e-6, 1 - 1e-6)) for part in found)
        span = slice(start // CELL, min(n, (start + WINDOW) // CELL))
        place = np.clip((middles[span] - start / RATE) / FRAME_SECONDS, 0, len(of_frames) - 1)
        left = np.minimum(place.astype(int), len(of_frames) - 2)
        part = (place - left)[:, None]
        total[span] += (1 - part) * of_frames[left] + part * of_frames[left + 1]
        weight[span] += 1
        best[span] = np.maximum(best[span], of_window)
    return np.stack([total / np.maximum(weight, 1e-9), best], axis=1).astype(np.float16)


def of_recordings(folder: Path, model: Path, seconds: float) -> Iterator[tuple[np.ndarray, dict]]:
    """Samples and a row of every recording of 5 s and more."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    rng, most = np.random.default_rng(0), round(seconds * RATE)
    for path in sorted(path for path in folder.rglob("*") if path.suffix in audio.SUFFIXES):
        try:
            samples = np.concatenate(list(audio.mono_blocks(path, RATE)))
        except audio.AudioError as error:
            print(f"{error}; left out")
            continue
        if len(samples) > most:
            begin = int(rng.integers(0, len(samples) - most))
            samples = samples[begin : begin + most]
        if len(samples) >= 5 * RATE:
            kept = whole(samples)
            yield kept, {"cells": cell_logits(session, kept.astype(np.float32) / 32767)}


def write(out: Path, found: Iterator[tuple[np.ndarray, dict]]) -> None:
    """Write both files; the table last."""
    starts, lengths, rows, place = [], [], [], 0
    with out.with_suffix(".i16").open("wb") as file:
        for samples, row in found:
            samples.tofile(file)
            starts.append(place)
            lengths.append(len(samples))
            rows.append(row)
            place += len(samples)
            if len(rows) % 100 == 0:
                print(f"{len(rows)} files, {place / RATE / 60:.0f} minutes", flush=True)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if "cells" in columns:
        columns["n_cells"] = [len(cells) for cells in columns["cells"]]
        columns["cells"] = np.concatenate(columns["cells"])
    np.savez(out.with_suffix(".npz"), start=starts, length=lengths, names=NAMES, **columns)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    stems = kinds.add_parser("stems")
    stems.add_argument("out", type=Path)
    stems.add_argument("--stems", type=Path, action="append", required=True)
    recordings = kinds.add_parser("recordings")
    recordings.add_argument("out", type=Path)
    recordings.add_argument("folder", type=Path)
    recordings.add_argument("--model", type=Path, default=MODEL)
    recordings.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    if given.kind == "stems":
        write(given.out, of_stems(given.stems))
    else:
        write(given.out, of_recordings(given.folder, given.model, given.seconds))


if __name__ == "__main__":
    main()
