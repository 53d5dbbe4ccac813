"""Arrays kept in memory until a budget is full."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from numpy.typing import NDArray


class Cache:
    """Keeps arrays, first come, first kept; pickled, it is empty.

    Nothing is thrown out again: where there is more than fits, an order of use that comes round again would otherwise
    make everything anew each time.

    Parameters
    ----------
    budget : int
        In bytes.
    """

    def __init__(self, budget: int) -> None:
        self.budget, self.used = budget, 0
        self._arrays: dict[Hashable, NDArray[Any]] = {}

    def __getstate__(self) -> int:
        return self.budget

    def __setstate__(self, budget: int) -> None:
        self.__init__(budget)  # type: ignore[misc]

    def has_room(self, size: int) -> bool:
        """Whether an array of `size` bytes would still be kept."""
        return self.used + size <= self.budget

    def get(self, key: Hashable) -> NDArray[Any] | None:
        """What is kept under `key`; not to be changed."""
        return self._arrays.get(key)

    def keep(self, key: Hashable, array: NDArray[Any]) -> None:
        """Keep `array` if it still fits."""
        if key not in self._arrays and self.has_room(array.nbytes):
            self._arrays[key] = array
            self.used += array.nbytes
