"""Checkpoints: networks and their metadata, written to and read from a folder; see `checkpoint_files`.

Both files are made in a folder beside the target and moved into place whole, the weights first. The weights hold a copy
of the description, the description holds the SHA-256 of the weights: where the two do not belong together, as writing
was interrupted between them, the copy counts.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from organology import config as configuration
from organology.atomic import sync, temporary_folder_beside
from organology.errors import ModelError, one_line
from organology.model.checkpoint_files import DESCRIPTION, FORMAT, WEIGHTS, digest_of, read_checkpoint
from organology.model.network import InstrumentNet
from organology.model.weights import check_state, load_state
from organology.model_metadata import METADATA_KEY, ModelMetadata


def complete_metadata(net: InstrumentNet, metadata: ModelMetadata) -> ModelMetadata:
    """The metadata with settings and calibration as they are in the network.

    Raises
    ------
    ModelError
        If labels or sample rate are not the network's.
    """
    if metadata.label_set != net.label_set:
        raise ModelError(f"metadata and network have other labels: {metadata.labels} and {net.labels}")
    rate = net.frontend.config.sample_rate
    if metadata.sample_rate != rate:
        raise ModelError(f"metadata and network have other sample rates: {metadata.sample_rate} and {rate} Hz")
    network = configuration.to_plain(net.config)
    if not network["options"]:
        del network["options"]  # as files of earlier versions, which know none
    return replace(metadata, frontend=network.pop("frontend"), network=network, calibration=net.calibration)


def save_checkpoint(folder: str | os.PathLike[str], net: InstrumentNet, metadata: ModelMetadata) -> None:
    """Write a network and its metadata.

    A new folder appears whole. In a folder that is there already the two files are replaced, each whole, the weights
    first; other files in it are left alone. Weights are written in single precision.

    Parameters
    ----------
    folder : path
    net : InstrumentNet
    metadata : ModelMetadata
        Its settings of the network and its calibration are taken from the network.

    Raises
    ------
    ModelError
        If the labels or the sample rate of the metadata are not the network's.
    """
    target = Path(folder)
    metadata = complete_metadata(net, metadata)
    description = {
        "format": FORMAT,
        "config": configuration.to_plain(net.config),
        "metadata": json.loads(metadata.to_json()),
    }
    with temporary_folder_beside(target) as staging:
        weights = ((name, value.detach().cpu().contiguous()) for name, value in net.state_dict().items())
        state = {name: value.float() if value.is_floating_point() else value for name, value in weights}
        # One entry only: safetensors writes several in any order, and equal networks should be equal files.
        try:
            save_file(state, staging / WEIGHTS, metadata={METADATA_KEY: json.dumps(description, allow_nan=False)})
        except SafetensorError as error:
            raise ModelError(f"{folder}: cannot be written: {one_line(error)}") from error
        description = {**description, "weights_sha256": digest_of(staging / WEIGHTS)}
        (staging / DESCRIPTION).write_text(json.dumps(description, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        shutil.copymode(staging / DESCRIPTION, staging / WEIGHTS)  # safetensors lets no one else read them
        for name in (WEIGHTS, DESCRIPTION):
            sync(staging / name)
        if target.exists():
            for name in (WEIGHTS, DESCRIPTION):
                _keep_mode(staging / name, target / name)
                (staging / name).replace(target / name)
        else:
            staging.rename(target)
        sync(target)


def load_checkpoint(folder: str | os.PathLike[str]) -> tuple[InstrumentNet, ModelMetadata]:
    """Read a network (in eval mode, on the CPU) and its metadata.

    Raises
    ------
    ModelError
        If a file is missing, is not what it has to be, or the weights don't fit the configuration.
    """
    config, metadata, state = read_checkpoint(folder)
    weights = Path(folder) / WEIGHTS
    try:
        with torch.device("meta"):  # without memory, which the configuration may ask for beyond all measure
            check_state(InstrumentNet(config, metadata.label_set), state, weights)
    except ModelError:
        raise
    except Exception as error:  # whatever torch says of sizes that cannot be
        raise ModelError(f"{folder}: no such network can be made: {one_line(error)}") from error
    net = InstrumentNet(config, metadata.label_set)
    load_state(net, state, weights)
    net.calibrate(metadata.calibration)
    return net.eval(), metadata


def _keep_mode(new: Path, old: Path) -> None:
    if old.exists():
        shutil.copymode(old, new)
