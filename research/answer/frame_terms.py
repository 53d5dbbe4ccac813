"""Terms between labels in frames: what sounds at an instant, told by all labels of the frame and of its window.

    python research/answer/frame_terms.py CHECKPOINT OUT --learn TRACKS [TRACKS ...] [--fold LEARN=TEST ...]

TRACKS, LEARN and TEST are folders of NN.flac with truth.csv (file, label, start, end, known), tracks in which real
recordings come and go. For each of the 15 labels that sounds in `--learn` an offset and a weight of each such label's
logit, in the frame and in its window, are fitted to the cells of 0.1 s (logistic regression on top of the calibrated
logit, drawn to no terms at all). OUT is CHECKPOINT with these in its calibration (`model_metadata.FrameTerms`).
`--fold` fits on LEARN and prints the figures on TEST, end to end; the two must share no recording.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import torch
from frames import CELL, Track, judged, read_truth
from settle import FRAME_SHIFT
from torch import Tensor, nn

from organology.labels.bradl15 import LABELS
from organology.model import InstrumentNet, load_checkpoint, save_checkpoint
from organology.model_metadata import MOST_TERM_LOGIT, Calibration, FrameTerms, ModelMetadata
from organology.recognition.frame_grid import FrameGrid, LevelMeter
from organology.recognition.frames import LEVEL_STEP, frame_segments
from organology.recognition.logits import logits_of
from organology.recognition.pooling import pool
from organology.recognition.segments import SegmentSettings
from organology.recognition.windows import SILENCE_DBFS, windows

SHRINKAGE = 0.03 * 16
"""Weight of the squares of all weights, against the mean loss of a cell."""
FEWEST_CELLS = 300
SHIFT, WINDOW_SHIFT = 0.8, -2.0
"""Frames and best windows against the threshold, for labels that have terms. Their offsets hold what is more than
`FRAME_SHIFT`, the shift of other labels, so that a score of a frame means about as much in each."""
STEPS = 100


@dataclass(frozen=True, eq=False)
class Scored:
    """A track: calibrated scores of its windows and their frames, without terms, levels and truth."""

    starts: np.ndarray
    ends: np.ndarray
    sounds: np.ndarray
    windows: Tensor
    frames: Tensor
    levels: np.ndarray
    truth: np.ndarray


@torch.inference_mode()
def scored(net: InstrumentNet, about: ModelMetadata, folder: Path) -> list[Scored]:
    """All tracks of a folder."""
    calibration, rate = net.calibration, about.sample_rate
    net.calibrate(calibration and replace(calibration, frame_terms=None))
    paths = sorted(folder.glob("*.flac"))
    truth, tracks = read_truth(folder / "truth.csv", [path.name for path in paths]), []
    for path in paths:
        samples, meter = soundfile.read(path, dtype="float32")[0], LevelMeter(rate)
        cut = list(windows(meter.measured([samples]), about.window_frames, round(about.hop_seconds * rate)))
        maps = torch.cat(
            [
                net.backbone.frames(net.frontend(part))
                for part in torch.from_numpy(np.stack([window.samples for window in cut])).split(16)
            ]
        )
        starts, ends = (np.array([getattr(window, name) for window in cut]) for name in ("start", "end"))
        sounds = np.array([window.level for window in cut]) >= SILENCE_DBFS
        of_windows, of_frames = net.window_and_frames(maps)
        tracks.append(Scored(starts, ends, sounds, of_windows, of_frames, meter.levels(), truth[path.name]))
    net.calibrate(calibration)
    return tracks


def at_cells(track: Scored, rows: np.ndarray, about: ModelMetadata) -> np.ndarray:
    """Rows of frames (n_windows, n_frames, n_columns) over the cells: interpolated, mean of the windows that sound."""
    assert about.frames is not None
    middles, rate = (np.arange(len(track.truth)) + 0.5) * CELL, about.sample_rate
    total, weight = np.zeros((len(middles), rows.shape[2])), np.zeros((len(middles), 1))
    for start, end, of_window in zip(
        track.starts[track.sounds], track.ends[track.sounds], rows[track.sounds], strict=True
    ):
        inside = (middles >= start / rate) & (middles < end / rate)
        place = np.clip((middles[inside] - start / rate) / about.frames.seconds, 0, len(of_window) - 1)
        left = np.minimum(place.astype(int), len(of_window) - 2)
        part = (place - left)[:, None]
        total[inside] += (1 - part) * of_window[left] + part * of_window[left + 1]
        weight[inside] += 1
    return total / np.maximum(weight, 1)


def cells_of(tracks: list[Scored], about: ModelMetadata) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all cells that sound: logits of the frame, the cut logits that terms are of, truth of the 15 labels."""
    logits, inputs, truth = [], [], []
    for track in tracks:
        of_frames = logits_of(track.frames.numpy().astype(np.float64))
        of_windows = np.repeat(logits_of(track.windows.numpy().astype(np.float64))[:, None], of_frames.shape[1], 1)
        both = np.clip(np.concatenate([of_frames, of_windows], axis=2), -MOST_TERM_LOGIT, MOST_TERM_LOGIT)
        loud = track.levels[: len(track.truth)] * -LEVEL_STEP >= SILENCE_DBFS
        logits.append(at_cells(track, of_frames, about)[loud])
        inputs.append(at_cells(track, both, about)[loud])
        truth.append(track.truth[loud])
    return np.concatenate(logits), np.concatenate(inputs), np.concatenate(truth)


