"""Signals and networks that the tests of the model room share."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from organology.model import InstrumentNet, ModelConfig
from organology.model_metadata import ModelMetadata

PUBLISHED = Path(__file__).parents[2] / "shared" / "weights" / "efficientat_mn04_as" / "mn04_as_mAP_432.pt"
TINY = (4, 4, 8, 8, 8, 8, 16)


def music(n_signals: int, seconds: float = 4.0, seed: int = 0, rate: int = 32_000) -> NDArray[np.float32]:
    """Plucked notes, a beat of noise, a drifting tone, a noise floor; shape (n_signals, seconds * rate)."""
    return np.stack([_music(round(seconds * rate), 1000 * seed + i, rate) for i in range(n_signals)])


@cache
def _music(n_samples: int, seed: int, rate: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / rate
    x = rng.uniform(-2e-3, 2e-3, n_samples)
    x += 0.05 * np.sin(2 * np.pi * (rng.uniform(100, 2000) * t + 300 * np.sin(t)))
    period = round(rng.uniform(0.2, 0.6) * rate)
    age = np.arange(period) / rate
    for onset in range(0, n_samples, period):
        rest = slice(onset, onset + period)
        frequency = 55 * 2 ** (rng.integers(0, 60) / 12)
        note = sum(np.sin(2 * np.pi * frequency * k * age) / k for k in range(1, 8))
        note = rng.uniform(0.05, 0.2) * np.exp(-5 * age) * note + 0.1 * np.exp(-40 * age) * rng.uniform(-1, 1, period)
        x[rest] += note[: len(x[rest])]
    return x.astype(np.float32)


def settled(config: ModelConfig, labels: tuple[str, ...] | None = None, seed: int = 0) -> InstrumentNet:
    """A network of random weights whose batch norms have seen music, in eval mode."""
    return copy.deepcopy(_settled(config, labels, seed))


@cache
def _settled(config: ModelConfig, labels: tuple[str, ...] | None, seed: int) -> InstrumentNet:
    torch.manual_seed(seed)
    net = InstrumentNet(config) if labels is None else InstrumentNet(config, labels)
    for layer in net.head.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, 0, 2 * layer.in_features**-0.5)
    norms = [m for m in net.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = None
    net.train()
    with torch.no_grad():
        net(torch.from_numpy(music(12, seed=seed)))
    for norm in norms:
        norm.momentum = 0.1
    return net.eval()


def metadata(net: InstrumentNet) -> ModelMetadata:
    thresholds = tuple(round(0.3 + 0.01 * i, 2) for i in range(len(net.labels)))
    return ModelMetadata(net.label_set, thresholds, name="test", provenance={"data": "none"})
