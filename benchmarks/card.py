"""How well the model names instruments, label by label, beside the taggers that a user would pick instead.

    python benchmarks/card.py LABELS.csv FOLDER [--model MODEL.onnx] [--set openmic20] [--mn04 FILE]
        [--musicnn FILE] [--yamnet FILE --yamnet-classes CLASSES.csv] [--page docs/model_card.md]

LABELS.csv is as for `organology evaluate`. Every tagger is scored alike: windows of its own length, a file's score the
best 12 seconds (`top_stretch`), a label the highest of the tags that hold it. Average precision needs no threshold, so
that all are judged on their ranking; ours also has the precision, recall and F1 of what it says plays. Intervals (95 %)
resample the groups of LABELS.csv. Labels with fewer than `--fewest` recordings are listed and left out of the means.

mn04_as     EfficientAT's published `mn04_as_mAP_432.pt`: AudioSet, where our backbone comes from.
musicnn     published weights of MTG-Jamendo's 50 tags (sota-music-tagging-models).
YAMNet      a TFLite file that takes log-mel patches, and its table of classes; needs the package ai-edge-litert.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.fft
import torch
from measuring import put, table

from organology import Recognizer
from organology.evaluation import Evaluation, evaluate
from organology.evaluation.recordings.registered import read_recordings
from organology.evaluation.recordings.scoring import of_windows, score_recordings
from organology.labels import PRESENT, LabelSet, Vocabulary
from organology.model.taggers.audioset import AudioSetTagger
from organology.training.teachers.tags import TagTeacher

RATE = 32_000
Model = Callable[[np.ndarray], np.ndarray]


def sigmoid(logits: torch.Tensor) -> np.ndarray:
    """Scores of logits."""
    return torch.sigmoid(logits).numpy()


def mn04(path: Path, label_set: LabelSet) -> tuple[Model, np.ndarray]:
    """The published AudioSet tagger, and which labels it has a class for."""
    tagger = AudioSetTagger.from_published(path, label_set).eval()
    return lambda batch: sigmoid(tagger.zero_shot(torch.from_numpy(batch))), np.array(tagger.to_labels.known, bool)


def musicnn(path: Path, label_set: LabelSet) -> tuple[Model, np.ndarray]:
    """The published music tagger, and which labels it has a tag for."""
    teacher = TagTeacher(path, label_set)
    return lambda batch: sigmoid(teacher.logits(torch.from_numpy(batch))), teacher.knows.numpy()


def yamnet(path: Path, classes: Path, label_set: LabelSet) -> tuple[Model, np.ndarray]:
    """YAMNet on log-mel patches: 16 kHz, (batch, 15 600 samples) -> one patch each."""
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(str(path), num_threads=1)
    model.allocate_tensors()
    give, get = model.get_input_details()[0], model.get_output_details()[0]
    with classes.open(newline="", encoding="utf-8") as file:
        names = [row["display_name"].lower() for row in csv.DictReader(file)]
    entries = Vocabulary.load("audioset").entries
    holds = np.array([entries[name].encode(label_set) == PRESENT if name in entries else np.zeros(len(label_set), bool)
                      for name in names])  # fmt: skip

    def mel(hertz: np.ndarray | float) -> np.ndarray:
        return 1127 * np.log1p(np.asarray(hertz) / 700)

    bins, edges = mel(np.arange(257) * 16_000 / 512), np.linspace(mel(125), mel(7500), 66)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bank = np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))).T
    hann = np.hanning(401)[:400]

    def quantized(values: np.ndarray, detail: dict) -> np.ndarray:
        if detail["dtype"] == np.float32:
            return values.astype(np.float32)
        (scale, zero), info = detail["quantization"], np.iinfo(detail["dtype"])
        return np.clip(np.round(values / scale + zero), info.min, info.max).astype(detail["dtype"])

    def scores(batch: np.ndarray) -> np.ndarray:
        rows = []
        for samples in batch:
            frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160][:96]
            patch = np.log(np.abs(scipy.fft.rfft(frames * hann, 512)) @ bank + 0.001)
            model.set_tensor(give["index"], quantized(patch.reshape(give["shape"]), give))
            model.invoke()
            found = model.get_tensor(get["index"]).reshape(-1).astype(np.float32)
            if get["dtype"] != np.float32:
                scale, zero = get["quantization"]
                found = (found - zero) * scale
            rows.append(np.where(holds, found[:, None], 0).max(0))
        return np.array(rows, np.float32)

    return scores, holds.any(0)


def rows_of(ours: Evaluation, others: dict[str, tuple[Evaluation, np.ndarray]], fewest: int) -> list[list[str]]:
    """A row a label, with those that have too few recordings at the end."""
    said = ours.decisions["the model's"]
    rows, last = [], []
    for i, label in enumerate(ours.labels):
        if not label.n_present:
            continue
        few = label.n_present < fewest
        beside = [str(of.labels[i].pr_auc) if knows[i] else "–" for of, knows in others.values()]
        decided = [f"{getattr(said, name)[i]:.2f}" for name in ("precision", "recall", "f1")]
        name = ours.display.get(label.label, label.label) + (" (few)" if few else "")
        (last if few else rows).append([name, str(label.n_present), str(label.pr_auc), *beside, *decided])
    means = [str(of.macro["pr_auc"]) if knows.all() else "–" for of, knows in others.values()]
    decided = [str(said.macro[name]) for name in ("precision", "recall", "f1")]
    return [*rows, ["**mean**", "", str(ours.macro["pr_auc"]), *means, *decided], *last]


def both_know(ours: Evaluation, others: dict[str, tuple[Evaluation, np.ndarray]], fewest: int) -> str:
    """A line for each tagger: means over the labels that it has a tag for."""
    lines = []
    for name, (of, knows) in others.items():
        used = [i for i, label in enumerate(ours.labels) if knows[i] and label.n_present >= fewest and label.scored]
        mean, own = (np.mean([e.labels[i].pr_auc.value for i in used]) for e in (of, ours))
        lines.append(
            f"{name}: {mean:.3f} over the {len(used)} labels that it has a tag for; organology {own:.3f} there."
        )
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("folder", type=Path)
    for name in ("model", "mn04", "musicnn", "yamnet", "yamnet-classes", "page"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--set", default="bradl15")
    parser.add_argument("--fewest", type=int, default=5)
    parser.add_argument("--name", default="card", help="of the table in the page")
    given = parser.parse_args()
    torch.set_num_threads(1)
    label_set = LabelSet.load(given.set)
    recordings = read_recordings(given.labels, given.folder, label_set)
    recognizer = Recognizer(given.model, labels=given.set)
    columns = [label_set.index(label) for label in recognizer.label_set.labels]
    limits = np.full(len(label_set), 0.5)
    limits[columns] = recognizer.metadata.thresholds

    models: dict[str, tuple[Model, np.ndarray, int, float, float]] = {}
    if given.mn04:
        models["mn04_as"] = (*mn04(given.mn04, label_set), RATE, 4.0, 2.0)
    if given.musicnn:
        models["musicnn"] = (*musicnn(given.musicnn, label_set), RATE, 4.0, 2.0)
    if given.yamnet:
        models["YAMNet"] = (*yamnet(given.yamnet, given.yamnet_classes, label_set), 16_000, 0.975, 0.48)
    scored = score_recordings(recordings, lambda path: np.asarray(recognizer.recognize(path).file_scores))
    kept = scored.recordings
    scores = np.zeros((len(kept.files), len(label_set)))
    scores[:, columns] = scored.scores
    options = {"labels": label_set, "fewest_present": given.fewest}
    with torch.inference_mode():
        others = {
            name: (
                evaluate(
                    kept.targets,
                    score_recordings(kept, of_windows(model, label_set, rate, window, hop, "top_stretch")).scores,
                    kept.groups,
                    **options,
                ),
                knows,
            )
            for name, (model, knows, rate, window, hop) in models.items()
        }
    ours = evaluate(kept.targets, scores, kept.groups, {"the model's": limits}, **options)
    false = ((scores >= limits) & (kept.targets == 0)).any(1)
    heads = ["label", "recordings with it", "organology", *others, "precision", "recall", "F1"]
    text = (
        f"Average precision of {len(kept.files)} recordings ({ours.n_groups} groups), label set {label_set.name}; what"
        f" is said to play is wrong in at least one label in {false.sum()} of them.\n\n"
        + table(heads, rows_of(ours, others, given.fewest))
        + "\n\n"
        + both_know(ours, others, given.fewest)
    )
    print(text)
    if given.page:
        put(given.page, given.name, text)


if __name__ == "__main__":
    main()
