"""One model file with everything: scores of windows and of frames, of the 15 labels and of finer concepts.

    python research/answer/build.py CHECKPOINT CLASSES.csv OUT.onnx [--frame-head HEAD.npz] [--concept-head HEAD.npz]

Outputs, for `waveform` (batch, 128000) at 32 kHz: `scores` (batch, 15) as today's model gives them, `frame_scores`
(batch, 13, 15), frames 0.32 s apart from the window's start on, and `concept_scores` (batch, n), `frame_concept_scores`
(batch, 13, n), whose names are the metadata property `concepts`. The heads of frames hear the mean over three frames.
Prints the size, the largest difference from torch and what an inference takes, beside the model of windows alone.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from common import load
from concepts import _ROWS, CONCEPTS
from finer import FROM_LABELS, Head
from frame_head import FrameHead
from frame_head import read as read_frame_head
from torch import Tensor, nn

from organology.model import InstrumentNet
from organology.model.export import check_waveforms
from organology.model.export.frontend import ExportFrontend
from organology.model_metadata import METADATA_KEY, ModelMetadata
from organology.recognition.runtime import onnxruntime

SAMPLES = 128_000


class Whole(nn.Module):
    """Front end, backbone and all heads."""

    def __init__(
        self,
        net: InstrumentNet,
        classes_csv: Path,
        frame_head: FrameHead | None,
        concept_head: Head | None,
        frame_share: float,
        share: float,
    ) -> None:
        super().__init__()
        self.net, self.frame_head, self.concept_head = net, frame_head, concept_head
        self.frame_share, self.share = frame_share, share
        self.frontend = ExportFrontend(net.frontend.config, SAMPLES)
        with classes_csv.open(newline="", encoding="utf-8") as file:
            place = {row["display_name"]: int(row["index"]) for row in csv.DictReader(file)}
        of_concepts = [[place[word] for word in row["audioset"].split("|") if word] for row in _ROWS]
        table = net.head.to_labels.classes
        used = sorted({*table.flatten().tolist(), *(c for of in of_concepts for c in of)})
        where = {c: i for i, c in enumerate(used)}
        classifier = net.head.classifier
        self.output = nn.Linear(classifier.output.in_features, len(used))
        with torch.no_grad():
            self.output.weight.copy_(classifier.output.weight[used])
            self.output.bias.copy_(classifier.output.bias[used])
        self.register_buffer(
            "label_classes", torch.tensor([[where[c] for c in row] for row in table.tolist()]), persistent=False
        )
        longest = max(map(len, of_concepts))
        padded = [(of or [used[0]]) + (of or [used[0]])[:1] * (longest - len(of or [0])) for of in of_concepts]
        self.register_buffer(
            "concept_classes", torch.tensor([[where[c] for c in row] for row in padded]), persistent=False
        )
        self.register_buffer("told", torch.tensor([float(bool(of)) for of in of_concepts]), persistent=False)

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See the module."""
        net = self.net
        maps = net.backbone.features(self.frontend(waveform)).mean(2)
        n_frames = maps.shape[2]
        window = maps.mean(2, keepdim=True)
        around = nn.functional.avg_pool1d(maps, 3, 1, 1, count_include_pad=False)
        embeddings = torch.cat([window, around], dim=2).transpose(1, 2)
        flat = embeddings.reshape(-1, embeddings.shape[2])
        classifier = net.head.classifier
        classes = self.output(classifier.activation(classifier.hidden(flat)))
        logits = net.head.linear(flat) + net.head.scale * classes[:, self.label_classes].amax(-1)
        anchor = classes[:, self.concept_classes].amax(-1) * self.told
        if self.concept_head is not None:
            trained = self.concept_head(flat, anchor)
            concepts = self.share * trained + (1 - self.share) * torch.where(self.told > 0, anchor, trained)
        else:
            concepts = torch.where(self.told > 0, anchor, torch.full_like(anchor, -12.0))
        logits = logits.reshape(-1, 1 + n_frames, logits.shape[1])
        windows, frames = logits[:, 0], logits[:, 1:]
        if self.frame_head is not None:
            one, three, whole = maps.transpose(1, 2), around.transpose(1, 2), window.transpose(1, 2)
            trained = self.frame_head.scale * frames + self.frame_head.added(one, three, whole)
            frames = (1 - self.frame_share) * frames + self.frame_share * trained
        scores = net.to_scores(windows)
        frame_scores = net.to_scores(frames.reshape(-1, logits.shape[2])).reshape(-1, n_frames, logits.shape[2])
        concepts = concepts.sigmoid().reshape(-1, 1 + n_frames, concepts.shape[1])
        of_windows, of_frames = self._labels_in(concepts[:, 0], scores), self._labels_in(concepts[:, 1:], frame_scores)
        return scores, frame_scores, of_windows, of_frames

    def _labels_in(self, concepts: Tensor, scores: Tensor) -> Tensor:
        """Concepts that the 15 labels know are theirs."""
        columns, labels = list(concepts.unbind(-1)), self.net.labels
        for concept, label in FROM_LABELS.items():
            columns[CONCEPTS.index(concept)] = scores[..., labels.index(label)]
        guitars = [columns[CONCEPTS.index(name)] for name in ("electric_guitar", "acoustic_guitar")]
        columns[CONCEPTS.index("guitar")] = torch.maximum(*guitars)
        return torch.stack(columns, dim=-1)