def regression(inputs: Tensor, own: Tensor, targets: Tensor) -> tuple[float, np.ndarray]:
    """Offset and weights that, on top of a cell's own logit, tell best whether the label sounds."""
    weights, offset = torch.zeros(inputs.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    search = torch.optim.LBFGS([weights, offset], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        value = nn.functional.binary_cross_entropy_with_logits(own + inputs @ weights + offset, targets)
        value = value + SHRINKAGE * weights.square().sum()
        value.backward()
        return value

    search.step(loss)
    return round(offset.item(), 3), weights.detach().numpy().astype(float).round(3)


def fitted(tracks: list[Scored], about: ModelMetadata) -> FrameTerms:
    """Terms of, and between, all labels that sound in enough cells of the tracks."""
    logits, inputs, truth = cells_of(tracks, about)
    labels = [label for i, label in enumerate(LABELS) if (truth[:, i] == 1).sum() >= FEWEST_CELLS]
    columns, n_labels = [about.label_set.index(label) for label in labels], len(about.labels)
    used, limits = [*columns, *(n_labels + column for column in columns)], logits_of(np.array(about.thresholds))
    offsets, rows = [], []
    for label, at in zip(labels, columns, strict=True):
        of_label = truth[:, LABELS.index(label)]
        known = of_label >= 0
        parts = (inputs[known][:, used], logits[known, at] - limits[at], of_label[known] == 1)
        offset, row = regression(*(torch.tensor(part, dtype=torch.float32) for part in parts))
        offsets.append(round(offset - SHIFT + FRAME_SHIFT, 3))
        rows.append(row)
    of_frame, of_window = (tuple(map(tuple, part.tolist())) for part in np.split(np.array(rows), 2, axis=1))
    return FrameTerms(tuple(labels), tuple(offsets), of_frame, of_window)


def with_terms(net: InstrumentNet, about: ModelMetadata, terms: FrameTerms) -> ModelMetadata:
    """Put terms into the network's calibration; the metadata with the shifts that go with them."""
    assert about.frames is not None
    n_labels = len(net.labels)
    before = net.calibration or Calibration((1.0,) * n_labels, (0.0,) * n_labels)
    net.calibrate(replace(before, frame_terms=terms))
    moved = [label in terms.labels for label in net.labels]
    frames, best = about.frames.frame_shifts, about.frames.window_shifts
    return replace(
        about,
        frames=replace(
            about.frames,
            frame_shifts=tuple(FRAME_SHIFT if has else old for has, old in zip(moved, frames, strict=True)),
            window_shifts=tuple(WINDOW_SHIFT if has else old for has, old in zip(moved, best, strict=True)),
        ),
    )


def said(net: InstrumentNet, about: ModelMetadata, track: Scored) -> np.ndarray:
    """Cells (n_cells, 15) in which a label is said to play, end to end."""
    assert about.frames is not None
    with torch.inference_mode():
        of_frames = net.with_terms(track.windows, track.frames).numpy()
    grid = FrameGrid(about.frames, about.sample_rate, len(net.labels))
    for start, end, sounds, rows in zip(track.starts, track.ends, track.sounds, of_frames, strict=True):
        grid.add(int(start), int(end), rows if sounds else None)
    frames, scores = grid.frames(track.levels), track.windows.numpy() * track.sounds[:, None]
    starts, ends = track.starts / about.sample_rate, track.ends / about.sample_rate
    of_file = pool(scores[track.sounds], about.pooling, starts[track.sounds], ends[track.sounds])
    plays = net.label_set.raise_parents(of_file >= np.array(about.thresholds))
    segments = frame_segments(
        frames, starts, ends, scores.astype(np.float32),
        np.array(about.thresholds), net.label_set, SegmentSettings().resolved(about.frames), plays,
    )  # fmt: skip
    on = np.zeros((len(track.truth), len(LABELS)), bool)
    for segment in segments:
        if segment.label in LABELS:
            on[round(segment.start / CELL) : round(segment.end / CELL), LABELS.index(segment.label)] = True
    return on


def figures(net: InstrumentNet, about: ModelMetadata, tracks: list[Scored]) -> np.ndarray:
    """Macro F1 of frames and of edges within 0.5 s."""
    none = np.zeros(0)
    plain = [Track(none, {}, none, none, none, track.truth) for track in tracks]
    return judged(plain, [said(net, about, track) for track in tracks])[0][:2]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--learn", type=Path, nargs="+", required=True)
    parser.add_argument("--fold", action="append", default=[], metavar="LEARN=TEST")
    given = parser.parse_args()
    net, about = load_checkpoint(given.checkpoint)
    before, found = net.calibration, []
    read = cache(lambda folder: scored(net, about, folder))
    for fold in given.fold:
        learn, test = map(Path, fold.split("="))
        tracks = read(test)
        row = [figures(net, about, tracks)]
        described = with_terms(net, about, fitted(read(learn), about))
        row.append(figures(net, described, tracks))
        net.calibrate(before)
        found.append(row)
        print(
            f"{fold}: frames {row[0][0]:.3f} -> {row[1][0]:.3f}, edges {row[0][1]:.3f} -> {row[1][1]:.3f}", flush=True
        )
    if found:
        (frames, edges), (frames_after, edges_after) = np.mean(found, axis=0)
        print(f"mean: frames {frames:.3f} -> {frames_after:.3f}, edges {edges:.3f} -> {edges_after:.3f}")
    terms = fitted([track for folder in given.learn for track in read(folder)], about)
    described = with_terms(net, about, terms)
    save_checkpoint(given.out, net, described)
    print(f"{given.out}: terms of {', '.join(terms.labels)}")


if __name__ == "__main__":
    main()
