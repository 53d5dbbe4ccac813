"""Average of checkpoints: one network whose weights are the mean of several networks' weights.

Networks that were fine-tuned from the same start on other data or with other seeds lie in one valley of the loss; their
mean is as quick as one of them and is often more robust on data unlike the training's (Wortsman et al., "Model soups",
ICML 2022; "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from organology.errors import ModelError
from organology.metadata import ModelMetadata
from organology.model.checkpoint import read_checkpoint
from organology.model.network import InstrumentNet
from organology.model.weights import load_state


def average_checkpoints(
    folders: Sequence[str | os.PathLike[str]], weights: Sequence[float] | None = None
) -> tuple[InstrumentNet, ModelMetadata]:
    """Mean of the weights and buffers of checkpoints.

    Parameters
    ----------
    folders : sequence of path
        Two checkpoints or more, of one configuration and with the same labels, fine-tuned from the same start.
    weights : sequence of float, optional
        Share of each; positive, scaled to a sum of 1. Default: equal.

    Returns
    -------
    net : InstrumentNet
        In eval mode, not calibrated.
    metadata : ModelMetadata
        Thresholds are the mean of theirs; `provenance["average_of"]` holds the share and the provenance of each.

    Raises
    ------
    ModelError
        If there are fewer than two, the shares don't fit, a checkpoint cannot be read, or it is of another
        configuration than the first.
    """
    if len(folders) < 2:
        raise ModelError("an average needs two checkpoints or more")
    shares = _shares(len(folders), weights)
    parts = [read_checkpoint(folder) for folder in folders]
    config, first, state = parts[0]
    for folder, (other_config, other, other_state) in zip(folders[1:], parts[1:], strict=True):
        same = other_config == config and (other.labels, other.sample_rate) == (first.labels, first.sample_rate)
        if not same or {k: v.shape for k, v in other_state.items()} != {k: v.shape for k, v in state.items()}:
            raise ModelError(f"{folder}: a network of another configuration or with other labels than {folders[0]}")
    net = InstrumentNet(config, first.labels)
    mean = _mean([part[2] for part in parts], shares)
    load_state(net, mean, Path(folders[0]))
    thresholds = tuple(
        sum(share * value for share, value in zip(shares, of_label, strict=True))
        for of_label in zip(*(metadata.thresholds for _, metadata, _ in parts), strict=True)
    )
    provenance = {
        "average_of": [
            {"share": share, "name": metadata.name, **metadata.provenance}
            for share, (_, metadata, _) in zip(shares, parts, strict=True)
        ]
    }
    return net.eval(), replace(first, thresholds=thresholds, calibration=None, provenance=provenance)


def _shares(count: int, weights: Sequence[float] | None) -> list[float]:
    weights = [1.0] * count if weights is None else list(weights)
    if len(weights) != count:
        raise ModelError(f"{count} checkpoints and {len(weights)} shares")
    if not all(weight > 0 for weight in weights):
        raise ModelError("shares of an average have to be above 0")
    return [weight / sum(weights) for weight in weights]


def _mean(states: Sequence[dict[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """Mean of numbers with a fraction, summed in double precision; counters are the first network's."""
    return {
        name: torch.stack([share * state[name].double() for share, state in zip(shares, states, strict=True)])
        .sum(0)
        .to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in states[0].items()
    }
