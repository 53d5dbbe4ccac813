"""Feature maps of recordings, computed once, so that every later experiment takes seconds.

    python research/answer/features.py CHECKPOINT AUDIO OUT.npz [--hop 2.0]

CHECKPOINT is a folder that `organology import` wrote (the fine-tuned backbone behind its level) or the published
`mn04_as_mAP_432.pt` (the AudioSet backbone, no level). AUDIO is a folder of recordings. OUT holds, for all windows of
all files in a row: `maps` float16 (n_windows, 13, 384), the backbone's last maps averaged over the bands (a frame is
0.32 s; their mean over the frames is the embedding that the heads take), `starts` and `ends` in seconds, `levels`
(dBFS), `number` (place in `files`) and `rms`, the level of every 0.1 s of each file (dBFS), with `rms_number`.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from organology import audio
from organology.model import AudioSetTagger, load_checkpoint
from organology.model.export.frontend import ExportFrontend
from organology.recognition.runtime import onnxruntime
from organology.recognition.windows import windows

RATE, WINDOW = 32_000, 128_000
CELL = RATE // 10


class Maps(nn.Module):
    """Waveform (batch, samples) -> the backbone's maps averaged over the bands, (batch, frames, channels)."""

    def __init__(self, checkpoint: Path, n_samples: int = WINDOW) -> None:
        super().__init__()
        net = load_checkpoint(checkpoint)[0] if checkpoint.is_dir() else AudioSetTagger.from_published(checkpoint)
        self.frontend = ExportFrontend(net.frontend.config, n_samples)
        self.backbone = net.backbone
        self.eval()

    def forward(self, waveform: Tensor) -> Tensor:
        """See the class."""
        return self.backbone.features(self.frontend(waveform)).mean(2).transpose(1, 2)


def session(checkpoint: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """The backbone as an ONNX session, which is several times as fast as torch here."""
    content = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            Maps(checkpoint),
            (torch.zeros(2, WINDOW),),
            content,
            input_names=["waveform"],
            output_names=["maps"],
            dynamic_axes={"waveform": {0: "batch"}, "maps": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(content.getvalue(), options, providers=["CPUExecutionProvider"])


def cells(samples: np.ndarray) -> np.ndarray:
    """Level of every 0.1 s, in dBFS."""
    whole = np.pad(samples, (0, -len(samples) % CELL)).reshape(-1, CELL)
    return 10 * np.log10(np.square(whole.astype(np.float64)).mean(1) + 1e-12)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("audio", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hop", type=float, default=2.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = session(given.checkpoint)
    files = sorted(path for path in given.audio.iterdir() if path.suffix in audio.SUFFIXES)
    columns: dict[str, list] = {
        name: [] for name in ("maps", "starts", "ends", "levels", "number", "rms", "rms_number")
    }
    for number, path in enumerate(files):
        samples = np.concatenate(list(audio.mono_blocks(path, RATE)))
        for window in windows([samples], WINDOW, round(given.hop * RATE)):
            columns["maps"].append(model.run(None, {"waveform": window.samples[None]})[0][0].astype(np.float16))
            columns["starts"].append(window.start / RATE)
            columns["ends"].append(window.end / RATE)
            columns["levels"].append(window.level)
            columns["number"].append(number)
        rms = cells(samples)
        columns["rms"].append(rms)
        columns["rms_number"].append(np.full(len(rms), number))
        if number % 50 == 0:
            print(f"{number} of {len(files)}", flush=True)
    joined = {
        name: np.concatenate(column) if name.startswith("rms") else np.array(column) for name, column in columns.items()
    }
    np.savez(given.out, files=np.array([path.name for path in files]), **joined)


if __name__ == "__main__":
    main()
