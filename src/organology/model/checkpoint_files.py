"""The files of a checkpoint, read without making a network of them.

A checkpoint is a folder with `model.safetensors` (weights, and a copy of the description) and `model.json` (the
description: configuration, `ModelMetadata`, SHA-256 of the weights). Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from organology import config as configuration
from organology.errors import ConfigError, ModelError
from organology.model.config import ModelConfig
from organology.model_metadata import METADATA_KEY, ModelMetadata

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"
FORMAT = "organology-checkpoint-1"


def read_checkpoint(folder: str | os.PathLike[str]) -> tuple[ModelConfig, ModelMetadata, dict[str, Tensor]]:
    """The parts of a checkpoint, not put together: configuration, metadata, state dict.

    Raises
    ------
    ModelError
        If a file is missing or is not what it has to be.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ModelError(f"{path}: {'not a checkpoint folder' if path.exists() else 'no such checkpoint folder'}")
    for name in (WEIGHTS, DESCRIPTION):
        if not (path / name).is_file():
            raise ModelError(f"{path}: not a checkpoint: {name} is missing")
    config, metadata, digest = _described(_text_of(path / DESCRIPTION), path / DESCRIPTION)
    try:
        if digest is not None and digest != digest_of(path / WEIGHTS):
            config, metadata, _ = _described(_copy_in(path / WEIGHTS), path / WEIGHTS)
        state = load_file(path / WEIGHTS)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path / WEIGHTS}: not readable as safetensors: {error}") from error
    return config, metadata, state


def describe_parent(path: str | os.PathLike[str], name: str) -> dict[str, Any]:
    """What a model that comes from another one tells of it: its name, and the SHA-256 of its file of weights.

    Parameters
    ----------
    path : path
        Checkpoint folder, or a file of weights.
    name : str
        As its metadata say.
    """
    place = Path(path)
    file = place / WEIGHTS if place.is_dir() else place
    return {"name": name or place.name, "sha256": digest_of(file)}


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not readable as JSON: {error}") from error


def _copy_in(weights: Path) -> str:
    """The description that weights hold, where that beside them is another's."""
    with safe_open(weights, "pt") as file:
        text = (file.metadata() or {}).get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{weights.parent}: {DESCRIPTION} describes other weights than {WEIGHTS} holds: writing was interrupted"
        )
    return str(text)


def _described(text: str, path: Path) -> tuple[ModelConfig, ModelMetadata, str | None]:
    """Configuration, metadata, and the SHA-256 of the weights, which their copy and older checkpoints do not say."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ModelError(f"{path}: not the description of a checkpoint ({FORMAT})")
    try:
        config = configuration.parse(values.get("config"), ModelConfig, str(path))
    except ConfigError as error:
        raise ModelError(str(error)) from error
    try:
        metadata = json.dumps(values.get("metadata"), allow_nan=False)
    except ValueError as error:
        raise ModelError(f"{path}: metadata: {error}") from error
    return config, ModelMetadata.from_json(metadata, str(path)), values.get("weights_sha256")
