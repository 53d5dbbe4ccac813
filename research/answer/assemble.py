"""The network of the label set `instruments`: the 15 labels as they were, finer names, terms between, calibration.

    python research/answer/assemble.py CHECKPOINT CONCEPTS.pt CONCEPTS_TOLD.tsv clips.npz CLIPS.csv \
        songs.npz SONGS.csv OUT

CHECKPOINT is the network of 15 labels that `organology import` wrote, CONCEPTS.pt what `finer.py --head` wrote,
CONCEPTS_TOLD.tsv what `told.py --out` wrote. The features come from `features.py`. OUT is a checkpoint folder for
`organology export`.

The weights of the 15 labels stay as they are. A finer name is 0.3 of the head trained on mixtures and 0.7 of what the
AudioSet classifier says of the same embedding. Recordings calibrate: a slope and an offset for each of the 15 labels,
drawn to a slope of 1, so that 0.5 is every threshold; a finer name is moved so that its own threshold lies there.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from calibration import shrunk
from common import Cache, Truth, decide, figures, file_scores, folds, load, ordered, read_truth
from concepts import CONCEPTS
from decisions import group_weights

from organology.labels import LabelSet
from organology.labels.bradl15 import LABELS
from organology.model import InstrumentNet, ModelConfig, save_checkpoint
from organology.model_metadata import Calibration, FrameSettings, ModelMetadata
from organology.recognition.logits import logits_of, scores_of

SHARE = 0.3  # of the head trained on mixtures against AudioSet's classes
BRASS, BOWED, WOODWIND = 0.85, 0.5, 0.5
PRESETS = {"sensitive": 0.4, "strict": 0.7}
ALSO_TOLD, EASED = ("banjo", "saxophone"), 0.5
"""Never wrong in cross-validation, but found too seldom: their thresholds, shrunk for want of clips, are eased."""
FRAME_SHIFT, WINDOW_SHIFT = -0.5, -0.5
NONE = -12.0


def extended(base: InstrumentNet, trained: dict[str, torch.Tensor]) -> InstrumentNet:
    """The network with all labels, not calibrated."""
    label_set = LabelSet.load("instruments")
    net = InstrumentNet(ModelConfig("mobilenet", "extended", frontend=base.config.frontend_config), label_set).eval()
    net.backbone.load_state_dict(base.backbone.state_dict())
    head, old = net.head, base.head
    head.classifier.load_state_dict(old.classifier.state_dict())
    rows = [label_set.index(label) for label in base.labels]
    with torch.no_grad():
        norm, last = old.linear
        weight, bias = unscaled(last.weight, last.bias, norm.weight, norm.bias)
        head.linear.weight[rows], head.linear.bias[rows], head.scale[rows] = weight, bias, old.scale
        weight, bias = (trained[f"linear.{name}"] for name in ("weight", "bias"))
        weight, bias = unscaled(weight, bias, trained["norm.weight"], trained["norm.bias"])
        for i, label in enumerate(label_set.labels):
            if label in base.labels:
                continue
            if label == "guitar":  # the electric or the acoustic one, whichever is surer
                head.scale[i], head.linear.bias[i] = 0, NONE
                continue
            j = CONCEPTS.index(label)
            share = SHARE if head.to_labels.known[i] else 1.0
            head.linear.weight[i], head.linear.bias[i] = share * weight[j], share * bias[j]
            head.scale[i] = share * trained["scale"][j] + (1 - share) if head.to_labels.known[i] else 0
        at = label_set.index
        head.contrast.weight[at("brass"), at("brass")] = BRASS
        head.contrast.weight[at("brass"), at("saxophone")] = -BRASS
        head.exchange.weight[at("bowed_string"), at("plucked_string")] = -BOWED
        head.lean[at("woodwind")] = WOODWIND
    return net


def unscaled(
    weight: torch.Tensor, bias: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """A linear layer behind a layer norm that neither scales nor shifts, in place of one that does."""
    return weight * scale, bias + weight @ shift


def before(net: InstrumentNet, base: InstrumentNet) -> Calibration:
    """The calibration of the 15 labels that the network came with, on mixtures; 1 and 0 for the others."""
    slopes, offsets = np.ones(len(net.labels)), np.zeros(len(net.labels))
    rows = [net.labels.index(label) for label in base.labels]
    slopes[rows], offsets[rows] = base.slopes.numpy(), base.offsets.numpy()
    return Calibration(tuple(slopes.tolist()), tuple(offsets.tolist()))


@torch.no_grad()
def scores_of_files(net: InstrumentNet, cache: Cache) -> np.ndarray:
    """As the recognizer gives them, (n, n_labels)."""
    windows = [net.to_scores(net.head(torch.from_numpy(maps.mean(1)))).numpy() for maps in cache.maps]
    return file_scores(cache, windows)


def calibrated(
    net: InstrumentNet, base: InstrumentNet, parts: list[tuple[Cache, Truth]], told: dict[str, dict[str, str]]
) -> Calibration:
    """Fitted on all recordings; prints the cross-validated figures."""
    labels = net.labels
    first = before(net, base)
    net.calibrate(first)
    raw = [logits_of(ordered(cache, truth, scores_of_files(net, cache))) for cache, truth in parts]
    logits, targets = np.concatenate(raw), np.concatenate([truth.targets for _, truth in parts])
    groups = np.concatenate([truth.groups for _, truth in parts])
    weights = group_weights(groups)
    slopes, offsets = np.ones(len(labels)), np.zeros(len(labels))
    moved = np.zeros((len(logits), len(LABELS)))
    for i, label in enumerate(LABELS):
        column, known = logits[:, labels.index(label)], targets[:, i] >= 0
        slopes[labels.index(label)], offsets[labels.index(label)] = shrunk(
            column[known], targets[known, i], weights[known]
        )
        fold = folds(groups, 10, 0)
        for k in range(10):
            used = known & (fold != k)
            slope, offset = shrunk(column[used], targets[used, i], weights[used])
            moved[fold == k, i] = scores_of(slope * column[fold == k] + offset)
    for label in labels:
        if label in told and label not in LABELS:
            moved_by = EASED if label in ALSO_TOLD else 0.0
            threshold = np.array([float(told[label]["threshold"])])
            offsets[labels.index(label)] = moved_by - float(logits_of(threshold)[0])
    n_clips = len(parts[0][1].files)
    for threshold in (0.3, 0.4, 0.5, 0.6, 0.7):
        on = decide(moved.copy(), np.full(len(LABELS), threshold))
        of_clips, of_songs = figures(targets[:n_clips], on[:n_clips], 5), figures(targets[n_clips:], on[n_clips:], 1)
        cells = (
            "F1 {f1:.3f} precision {precision:.3f} recall {recall:.3f} false {false}/{rows}".format(**of)
            for of in (of_clips, of_songs)
        )
        print(f"all labels at {threshold}: clips {', songs '.join(cells)}")
    offsets += slopes * np.array(first.offsets)
    slopes *= np.array(first.slopes)
    return Calibration(tuple(slopes.round(4).tolist()), tuple(offsets.round(4).tolist()))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "concepts", "told", "clips", "clips_labels", "songs", "songs_labels", "out"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    base, metadata = load(given.checkpoint)
    net = extended(base, torch.load(given.concepts, weights_only=True))
    with given.told.open(encoding="utf-8") as file:
        told = {row["concept"]: row for row in csv.DictReader(file, delimiter="\t")}
    parts = [
        (Cache.read(features), read_truth(labels))
        for features, labels in ((given.clips, given.clips_labels), (given.songs, given.songs_labels))
    ]
    calibration = calibrated(net, base, parts, told)
    net.calibrate(calibration)
    n = len(net.labels)
    sure = {label for label, row in told.items() if row["told"] == "1"} | set(ALSO_TOLD) | set(LABELS)
    about = ModelMetadata(
        net.label_set,
        (0.5,) * n,
        name="shipped",
        provenance={**metadata.provenance, "assembled_by": "research/answer/assemble.py"},
        frames=FrameSettings((FRAME_SHIFT,) * n, (WINDOW_SHIFT,) * n),
        presets={name: (threshold,) * n for name, threshold in PRESETS.items()},
        tentative=tuple(label for label in net.labels if label not in sure),
    )
    save_checkpoint(given.out, net, about)
    print(given.out)


if __name__ == "__main__":
    main()
