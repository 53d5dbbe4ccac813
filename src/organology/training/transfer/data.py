"""What a transfer learns from: mixtures, and recordings among them if the recipe says so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from organology.corpora.tagging import ChunkConfig, TaggedChunks, TaggingPool
from organology.labels import UNKNOWN
from organology.training.data import Batch, MixtureDataset
from organology.training.kept_mixtures import KeptMixtures
from organology.training.teachers.pseudo_labels import RECORDING_FLOOR_DB
from organology.training.transfer.recipe import Recipe

Mixtures = MixtureDataset | KeptMixtures

COMPARED_RECORDINGS = 960
"""Chunks of recordings by which a music tagger's logits are brought to the spread of a model's."""


class WithRecordings(Dataset[Batch]):
    """Batches of mixtures, each followed by chunks of recordings, whose targets are all unknown.

    Parameters
    ----------
    mixtures : MixtureDataset or KeptMixtures
        Whose number of labels the recordings share.
    recordings : TaggedChunks
    mixtures_per_batch, recordings_per_batch : int
        Mixtures have the numbers that they have without the recordings.
    gain_db : (float, float)
        Lowest and highest gain of a chunk.
    """

    def __init__(
        self,
        mixtures: Mixtures,
        recordings: TaggedChunks,
        mixtures_per_batch: int,
        recordings_per_batch: int,
        gain_db: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self._mixtures, self._recordings, self._gain_db = mixtures, recordings, gain_db
        self._per_batch = (mixtures_per_batch, recordings_per_batch)

    def __getitem__(self, index: int) -> Batch:
        n_mixtures, n_recordings = self._per_batch
        batch, place = divmod(index, n_mixtures + n_recordings)
        if place < n_mixtures:
            return self._mixtures[batch * n_mixtures + place]
        return self.recording(batch * n_recordings + place - n_mixtures)

    def recording(self, number: int) -> Batch:
        """Chunk of a recording by its own number."""
        chunk = self._recordings.chunk(number)
        gain_db = np.random.default_rng([self._recordings.seed, number, 2]).uniform(*self._gain_db)
        audio = (chunk.audio * 10 ** (gain_db / 20)).clip(-1, 1).astype(np.float32)
        unknown = torch.full((self._mixtures.n_labels,), UNKNOWN, dtype=torch.int8)
        return Batch(torch.from_numpy(audio), unknown, f"{chunk.corpus}/{chunk.track}")


def training_audio(recipe: Recipe, mixtures: Mixtures) -> Mixtures | WithRecordings:
    """The audio of the training split.

    Raises
    ------
    CorpusError
        If a folder of recordings is no prepared tagging corpus, or has none in its training split.
    """
    own = recipe.training.self_training
    if own is None:
        return mixtures
    config = ChunkConfig(chunk_seconds=recipe.mixing.chunk_seconds, floor_db=RECORDING_FLOOR_DB)
    chunks = TaggedChunks(TaggingPool.load(own.recordings, "train"), config, recipe.seed)
    return WithRecordings(mixtures, chunks, recipe.training.batch_size, own.per_batch, own.gain_db)


def compared_recordings(audio: WithRecordings, batch_size: int) -> Iterator[Tensor]:
    """The first recordings of the training, to compare teachers on."""
    for first in range(0, COMPARED_RECORDINGS, batch_size):
        yield torch.stack([audio.recording(first + i).waveform for i in range(batch_size)])
