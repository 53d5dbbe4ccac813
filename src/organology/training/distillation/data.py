"""Audio for a teacher: mixtures, chunks of recordings, or both by turns."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from organology.corpora.tagging import TaggedChunks, TaggingPool
from organology.mixing import Mixer
from organology.training.data import EVALUATION_SEED, Batch, evaluation_mixer, load_pool
from organology.training.distillation.recipe import DistillationRecipe
from organology.training.tag_pretraining.data import evaluation_chunks

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


def training_audio(recipe: DistillationRecipe) -> AudioDataset:
    """Audio of the training split.

    Raises
    ------
    CorpusError
        If a folder is no prepared corpus, or the split is empty.
    """
    mixer = chunks = None
    if recipe.corpora:
        mixer = Mixer(load_pool(recipe.corpora, "train", recipe.mixing), recipe.mixing, recipe.seed)
    if recipe.recordings:
        chunks = TaggedChunks(TaggingPool.load(recipe.recordings, "train"), recipe.chunk_config, recipe.seed)
    return AudioDataset(mixer, chunks, recipe.recording_share, recipe.seed)


def held_out_audio(recipe: DistillationRecipe, split: str, seed: int = EVALUATION_SEED) -> AudioDataset:
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
