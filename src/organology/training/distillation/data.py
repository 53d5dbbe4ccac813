"""Audio for a teacher: mixtures, chunks of recordings, or both by turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from organology.corpora.tagging import TaggedChunks, TaggingPool
from organology.mixing import Mixer, StemPool
from organology.training.distillation.recipe import TeachingRecipe
from organology.training.tag_pretraining.data import evaluation_chunks
from organology.training.transfer.data import (
    EVALUATION_SEED,
    MEMORY_LIMIT,
    Batch,
    EpochSampler,
    evaluation_mixer,
    kept_loader,
    loader_of,
)

NO_TARGETS = torch.empty(0, dtype=torch.int8)


class AudioDataset(Dataset[Batch]):
    """Audio number `index`, for any index; `targets` of its items are empty, the teacher gives them.

    Parameters
    ----------
    mixer : Mixer or None
    chunks : TaggedChunks or None
    recording_share : float
        Probability of a chunk, where there are both.
    seed : int
        Of that choice.
    """

    def __init__(self, mixer: Mixer | None, chunks: TaggedChunks | None, recording_share: float, seed: int) -> None:
        if mixer is None and chunks is None:
            raise ValueError("neither mixtures nor recordings")
        self._mixer, self._chunks, self._seed = mixer, chunks, seed
        self._share = 1.0 if mixer is None else 0.0 if chunks is None else recording_share

    def __getitem__(self, index: int) -> Batch:
        if self._chunks is not None and self._of_recordings(index):
            chunk = self._chunks.chunk(index)
            return Batch(torch.from_numpy(chunk.audio), NO_TARGETS, f"{chunk.corpus}/{chunk.track}")
        assert self._mixer is not None
        mixture = self._mixer.mix(index)
        return Batch(torch.from_numpy(mixture.audio), NO_TARGETS, mixture.songs[0] if mixture.songs else "")

    def _of_recordings(self, index: int) -> bool:
        # A key of three numbers: the mixer and the chunks draw from (seed, index).
        return bool(np.random.default_rng([self._seed, index, 1]).random() < self._share)


def training_audio(recipe: TeachingRecipe) -> AudioDataset:
    """Audio of the training split.

    Raises
    ------
    CorpusError
        If a folder is no prepared corpus, or the split is empty.
    """
    mixer = chunks = None
    if recipe.corpora:
        mixer = Mixer(StemPool.load(recipe.corpora, "train", recipe.mixing), recipe.mixing, recipe.seed)
    if recipe.recordings:
        chunks = TaggedChunks(TaggingPool.load(recipe.recordings, "train"), recipe.chunk_config, recipe.seed)
    return AudioDataset(mixer, chunks, recipe.recording_share, recipe.seed)


def held_out_audio(recipe: TeachingRecipe, split: str, seed: int = EVALUATION_SEED) -> AudioDataset:
    """Audio of another split: mixtures without effects, chunks in turn; the same whatever the seed of the training.

    Raises
    ------
    CorpusError
        If a folder is no prepared corpus, or the split is empty.
    """
    mixing = recipe.mixing
    mixer = evaluation_mixer(recipe.corpora, split, mixing, mixing.p_musical, seed) if recipe.corpora else None
    chunks = evaluation_chunks(recipe.recordings, split, recipe.chunk_config) if recipe.recordings else None
    return AudioDataset(mixer, chunks, recipe.recording_share, seed)


def audio_loader(
    audio: AudioDataset, batch_size: int, batches_per_epoch: int, workers: int, first_epoch: int = 0
) -> DataLoader[Any]:
    """Batches of random audio, epoch after epoch; what an epoch holds does not depend on the workers."""
    return loader_of(audio, batch_size, workers, EpochSampler(batch_size * batches_per_epoch, first_epoch))


def fixed_audio_loader(
    audio: AudioDataset, recipe: TeachingRecipe, n_items: int, batch_size: int, keep: bool = True
) -> DataLoader[Any]:
    """The same audio each time.

    With `keep` it is made at once and kept in memory, if that takes no more than `MEMORY_LIMIT`.
    """
    loader = loader_of(audio, batch_size, recipe.training.workers, range(n_items))
    if not keep or n_items * recipe.mixing.chunk_frames * 4 > MEMORY_LIMIT:
        return loader
    return kept_loader(loader, batch_size, "mixing for validation")
