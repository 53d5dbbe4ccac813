"""Weights into modules, with errors of one line; published files read without unpickling code."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from organology.errors import ModelError


def read_state(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """State dict of a published file, under its own names.

    Only tensors are unpickled (`weights_only=True`). Subnormal numbers (weight decay leaves them) become 0: they change
    no score, and processors take a hundred times as long for them.

    Raises
    ------
    ModelError
        If the file cannot be read or holds something else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = torch.load(Path(path), map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path}: not a file of weights (PyTorch state dict)") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{path}: not a state dict of published weights")
    return {name: _without_subnormals(value) for name, value in state.items()}


def _without_subnormals(value: Tensor) -> Tensor:
    if not value.is_floating_point():
        return value
    return value.masked_fill(value.abs() < torch.finfo(value.dtype).tiny, 0)


def part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries whose name begins with `prefix.`, without it.

    Examples
    --------
    >>> list(part({"head.bias": torch.zeros(1), "backbone.bias": torch.zeros(1)}, "head"))
    ['bias']
    """
    return {name[len(prefix) + 1 :]: value for name, value in state.items() if name.startswith(prefix + ".")}


def load_state(module: nn.Module, state: Mapping[str, Tensor], source: object) -> None:
    """`module.load_state_dict(state)` whose faults are one line that names `source`; see `check_state`."""
    check_state(module, state, source)
    module.load_state_dict(state)


def check_state(module: nn.Module, state: Mapping[str, Tensor], source: object) -> None:
    """Check that a state dict has the names and shapes of a module.

    Raises
    ------
    ModelError
        If one does not fit.
    """
    wanted = module.state_dict()
    for name in [*wanted, *state]:
        if name not in state or name not in wanted:
            fault = "there is no" if name not in state else "unknown"
            raise ModelError(f"{source}: the weights don't fit this network: {fault} {name}")
        if wanted[name].shape != state[name].shape:
            shapes = f"{tuple(state[name].shape)}, not {tuple(wanted[name].shape)}"
            raise ModelError(f"{source}: the weights don't fit this network: {name} is {shapes}")
