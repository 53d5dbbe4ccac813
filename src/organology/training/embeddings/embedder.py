"""Waveforms -> embeddings of a network that does not learn, and what tells two such networks apart."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from organology import config
from organology.model.network import InstrumentNet
from organology.training.compute.precision import autocast
from organology.training.config import Precision

BATCH = 32


class Embedder:
    """Front end and backbone of a network in eval mode.

    Parameters
    ----------
    network : InstrumentNet
        Its backbone has the weights that it will keep.
    device : str
    precision : {"32-true", "16-mixed", "bf16-mixed"}

    Attributes
    ----------
    size : int
        Of an embedding.
    digest : str
        16 hexadecimal digits of all that an embedding depends on: front end, backbone, weights, precision.
    """

    def __init__(self, network: InstrumentNet, device: str = "cpu", precision: Precision = "32-true") -> None:
        self._network, self._device, self._precision = network, device, precision
        self.size = int(network.backbone.embedding_size)
        self.digest = _digest(network, precision)

    @torch.inference_mode()
    def __call__(self, waveform: Tensor) -> NDArray[np.float32]:
        """Embeddings: waveform (n, samples), n at most `BATCH` -> float32 array (n, size).

        It is filled up to `BATCH` first: what an embedding is must not depend on how many are asked for.
        """
        network, n = self._network, len(waveform)
        learns = network.training
        network.to(self._device).eval()
        full = torch.nn.functional.pad(waveform, (0, 0, 0, BATCH - n)).to(self._device)
        with autocast(self._device, self._precision):
            embeddings = network.embed(full)[:n]
        network.train(learns)
        return np.asarray(embeddings.float().cpu().numpy())


@torch.inference_mode()
def head_scores(
    network: InstrumentNet, embeddings: NDArray[np.float32], device: str = "cpu", precision: Precision = "32-true"
) -> NDArray[np.float32]:
    """Scores that a network's head gives to embeddings: (n, size) -> float32 array (n, n_labels)."""
    network.to(device).eval()
    with autocast(device, precision):
        logits = network.head(torch.from_numpy(embeddings).to(device))
    return np.asarray(network.to_scores(logits.float()).cpu().numpy())


def _digest(network: InstrumentNet, precision: Precision) -> str:
    plain = config.to_plain(network.config)
    made_of = {name: plain[name] for name in ("backbone", "frontend", "channels", "width", "options")}
    digest = hashlib.sha256(json.dumps([made_of, precision], sort_keys=True, allow_nan=False).encode())
    for name, value in sorted(network.backbone.state_dict().items()):
        if not name.endswith("num_batches_tracked"):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()[:16]
