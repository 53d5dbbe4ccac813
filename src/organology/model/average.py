"""Average of checkpoints: one network whose weights are the mean of several networks' weights.

Networks that were fine-tuned from the same start on other data or with other seeds lie in one valley of the loss; their
mean is as quick as one of them and is often more robust on data unlike the training's (Wortsman et al., "Model soups",
ICML 2022; "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from organology.errors import ModelError
from organology.model.checkpoint_files import describe_parent, read_checkpoint
from organology.model.config import ModelConfig
from organology.model.imported import has_folded_norms
from organology.model.network import InstrumentNet
from organology.model.weights import load_state
from organology.model_metadata import ModelMetadata


def average_checkpoints(
    paths: Sequence[str | os.PathLike[str]], weights: Sequence[float] | None = None
) -> tuple[InstrumentNet, ModelMetadata]:
    """Mean of the weights and buffers of networks.

    Parameters
    ----------
    paths : sequence of path
        Two or more. Checkpoints of one configuration and with the same labels, fine-tuned from the same start; they
        may hear at different levels, that of the first is kept. After the first one also that start, as the file of
        the published weights, if the head is "anchored".
    weights : sequence of float, optional
        Share of each; positive, scaled to a sum of 1. Default: equal.

    Returns
    -------
    net : InstrumentNet
        In eval mode; calibrated if all checkpoints are, in the same way.
    metadata : ModelMetadata
        The first one's presets stay with the calibration. Thresholds are the mean of the checkpoints';
        `provenance["average_of"]` holds share, name and SHA-256 of each.

    Raises
    ------
    ModelError
        If there are fewer than two, the shares don't fit, one cannot be read, or is of another configuration than the
        first, or some go back to an imported model and others don't.
    """
    if len(paths) < 2:
        raise ModelError("an average needs two checkpoints or more")
    shares = _shares(len(paths), weights)
    config, first, _ = read_checkpoint(paths[0])
    parts = [_read(path, paths[0], config, first) for path in paths]
    net = InstrumentNet(config, first.label_set)
    folded = []
    for path, part in zip(paths, parts, strict=True):
        load_state(net, part.state, Path(path))
        folded.append(has_folded_norms(net))
    if len(set(folded)) > 1:
        imported, other = paths[folded.index(True)], paths[folded.index(False)]
        raise ModelError(f"{imported}: goes back to an imported model, {other} does not: no average of them")
    load_state(net, _mean([part.state for part in parts], shares), Path(paths[0]))
    tuned = [(share, part.metadata) for share, part in zip(shares, parts, strict=True) if part.metadata]
    of_label = zip(*(metadata.thresholds for _, metadata in tuned), strict=True)
    tuned_shares = _shares(len(tuned), [share for share, _ in tuned])
    thresholds = tuple(sum(s * v for s, v in zip(tuned_shares, values, strict=True)) for values in of_label)
    parents = [{"share": share, **part.parent} for share, part in zip(shares, parts, strict=True)]
    same = all(metadata.calibration == first.calibration for _, metadata in tuned)
    net.calibrate(first.calibration if same else None)
    averaged = replace(
        first,
        thresholds=thresholds,
        calibration=net.calibration,
        presets=first.presets if same else {},
        provenance={"average_of": parents},
    )
    return net.eval(), averaged


@dataclass(frozen=True)
class _Part:
    """One of the networks: its weights, its metadata if it has any, and its entry in the provenance."""

    state: dict[str, Tensor]
    metadata: ModelMetadata | None
    parent: dict[str, Any]


def _read(
    path: str | os.PathLike[str], first_path: str | os.PathLike[str], config: ModelConfig, first: ModelMetadata
) -> _Part:
    """A network that is to be averaged with the first one."""
    if Path(path).is_file():
        return _start(Path(path), config, first)
    own_config, metadata, state = read_checkpoint(path)
    outputs, wanted = (metadata.label_set, metadata.sample_rate), (first.label_set, first.sample_rate)
    if outputs != wanted or not own_config.differs_by_level_only(config):
        raise ModelError(f"{path}: a network of another configuration or with other labels than {first_path}")
    return _Part(state, metadata, describe_parent(path, metadata.name))


def _start(path: Path, config: ModelConfig, first: ModelMetadata) -> _Part:
    """The network as a fine-tuning from published weights begins; other heads than "anchored" begin at random."""
    if config.head != "anchored":
        raise ModelError(
            f"{path}: published weights say nothing of the labels of a network with the head {config.head!r}"
        )
    net = InstrumentNet(config, first.label_set)
    net.load_pretrained(path)
    parent = {"file": path.name, **describe_parent(path, "published weights")}
    return _Part(net.state_dict(), None, parent)


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
