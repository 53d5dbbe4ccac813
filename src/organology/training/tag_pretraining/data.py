"""Tagged chunks as batches of tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from organology.corpora.tagging import ChunkConfig, TaggedChunks, TaggingPool
from organology.training.transfer.data import EVALUATION_SEED, MEMORY_LIMIT, Batch, EpochSampler, kept_loader, loader_of


class ChunkDataset(Dataset[Batch]):
    """Chunk number `index`, for any index; `songs` of its batches are tracks."""

    def __init__(self, chunks: TaggedChunks) -> None:
        self._chunks = chunks

    def __getitem__(self, index: int) -> Batch:
        chunk = self._chunks.chunk(index)
        track = f"{chunk.corpus}/{chunk.track}"
        return Batch(torch.from_numpy(chunk.audio), torch.from_numpy(chunk.targets.copy()), track)


def chunk_loader(
    chunks: TaggedChunks, batch_size: int, batches_per_epoch: int, workers: int, first_epoch: int = 0
) -> DataLoader[Any]:
    """Batches of random chunks, epoch after epoch; what an epoch holds does not depend on the workers."""
    sampler = EpochSampler(batch_size * batches_per_epoch, first_epoch)
    return loader_of(ChunkDataset(chunks), batch_size, workers, sampler)


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


def fixed_chunk_loader(
    chunks: TaggedChunks, numbers: Sequence[int], batch_size: int, workers: int, keep: bool = True
) -> DataLoader[Any]:
    """The same chunks each time.

    With `keep` they are read at once and kept in memory, if that takes no more than `MEMORY_LIMIT`.
    """
    loader = loader_of(ChunkDataset(chunks), batch_size, workers, numbers)
    if not keep or len(numbers) * chunks.config.chunk_frames * 4 > MEMORY_LIMIT:
        return loader
    return kept_loader(loader, batch_size, "reading chunks for validation")
