"""Files of embeddings: blocks of numbered items, each written whole.

```
FOLDER/PLACE/
├── 000000.npz     items 0 … 1023, those that are known: numbers, embeddings, targets, songs
└── 000001.npz
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from organology.atomic import written_whole

BLOCK = 1024


@dataclass(frozen=True)
class Rows:
    """Embedded items.

    Attributes
    ----------
    numbers : int64 array, shape (n,)
    embeddings : float32 array, shape (n, size)
    targets : int8 array, shape (n, n_labels)
    songs : str array, shape (n,)
    """

    numbers: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    targets: NDArray[np.int8]
    songs: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """All rows of some, in order of their numbers; of a number that comes twice the first."""
        numbers, first = np.unique(np.concatenate([part.numbers for part in parts]), return_index=True)
        arrays = [np.concatenate([getattr(part, name) for part in parts])[first] for name in cls._arrays()]
        return cls(numbers, *arrays)

    @staticmethod
    def _arrays() -> tuple[str, ...]:
        return ("embeddings", "targets", "songs")

    def of(self, numbers: Sequence[int]) -> Rows:
        """The rows of these numbers, all of which are there."""
        places = np.searchsorted(self.numbers, np.asarray(numbers, dtype=np.int64))
        return Rows(self.numbers[places], *(getattr(self, name)[places] for name in self._arrays()))


Make = Callable[[Sequence[int]], Rows]
"""Embeds items by their numbers."""


def stored(folder: Path, numbers: Iterable[int], make: Make) -> Rows:
    """Rows of numbered items, from the files of a folder; what is missing is made and written.

    A process that is stopped loses the block that it works on. Several may share a folder.

    Parameters
    ----------
    folder : path
    numbers : iterable of int
    make : callable
    """
    wanted = np.unique(np.fromiter(numbers, dtype=np.int64))
    found = [_block(folder / f"{block:06}.npz", wanted[wanted // BLOCK == block], make)
             for block in np.unique(wanted // BLOCK).tolist()]  # fmt: skip
    return Rows.join(found)


def _block(path: Path, wanted: NDArray[np.int64], make: Make) -> Rows:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        known = _read(path)
        missing = wanted if known is None else np.setdiff1d(wanted, known.numbers)
        if len(missing):
            made = make(missing.tolist())
            known = made if known is None else Rows.join([known, made])
            with written_whole(path) as temporary:
                np.savez(temporary, numbers=known.numbers, embeddings=known.embeddings, targets=known.targets,
                         songs=known.songs)  # fmt: skip
    assert known is not None
    return known.of(wanted.tolist())


def _read(path: Path) -> Rows | None:
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        return Rows(arrays["numbers"], arrays["embeddings"], arrays["targets"], arrays["songs"])