OUTPUTS = ("scores", "frame_scores", "concept_scores", "frame_concept_scores")


def export(module: nn.Module, path: Path, outputs: tuple[str, ...], metadata: ModelMetadata) -> None:
    """Write it."""
    content = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (torch.zeros(2, SAMPLES),), content, input_names=["waveform"], output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in ("waveform", *outputs)}, opset_version=17, dynamo=False,
        )  # fmt: skip
    model = onnx.load_from_string(content.getvalue())
    onnx.helper.set_model_props(model, {METADATA_KEY: metadata.to_json(), "concepts": json.dumps(CONCEPTS)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """With one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def fastest(session: onnxruntime.InferenceSession, waveform: np.ndarray, runs: int = 40) -> float:
    """Milliseconds of the fastest inference."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        session.run(None, {"waveform": waveform})
        times.append(time.perf_counter() - begin)
    return 1000 * min(times)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "classes", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--frame-head", type=Path)
    parser.add_argument("--concept-head", type=Path)
    parser.add_argument(
        "--frame-share", type=float, default=0.5, help="of the trained frame head against the shipped one"
    )
    parser.add_argument(
        "--share", type=float, default=0.3, help="of the trained concept head against AudioSet's classes"
    )
    parser.add_argument("--beside", type=Path, help="a model of windows alone, to compare")
    given = parser.parse_args()
    net, metadata = load(given.checkpoint)
    frame_head = read_frame_head(net, given.frame_head) if given.frame_head else None
    concept_head = None
    if given.concept_head:
        concept_head = Head(len(CONCEPTS))
        concept_head.load_state_dict(torch.load(given.concept_head, weights_only=True))
        concept_head.eval()
    module = Whole(net, given.classes, frame_head, concept_head, given.frame_share, given.share).eval()
    export(module, given.out, OUTPUTS, metadata)
    session = open_session(given.out)
    waveforms = check_waveforms(metadata)
    with torch.no_grad():
        wanted = module(torch.from_numpy(waveforms))
        plain = net.scores(torch.from_numpy(waveforms)).numpy()
    got = session.run(list(OUTPUTS), {"waveform": waveforms})
    for name, ours, theirs in zip(OUTPUTS, got, wanted, strict=True):
        print(f"{name}: {ours.shape}, differs from torch by {np.abs(ours - theirs.numpy()).max():.1e}")
    print(f"scores differ from the checkpoint's by {np.abs(got[0] - plain).max():.1e}")
    print(f"{given.out.stat().st_size / 1e6:.1f} MB")
    one = waveforms[:1]
    print(f"{fastest(session, one):.2f} ms a window of 4 s")
    if given.beside:
        print(f"{fastest(open_session(given.beside), one):.2f} ms with {given.beside.name}")


if __name__ == "__main__":
    main()
