"""The mean training loss of an epoch, without making a GPU wait at every step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from organology.errors import ModelError

STEPS_ON_GPU = 25


class LossMeter:
    """Adds up the losses of an epoch and checks that they are numbers.

    To read a loss from a GPU is to wait until all its work is done, so there losses are read `STEPS_ON_GPU` at a time;
    a fault is then reported that much later, but before the epoch is validated.
    """

    def __init__(self) -> None:
        self.start(0)

    def start(self, epoch: int) -> None:
        """Begin an epoch, counted from 0."""
        self._epoch, self._sum, self._count = epoch, 0.0, 0
        self._unread: list[Tensor] = []

    def add(self, loss: Tensor, last: bool = False) -> None:
        """Take in the loss of the next batch; `last`: of the epoch.

        Raises
        ------
        ModelError
            If one is not a number.
        """
        self._unread.append(loss.detach())
        if last or loss.device.type == "cpu" or len(self._unread) >= STEPS_ON_GPU:
            self._read()

    @property
    def mean(self) -> float:
        """Mean of the losses read so far; NaN before the first."""
        return self._sum / self._count if self._count else math.nan

    def _read(self) -> None:
        values = torch.stack(self._unread).tolist()
        self._unread.clear()
        for value in values:
            self._count += 1
            if not math.isfinite(value):
                place = f"epoch {self._epoch + 1}, batch {self._count}"
                raise ModelError(f"{place}: the loss is not a number; lower the learning rates or set gradient_clip")
            self._sum += value
