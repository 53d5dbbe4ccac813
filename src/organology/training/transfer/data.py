"""Mixtures as batches of tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from organology.corpora.tagging import TaggedChunks
from organology.errors import OrganologyError
from organology.mixing import Mixer, MixingConfig, StemPool
from organology.taxonomy import LABELS, UNKNOWN

EVALUATION_SEED = 4096
"""Of the validation and the test mixtures: the same ones whatever the seed of the training."""

MEMORY_LIMIT = 2**30
"""Fixed mixtures are kept in memory up to so many bytes, else made anew each time."""


class Batch(NamedTuple):
    """Mixtures with their labels.

    `waveform` is float32 of shape (batch, samples), `targets` int8 of shape (batch, 15); `songs` names the first
    song of each mixture.
    """

    waveform: Tensor
    targets: Tensor
    songs: Sequence[str]


class MixtureDataset(Dataset[Batch]):
    """Mixture number `index` of a mixer, for any index; items are batches without the first axis."""

    def __init__(self, mixer: Mixer) -> None:
        self._mixer = mixer

    def __getitem__(self, index: int) -> Batch:
        mixture = self._mixer.mix(index)
        song = mixture.songs[0] if mixture.songs else ""
        return Batch(torch.from_numpy(mixture.audio), torch.from_numpy(np.array(mixture.labels)), song)


class WithRecordings(Dataset[Batch]):
    """Batches of mixtures, each followed by chunks of recordings, whose targets are all unknown.

    Parameters
    ----------
    mixtures : MixtureDataset
    recordings : TaggedChunks
    mixtures_per_batch, recordings_per_batch : int
        Mixtures have the numbers that they have without the recordings.
    gain_db : (float, float)
        Lowest and highest gain of a chunk.
    """

    def __init__(
        self,
        mixtures: MixtureDataset,
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
        unknown = torch.full((len(LABELS),), UNKNOWN, dtype=torch.int8)
        return Batch(torch.from_numpy(audio), unknown, f"{chunk.corpus}/{chunk.track}")


class EpochSampler(Sampler[int]):
    """Numbers of the mixtures of one epoch: `epoch * n ... (epoch + 1) * n - 1`.

    Lightning calls `set_epoch` before each epoch.
    """

    def __init__(self, n_mixtures: int, epoch: int = 0) -> None:
        self.n_mixtures, self.epoch = n_mixtures, epoch

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n_mixtures

    def __iter__(self) -> Iterator[int]:
        # A range, not a generator: loaders with workers draw ahead, and the epoch may be set in between.
        return iter(range(self.epoch * self.n_mixtures, (self.epoch + 1) * self.n_mixtures))


def loader_of(dataset: Any, batch_size: int, workers: int, sampler: Sampler[int] | Sequence[int]) -> DataLoader[Any]:
    """Batches of a dataset in the order of a sampler; its workers stay from epoch to epoch."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),  # batches then go to the GPU while it computes
        # A generator of its own: the loader would else draw from torch's, which is for the weights and dropout.
        generator=torch.Generator().manual_seed(0),
    )


def training_loader(
    mixer: Mixer, batch_size: int, batches_per_epoch: int, workers: int, first_epoch: int = 0
) -> DataLoader[Any]:
    """Batches of fresh mixtures, epoch after epoch; what an epoch holds does not depend on the workers."""
    return loader_by_epoch(MixtureDataset(mixer), batch_size, batches_per_epoch, workers, first_epoch)


def loader_by_epoch(
    dataset: Any, batch_size: int, batches_per_epoch: int, workers: int, first_epoch: int = 0
) -> DataLoader[Any]:
    """Batches of a dataset without end, epoch after epoch; see `EpochSampler`."""
    return loader_of(dataset, batch_size, workers, EpochSampler(batch_size * batches_per_epoch, first_epoch))


def fixed_loader(
    mixer: Mixer, n_mixtures: int, batch_size: int, workers: int, first: int = 0, keep: bool = True
) -> DataLoader[Any]:
    """The same mixtures each time, from number `first`.

    With `keep` they are made at once and kept in memory, if that takes no more than `MEMORY_LIMIT`.
    """
    loader = loader_of(MixtureDataset(mixer), batch_size, workers, range(first, first + n_mixtures))
    if not keep or n_mixtures * mixer.config.chunk_frames * 4 > MEMORY_LIMIT:
        return loader
    return kept_loader(loader, batch_size, "mixing for validation")


def kept_loader(loader: DataLoader[Any], batch_size: int, doing: str) -> DataLoader[Any]:
    """A loader of what another one gives, which is made at once, under a progress bar, and kept in memory."""
    batches = [Batch(*batch) for batch in track(loader, doing, console=Console(stderr=True))]
    kept = _Kept(
        torch.cat([batch.waveform for batch in batches]),
        torch.cat([batch.targets for batch in batches]),
        [song for batch in batches for song in batch.songs],
    )
    return loader_of(kept, batch_size, 0, range(len(kept)))


class _Kept(Dataset[Batch]):
    def __init__(self, waveform: Tensor, targets: Tensor, songs: list[str]) -> None:
        self._waveform, self._targets, self._songs = waveform, targets, songs

    def __len__(self) -> int:
        return len(self._songs)

    def __getitem__(self, index: int) -> Batch:
        return Batch(self._waveform[index], self._targets[index], self._songs[index])


def evaluation_mixer(
    corpora: Sequence[Path], split: str, mixing: MixingConfig, p_musical: float = 1.0, seed: int = EVALUATION_SEED
) -> Mixer:
    """Mixer of a split for validation or test: without effects, and musical mixtures only by default."""
    settings = dataclasses.replace(mixing.for_evaluation(), p_musical=p_musical)
    return Mixer(StemPool.load(corpora, split, settings), settings, seed)


def one_line(error: OrganologyError) -> OrganologyError:
    """The error without the traceback that a worker process wraps its text in."""
    lines = str(error).strip().splitlines()
    if len(lines) < 2:
        return error
    text = lines[-1]
    _, _, rest = text.partition("Error: ")
    return OrganologyError(rest or text)
