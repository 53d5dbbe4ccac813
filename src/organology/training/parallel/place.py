"""Which of the processes of a training this one is, and what is its share."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from organology.training.config import LoopConfig

T = TypeVar("T", bound=Sequence[int])


@dataclass(frozen=True)
class Place:
    """One of several processes.

    Attributes
    ----------
    rank : int
        From 0; the first one writes.
    count : int
        How many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    def share(self, numbers: T) -> T:
        """Every `count`-th number, beginning with the `rank`-th: the shares of all processes are all numbers.

        Examples
        --------
        >>> [list(Place(rank, 2).share(range(5))) for rank in (0, 1)]
        [[0, 2, 4], [1, 3]]
        """
        return numbers[self.rank :: self.count]  # type: ignore[return-value]

    @staticmethod
    def of(config: LoopConfig) -> Place:
        """The place of this process, by what started it: Lightning itself, torchrun, SLURM and the like."""
        if config.processes == 1:
            return Place()
        from lightning.fabric.plugins.environments.lightning import LightningEnvironment
        from lightning.fabric.plugins.environments.lsf import LSFEnvironment
        from lightning.fabric.plugins.environments.mpi import MPIEnvironment
        from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
        from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

        kinds = (SLURMEnvironment, TorchElasticEnvironment, LSFEnvironment, MPIEnvironment)
        found = next((one for one in kinds if one.detect()), LightningEnvironment)()
        return Place(found.node_rank() * config.devices + found.local_rank(), config.processes)


def end_with_parent() -> None:
    """End this process when the one that started it is gone: a first process that is killed leaves none behind."""
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
