"""Tagged chunks as batches of tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.utils.data import Dataset

from organology.corpora.tagging import ChunkConfig, TaggedChunks, TaggingPool
from organology.training.data import EVALUATION_SEED, Batch


class ChunkDataset(Dataset[Batch]):
    """Chunk number `index`, for any index; `songs` of its batches are tracks."""

    def __init__(self, chunks: TaggedChunks) -> None:
        self._chunks = chunks

    def __getitem__(self, index: int) -> Batch:
        chunk = self._chunks.chunk(index)
        track = f"{chunk.corpus}/{chunk.track}"
        return Batch(torch.from_numpy(chunk.audio), torch.from_numpy(chunk.targets.copy()), track)


def evaluation_chunks(corpora: Sequence[Path], split: str, config: ChunkConfig) -> TaggedChunks:
    """Chunks of a split in turn: the same ones whatever the seed of the training.

    Raises
    ------
    CorpusError
        If a folder is no prepared tagging corpus, or the split is empty.
    """
    settings = dataclasses.replace(config, draw="in_turn")
    return TaggedChunks(TaggingPool.load(corpora, split), settings, EVALUATION_SEED)


def spread(n_tracks: int, wanted: int | None, per_track: int = 1) -> list[int]:
    """Numbers of in-turn chunks: `per_track` of each of `wanted` tracks, spread evenly over all.

    Examples
    --------
    >>> spread(6, 3)
    [0, 2, 4]
    >>> spread(3, None, per_track=2)
    [0, 1, 2, 3, 4, 5]
    """
    taken = min(wanted or n_tracks, n_tracks)
    return [turn * n_tracks + i * n_tracks // taken for turn in range(per_track) for i in range(taken)]
