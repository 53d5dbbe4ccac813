"""Seeds by name: every choice of a mixture draws from a generator of its own.

A generator is named by the path to it (`effect`, `gain`), and its seed is a hash of that path. So a new effect draws
from a new generator, and the others draw what they drew before. `numpy.random.Generator.spawn`, which counts, would
move all that come after it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@lru_cache
def _key(name: str) -> int:
    """64 bits of a name; Python's own `hash` differs from one process to the next."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Seed:
    """The seed of one named choice.

    Attributes
    ----------
    entropy : tuple of int
        Where the tree of names begins: the seed of the mixtures and a mixture's index.
    path : tuple of int
        Hashes of the names, and numbers, that lead here.

    Examples
    --------
    >>> gain = Seed((0, 17)).child("source", 2).child("gain")
    >>> gain.generator().random() == gain.generator().random()
    True
    """

    entropy: tuple[int, ...]
    path: tuple[int, ...] = ()

    def child(self, name: str, *numbers: int) -> Seed:
        """The seed of something below this one, by its name and, where there are several, its numbers."""
        return Seed(self.entropy, (*self.path, _key(name), *numbers))

    def generator(self) -> np.random.Generator:
        """A generator at its beginning."""
        return np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=self.path))
