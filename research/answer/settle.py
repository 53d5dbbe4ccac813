"""From trained checkpoints to the model: mean of the weights, calibration and finer names by recordings, their figures.

    python research/answer/settle.py OUT CLIPS_FOLDER CLIPS.csv INSTRUMENTS.csv SONGS_FOLDER SONGS.csv
        --checkpoint FOLDER=SHARE [--checkpoint FOLDER=SHARE ...]

The checkpoints have the label set `instruments` (`assemble.py`, `strong_labels.py`); the first one gives the metadata
and the calibration to begin with. The 15 labels get a slope and an offset each, drawn to what they had; a finer name is
moved so that it has the threshold of all. It is tentative unless it was right 4 times in 5 on recordings that its
threshold was not fitted on, was said of 3 clips or more, and half of its clips were found. All printed figures are
cross-validated by recording (ten folds). OUT is a checkpoint folder for `organology export`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from calibration import shrunk
from common import Truth, decide, figures, folds, read_truth
from concepts import CONCEPTS
from decisions import Fit, fit_thresholds, group_weights, rows_of
from finer import concept_truth
from told import family_says

from organology import audio
from organology.labels import LabelSet
from organology.labels.bradl15 import LABELS
from organology.model import InstrumentNet, average_checkpoints, load_checkpoint, save_checkpoint
from organology.model_metadata import Calibration, FrameSettings, ModelMetadata
from organology.recognition.logits import logits_of, scores_of
from organology.recognition.pooling import pool
from organology.recognition.windows import SILENCE_DBFS, windows

NAMES = {"singing": "singer", "drum_kit": "drums", "synthesizer": "synth"}
"""Concepts that are labels of the 15 under another name."""
HOP_SECONDS = 2.24
THRESHOLD, PRESETS = 0.65, {"sensitive": 0.4, "strict": 0.8}
"""What plays is at least this likely: few false labels count for more than a missed one."""
FRAME_SHIFT, WINDOW_SHIFT, LOW_LOGITS, MEDIAN_SECONDS = -0.8, -1.1, 2.5, 1.1
"""Of the timeline: frames and best windows against the threshold, hysteresis and median (README.md)."""
SELDOM, SELDOM_SHIFT = ("synth", "acoustic_guitar"), -2.0
"""Labels whose segments come too seldom on tracks of either half of the recordings, and the shift of both for them."""
OFTEN, OFTEN_SHIFT = "woodwind", 0.3
"""A family whose segments come too often there, and the shift of frames for it and all that belongs to it."""
FIT = Fit(0.8, 0.6, 4.0)


def averaged(parts: list[tuple[Path, float]]) -> tuple[InstrumentNet, ModelMetadata]:
    """The network with the mean of the weights, which has the calibration of the first."""
    first, metadata = load_checkpoint(parts[0][0])
    if len(parts) == 1:
        return first.eval(), metadata
    net, mean = average_checkpoints([path for path, _ in parts], [share for _, share in parts])
    if first.calibration is not None:
        net.calibrate(first.calibration)
    parents = [{**one, "name": path.name} for one, (path, _) in zip(mean.provenance["average_of"], parts, strict=True)]
    return net, replace(metadata, provenance={**metadata.provenance, "average_of": parents})


@torch.inference_mode()
def file_logits(net: InstrumentNet, files: list[Path]) -> np.ndarray:
    """Calibrated logits of the best 12 seconds, children and parents apart: (n_files, n_labels)."""
    rate, rows = net.frontend.config.sample_rate, []
    for path in files:
        cut = list(windows(audio.mono_blocks(path, rate), 4 * rate, round(HOP_SECONDS * rate)))
        waveforms = torch.from_numpy(np.stack([window.samples for window in cut]))
        logits = torch.cat([net(part) for part in waveforms.split(16)]) * net.slopes + net.offsets
        sounds = np.array([window.level for window in cut]) >= SILENCE_DBFS
        starts, ends = (np.array([getattr(w, name) for w in cut])[sounds] / rate for name in ("start", "end"))
        rows.append(logits_of(pool(torch.sigmoid(logits).numpy()[sounds], "top_stretch", starts, ends)))
    return np.array(rows, dtype=np.float64)


def calibrated(
    net: InstrumentNet, logits: np.ndarray, truths: list[Truth]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes and offsets of all labels, and decisions on the 15 by calibrations that a recording had no part in."""
    targets = np.concatenate([truth.targets for truth in truths])
    groups = np.concatenate([truth.groups for truth in truths])
    weights, fold = group_weights(groups), folds(groups, 10, 0)
    slopes, offsets = np.ones(len(net.labels)), np.zeros(len(net.labels))
    moved = np.zeros((len(logits), len(LABELS)))
    for i, label in enumerate(LABELS):
        at, known = net.labels.index(label), targets[:, i] >= 0
        slopes[at], offsets[at] = shrunk(logits[known, at], targets[known, i], weights[known])
        for k in range(10):
            used = known & (fold != k)
            slope, offset = shrunk(logits[used, at], targets[used, i], weights[used])
            moved[fold == k, i] = scores_of(slope * logits[fold == k, at] + offset)
    n = len(truths[0].files)
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8):
        on = decide(moved.copy(), np.full(len(LABELS), threshold))
        for name, rows, fewest in (("clips", slice(None, n), 5), ("songs", slice(n, None), 1)):
            of = figures(targets[rows], on[rows], fewest)
            text = "F1 {f1:.3f} precision {precision:.3f} recall {recall:.3f} false {false}/{rows}".format(**of)
            print(f"all labels at {threshold}: {name} {text}")
    return slopes, offsets, decide(moved, np.full(len(LABELS), THRESHOLD))


