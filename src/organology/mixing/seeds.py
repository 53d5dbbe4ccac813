"""Seeds by name: every choice of a mixture draws from a generator of its own.

A generator is named by the path to it (`effects`, `gain`), and its seed is a hash of that path. So a new effect draws
from a new generator, and the others draw what they drew before. `numpy.random.Generator.spawn`, which counts, would
move all that come after it. The hash is BLAKE2b, as good a source of seeds as numpy's `SeedSequence` and much faster.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence


class _Digest(ISeedSequence):
    """Hands the digest of a text to a bit generator as its seed."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray[Any, Any]:
        kind = np.dtype(dtype)
        digest = hashlib.blake2b(self._text, digest_size=n_words * kind.itemsize).digest()
        return np.frombuffer(digest, kind.newbyteorder("<")).astype(kind)


@dataclass(frozen=True)
class Seed:
    """The seed of one named choice.

    Attributes
    ----------
    root : tuple of int
        Where the tree of names begins: the seed of the mixtures and a mixture's index.
    path : str
        The names, and numbers, that lead here.

    Examples
    --------
    >>> gain = Seed((0, 17)).child("source", 2).child("gain")
    >>> gain.generator().random() == gain.generator().random()
    True
    """

    root: tuple[int, ...]
    path: str = ""

    def child(self, name: str, *numbers: int) -> Seed:
        """The seed of something below this one, by its name and, where there are several, its numbers."""
        return Seed(self.root, f"{self.path}/{name}{numbers or ''}")

    def generator(self) -> np.random.Generator:
        """A generator at its beginning."""
        seed: Any = _Digest(f"{self.root}{self.path}")  # numpy's stubs know only of SeedSequence
        return np.random.Generator(np.random.PCG64(seed))
