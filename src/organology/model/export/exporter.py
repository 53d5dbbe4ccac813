"""Export to ONNX: waveform in, scores out, everything that a caller has to know inside the file."""

from __future__ import annotations

import copy
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from organology.atomic import written_whole
from organology.errors import ModelError
from organology.model.checkpoint import complete_metadata
from organology.model.export.frontend import ExportFrontend
from organology.model.network import InstrumentNet
from organology.model_metadata import METADATA_KEY, ModelMetadata
from organology.recognition.runtime import onnxruntime

INPUT, OUTPUT, FRAMES, EMBEDDING = "waveform", "scores", "frame_scores", "embedding"
OPSET = 17
TOLERANCE = 1e-4


@dataclass(frozen=True)
class ExportReport:
    """What an export came to.

    Attributes
    ----------
    n_bytes : int
        Size of the file.
    largest_difference : float
        Between the scores of torch and of onnxruntime, over `check_waveforms`.
    metadata : ModelMetadata
        As it stands in the file.
    """

    n_bytes: int
    largest_difference: float
    metadata: ModelMetadata


class _Graph(nn.Module):
    """The network with the front end written for onnxruntime, up to the outputs that are asked for."""

    def __init__(self, net: InstrumentNet, n_samples: int, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.net, self.outputs = net, outputs
        self.frontend = ExportFrontend(net.frontend.config, n_samples)

    def forward(self, waveform: Tensor) -> tuple[Tensor, ...]:
        spectrogram = self.frontend(waveform)
        if FRAMES in self.outputs:
            over_time = self.net.backbone.frames(spectrogram)
            embedding = over_time.mean(1)
            given: tuple[Tensor, ...] = self.net.window_and_frames(over_time)
        else:
            embedding = self.net.backbone(spectrogram)
            given = (self.net.to_scores(self.net.head(embedding)),)
        return (*given, embedding) if EMBEDDING in self.outputs else given


def export_onnx(
    net: InstrumentNet,
    metadata: ModelMetadata,
    path: str | os.PathLike[str],
    tolerance: float = TOLERANCE,
    embedding: bool = False,
) -> ExportReport:
    """Write a network as one ONNX file and check it against torch.

    Input `waveform`, float32 of shape (batch, `metadata.window_frames`); output `scores`, float32 of shape
    (batch, n_labels), sigmoids included, no label below its children; and where the metadata have settings of frames
    `frame_scores`, float32 of shape (batch, n_frames, n_labels). If asked for, `embedding`, float32 of shape
    (batch, size): what the backbone makes of a window, before the head. The metadata property `organology` is the
    metadata as JSON, with settings and calibration taken from the network.

    Parameters
    ----------
    net : InstrumentNet
        Left as it is; exported in eval mode.
    metadata : ModelMetadata
    path : path
        Of the file; it appears only if the check passes.
    tolerance : float
        Largest difference of a score, of windows or frames, that passes; of an embedding, as a share of its largest
        value.
    embedding : bool

    Raises
    ------
    ModelError
        If the metadata don't fit the network, or the exported scores differ from torch's by more than `tolerance`.
    """
    metadata = complete_metadata(net, metadata)
    if metadata.frames is not None and not hasattr(net.backbone, "frames"):
        raise ModelError(f"{path}: not written: the backbone {net.config.backbone!r} gives no frames")
    plain = copy.deepcopy(net).cpu().eval()
    outputs = (OUTPUT, *((FRAMES,) if metadata.frames is not None else ()), *((EMBEDDING,) if embedding else ()))
    with written_whole(path) as temporary:
        _write(_Graph(plain, metadata.window_frames, outputs).eval(), metadata, temporary)
        difference = largest_difference(plain, temporary, check_waveforms(metadata))
        if not difference <= tolerance:
            raise ModelError(f"{path}: not written: scores of torch and ONNX differ by {difference:.1e}")
        n_bytes = temporary.stat().st_size
    return ExportReport(n_bytes, difference, metadata)


def check_waveforms(metadata: ModelMetadata) -> NDArray[np.float32]:
    """Signals on which torch and ONNX are compared: notes over a sweep, the same softly, noise, silence.

    The notes have the noise floor of a good recording (-60 dB of full scale): without any, bands at digital silence
    beside loud ones hold rounding errors of float32, in which no two implementations agree.

    Returns
    -------
    float32 array, shape (4, metadata.window_frames)
    """
    seconds = np.arange(metadata.window_frames) / metadata.sample_rate
    length = metadata.window_seconds
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, len(seconds))
    music = 0.1 * np.sin(2 * np.pi * (50 * seconds + metadata.sample_rate / 5 / length * seconds**2)) + 2e-3 * noise
    for note, frequency in enumerate((110.0, 220.0, 277.18, 329.63, 440.0)):
        age = (seconds - note * length / 5) % length
        for partial in range(1, 8):
            music += 0.1 / partial * np.exp(-4 * age / length) * np.sin(2 * np.pi * frequency * partial * seconds)
    return np.stack([music, 0.03 * music, noise, 0 * noise]).astype(np.float32)


def _write(graph: _Graph, metadata: ModelMetadata, path: Path) -> None:
    example = torch.zeros(2, metadata.window_frames)
    outputs = list(graph.outputs)
    with _quiet(), torch.no_grad():
        # The TorchScript-based exporter: the graph of the newer one is no faster and takes 15 times as long to make.
        torch.onnx.export(
            graph,
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in (INPUT, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(path)
    with torch.no_grad():
        traced = graph(example)
    shapes = [tuple(one.shape) for one in traced]
    for port, shape in zip(model.graph.output, shapes, strict=True):  # a trace leaves more open than the batch
        for dimension, size in zip(port.type.tensor_type.shape.dim[1:], shape[1:], strict=True):
            dimension.dim_value = size
    onnx.helper.set_model_props(model, {METADATA_KEY: metadata.to_json()})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


@torch.no_grad()
def largest_difference(net: InstrumentNet, model: Path | bytes, waveforms: NDArray[np.float32]) -> float:
    """Between the scores of torch and of onnxruntime; `model` is the file or its content."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = [port.name for port in session.get_outputs()]
    ours = dict(zip(outputs, session.run(outputs, {INPUT: waveforms}), strict=True))
    theirs = {OUTPUT: net.scores, FRAMES: net.frame_scores, EMBEDDING: net.embed}
    samples = torch.from_numpy(waveforms)
    found = 0.0
    for name in outputs:
        wanted = theirs[name](samples).numpy()
        scale = max(1.0, float(np.abs(wanted).max())) if name == EMBEDDING else 1.0
        found = max(found, float(np.abs(ours[name] - wanted).max()) / scale)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's warnings of deprecation and of tracing."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
