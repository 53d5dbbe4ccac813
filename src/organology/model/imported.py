"""From an exported file back to a network that can be trained on: the opposite of `export`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from organology import config as configuration
from organology.errors import ConfigError, ModelError
from organology.model.config import ModelConfig
from organology.model.export.exporter import TOLERANCE, check_waveforms, largest_difference
from organology.model.network import InstrumentNet
from organology.model.weights import load_state
from organology.model_metadata import METADATA_KEY, ModelMetadata
from organology.recognition.onnx_model import ModelFile, read_model

_PREFIX = "net."
_PARTS = {
    "Conv": ("weight", "bias"),
    "Gemm": ("weight", "bias"),
    "LayerNormalization": ("weight", "bias"),
    "BatchNormalization": ("weight", "bias", "running_mean", "running_var"),
}
"""What the inputs of a node, from the second on, are to its module."""
_ROUNDING = 1e-5
"""Variances that differ by less are one: running means of weights round them."""


def import_onnx(model: str | os.PathLike[str] | None = None) -> tuple[InstrumentNet, ModelMetadata]:
    """The network of a file that `export_onnx` wrote, checked against it.

    At export each batch norm behind a convolution was folded into it. Here it is one again, but with a mean of 0 and
    a variance of 1: it gives what it gave as long as it keeps these statistics, so that training on needs
    `freeze_batch_norm` (`has_folded_norms` tells).

    Parameters
    ----------
    model : path, optional
        Default: the shipped model.

    Returns
    -------
    net : InstrumentNet
        In eval mode, calibrated as the file is.
    metadata : ModelMetadata

    Raises
    ------
    ModelError
        "PATH: reason" if the file cannot be read, is no such model, was exported before files told what network they
        hold, or the network does not give its scores.
    """
    source, content = read_model(model)
    ModelFile(model)  # refuses what is no model of the contract
    exported = onnx.load_from_string(content)
    (text,) = (entry.value for entry in exported.metadata_props if entry.key == METADATA_KEY)
    metadata = ModelMetadata.from_json(text, source)
    if not metadata.network:
        raise ModelError(f"{source}: does not tell what network it holds: exported by an earlier organology")
    try:
        config = configuration.parse({**metadata.network, "frontend": metadata.frontend}, ModelConfig, source)
    except ConfigError as error:
        raise ModelError(str(error)) from error
    net = InstrumentNet(config, metadata.label_set).eval()
    load_state(net, _state(exported.graph, net, source), source)
    net.calibrate(metadata.calibration)
    difference = largest_difference(net, content, check_waveforms(metadata))
    if not difference <= TOLERANCE:
        raise ModelError(f"{source}: the imported network gives other scores, by up to {difference:.1e}")
    return net, metadata


def has_folded_norms(net: InstrumentNet) -> bool:
    """Whether a network was imported, and its batch norms are such that they must keep their statistics."""
    folded = [
        bool((norm.running_mean == 0).all() and ((norm.running_var - _variance(norm)).abs() < _ROUNDING).all())
        for _, norm in _normed(net.backbone)
        if norm.running_mean is not None and norm.running_var is not None
    ]
    return bool(folded) and all(folded)


def _variance(norm: nn.BatchNorm2d) -> float:
    """Of the statistics of a norm that leaves what it gets as it is."""
    return float(np.float32(1 - norm.eps))


def _normed(backbone: nn.Module) -> Iterator[tuple[str, nn.BatchNorm2d]]:
    """The batch norms behind a convolution, and the name of what holds both."""
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Sequential) and len(module) > 1:
            first, second = module[0], module[1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                yield name, second


def _state(graph: onnx.GraphProto, net: InstrumentNet, source: str) -> dict[str, Tensor]:
    given = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    for node in graph.node:  # equal tensors stand in the file once
        if node.op_type == "Identity" and node.input[0] in given:
            given[node.output[0]] = given[node.input[0]]
    state = {name.removeprefix(_PREFIX): value for name, value in given.items() if name.startswith(_PREFIX)}
    inner = dict(net.backbone.named_children())
    for node in graph.node:
        module = _module(node.name)
        if module.split(".")[0] in inner:  # with frames the backbone's stages are called one by one
            module = f"backbone.{module}"
        state |= {
            f"{module}.{part}": given[of]
            for part, of in zip(_PARTS.get(node.op_type, ()), node.input[1:], strict=False)
            if of in given
        }
    for name, norm in _normed(net.backbone):
        folded = f"backbone.{name}.0.bias"
        if folded not in state:
            raise ModelError(f"{source}: the weights don't fit this network: there is no backbone.{name}")
        bias = state.pop(folded)
        state[f"backbone.{name}.1.weight"] = torch.ones_like(bias)
        state[f"backbone.{name}.1.bias"] = bias
        state[f"backbone.{name}.1.running_mean"] = torch.zeros_like(bias)
        state[f"backbone.{name}.1.running_var"] = torch.full_like(bias, _variance(norm))
    # Not in the graph, and of no use at a constant momentum.
    counters = (name for name in net.state_dict() if name.endswith("num_batches_tracked"))
    return {**state, **dict.fromkeys(counters, torch.tensor(0))}


def _module(node: str) -> str:
    """Name of the module that a node came from.

    Examples
    --------
    >>> _module("/backbone/blocks/blocks.3/layers/layers.2/reduce/Gemm")
    'backbone.blocks.3.layers.2.reduce'
    """
    path: list[str] = []
    for step in node.strip("/").split("/")[:-1]:
        if path and step.startswith(path[-1] + "."):
            path.pop()
        path.append(step)
    return ".".join(path)
