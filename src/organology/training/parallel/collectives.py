"""What the processes of a training reckon together; with one process nothing is sent.

Every process has to make the same calls in the same order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist


def n_processes() -> int:
    """How many processes train together now."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this process among them."""
    return dist.get_rank() if n_processes() > 1 else 0


def mean(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes; no gradient goes through it."""
    count = n_processes()
    if count == 1:
        return value
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / count


def gathered(value: Any) -> list[Any]:
    """The value of each process, in the order of their ranks."""
    count = n_processes()
    if count == 1:
        return [value]
    found: list[Any] = [None] * count
    dist.all_gather_object(found, value)
    return found


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; so is its gradient."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def total(value: Tensor) -> Tensor:
    """The sum of a tensor over all processes; gradients go back to all of them."""
    summed: Tensor = _Sum.apply(value)  # type: ignore[no-untyped-call]
    return summed
