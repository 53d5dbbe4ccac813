"""Embeddings of the mixtures of a mixer.

A mixture is known by its seed, its number and its strategy: whatever `p_musical` is, mixture 17 of a seed is one of
two, a musical or a non-musical one. So a store of embeddings serves trainings with other heads, rates and lengths, and
with any proportion of the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch.utils.data import Dataset

from organology.mixing import Mixer
from organology.training.data import Batch, fixed_loader
from organology.training.embeddings.embedder import BATCH, Embedder
from organology.training.embeddings.store import Rows, stored

NO_SAY = ("p_musical", "cache_megabytes")
"""Settings of mixing that change no mixture of a given strategy."""


class EmbeddedMixtures(Dataset[Batch]):
    """Embeddings with targets and songs in place of mixtures, by the mixtures' numbers.

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._place = {number: place for place, number in enumerate(rows.numbers.tolist())}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Batch:
        rows, place = self._rows, self._place[index]
        return Batch(
            torch.from_numpy(rows.embeddings[place]), torch.from_numpy(rows.targets[place]), str(rows.songs[place])
        )


def embedded_mixtures(
    mixer: Mixer,
    audio: Dataset[Batch],
    numbers: Sequence[int],
    embedder: Embedder,
    cache: Path,
    of: Sequence[str],
    workers: int,
    doing: str,
) -> EmbeddedMixtures:
    """Mixtures by their numbers, embedded; those that the cache holds are not made.

    Parameters
    ----------
    mixer : Mixer
    audio : Dataset
        Its mixtures, by their numbers.
    numbers : sequence of int
    embedder : Embedder
    cache : path
        Folder of all embeddings.
    of : sequence of str
        What the pool is made of beside the settings of mixing: hashes of tables, split, label set.
    workers : int
        Processes that make mixtures.
    doing : str
        Beside the progress bar.

    Raises
    ------
    OrganologyError
        If a stem cannot be read.
    """
    strategies = np.array([mixer.plan(number).strategy for number in numbers])
    parts = []
    for strategy in np.unique(strategies).tolist():

        def make(missing: Sequence[int]) -> Rows:
            return _embed(audio, missing, embedder, workers, doing)

        place = f"{embedder.digest}/{_key(mixer, strategy, of)}-{strategy}-seed{mixer.seed}"
        parts.append(stored(cache / place, np.asarray(numbers)[strategies == strategy].tolist(), make))
    return EmbeddedMixtures(Rows.join(parts))


def _key(mixer: Mixer, strategy: str, of: Sequence[str]) -> str:
    """12 hexadecimal digits of all that a mixture of this strategy depends on, beside seed and number."""
    plain = mixer.config.to_key()
    for name in (*NO_SAY, *(("musical_songs",) if strategy != "musical" else ())):
        plain.pop(name, None)
    return hashlib.sha256(json.dumps([plain, list(of)], sort_keys=True, allow_nan=False).encode()).hexdigest()[:12]


def _embed(audio: Dataset[Batch], numbers: Sequence[int], embedder: Embedder, workers: int, doing: str) -> Rows:
    loader = fixed_loader(audio, numbers, BATCH, workers, keep=False)
    embeddings: list[NDArray[np.float32]] = []
    targets: list[NDArray[np.int8]] = []
    songs: list[str] = []
    for batch in track(loader, doing, console=Console(stderr=True)):
        waveform, labels, names = Batch(*batch)
        embeddings.append(embedder(waveform))
        targets.append(labels.numpy())
        songs += names
    return Rows(
        np.asarray(numbers, dtype=np.int64), np.concatenate(embeddings), np.concatenate(targets), np.array(songs)
    )