def finer(net: InstrumentNet, logits: np.ndarray, on: np.ndarray, truth: Truth) -> tuple[dict[str, float], set[str]]:
    """Thresholds of the finer names, in logits, and which of them may be said."""
    used = [(j, NAMES.get(c, c)) for j, c in enumerate(CONCEPTS) if NAMES.get(c, c) in net.labels]
    used = [(j, name) for j, name in used if name not in LABELS]
    scores = scores_of(logits[:, [net.labels.index(name) for _, name in used]])
    part = Truth(truth.files, truth.targets[:, [j for j, _ in used]], truth.groups, truth.rows)
    allowed = np.stack([family_says(on, CONCEPTS[j]) for j, _ in used], axis=1)
    mine, counts = np.full(len(used), 0.5), np.zeros((3, len(used)))
    for seed in range(5):
        fold, said = folds(part.groups, 10, seed), np.zeros(scores.shape, bool)
        for k in range(10):
            out = fold == k
            said[out] = scores[out] >= fit_thresholds(scores[~out], rows_of(part, ~out), mine, FIT)
        said &= allowed
        counts += [((part.targets == 1) & said).sum(0), ((part.targets >= 0) & said).sum(0), (part.targets == 1).sum(0)]
    hits, number, present = counts / 5
    sure = (hits >= 0.8 * number) & (number >= 3) & (hits >= 0.5 * present)
    level = logits_of(fit_thresholds(scores, part, mine, FIT))
    print("name\tclips\tsaid\tprecision\trecall\tby default")
    for (_, name), h, s, p, kept in zip(used, hits, number, present, sure, strict=True):
        if p or s:
            print(f"{name}\t{p:.0f}\t{s:.1f}\t{h / max(s, 1e-9):.2f}\t{h / max(p, 1e-9):.2f}\t{int(kept)}")
    precision, recall = np.mean(hits[sure] / number[sure]), np.mean(hits[sure] / present[sure])
    together = hits[sure].sum() / number[sure].sum(), hits[sure].sum() / present[sure].sum()
    print(f"by default: precision {precision:.3f}, recall {recall:.3f}; together {together[0]:.3f}, {together[1]:.3f}")
    names = [name for _, name in used]
    return dict(zip(names, level.tolist(), strict=True)), {n for n, kept in zip(names, sure, strict=True) if kept}


def shifts_of(labels: LabelSet) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of frames and of windows, for each label."""
    frames, windows = dict.fromkeys(labels.labels, FRAME_SHIFT), dict.fromkeys(labels.labels, WINDOW_SHIFT)
    for label in SELDOM:
        frames[label] = windows[label] = SELDOM_SHIFT
    frames |= {label: OFTEN_SHIFT for label in labels.labels if labels.family(label) == OFTEN}
    return tuple(frames.values()), tuple(windows.values())


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("out", "clips_folder", "clips", "instruments", "songs_folder", "songs"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--checkpoint", action="append", required=True, metavar="FOLDER=SHARE")
    given = parser.parse_args()
    parts = [(Path(path), float(share)) for path, share in (entry.rsplit("=", 1) for entry in given.checkpoint)]
    net, about = averaged(parts)
    truths = [read_truth(given.clips), read_truth(given.songs)]
    folders = (given.clips_folder, given.songs_folder)
    files = [folder / name for folder, truth in zip(folders, truths, strict=True) for name in truth.files]
    logits = file_logits(net, files)
    slopes, offsets, on = calibrated(net, logits, truths)
    n = len(truths[0].files)
    names, targets, groups = concept_truth(given.clips, given.instruments, True)
    truth = Truth(names, targets[:, : len(CONCEPTS)], groups, [{}] * len(names))
    levels, sure = finer(net, logits[:n], on[:n], truth)
    for name, level in levels.items():
        offsets[net.labels.index(name)] += float(logits_of(np.array([THRESHOLD]))[0]) - level
    before = net.calibration
    first = (np.ones(len(net.labels)), np.zeros(len(net.labels)))
    if before is not None:
        first = (np.array(before.slopes), np.array(before.offsets))
    offsets += slopes * first[1]
    slopes *= first[0]
    net.calibrate(Calibration(tuple(slopes.round(4).tolist()), tuple(offsets.round(4).tolist())))
    tentative = tuple(label for label in net.labels if label not in LABELS and label not in sure and label != "guitar")
    n_labels = len(net.labels)
    about = replace(
        about,
        thresholds=(THRESHOLD,) * n_labels,
        presets={name: (threshold,) * n_labels for name, threshold in PRESETS.items()},
        tentative=tentative,
        frames=FrameSettings(
            *shifts_of(net.label_set),
            hop_seconds=HOP_SECONDS,
            low_logits=LOW_LOGITS,
            median_seconds=MEDIAN_SECONDS,
        ),
    )
    save_checkpoint(given.out, net, about)
    print(f"tentative: {', '.join(tentative)}\n{given.out}")


if __name__ == "__main__":
    main()
