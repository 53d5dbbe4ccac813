"""Mixtures as batches of tensors, and loaders of numbered items.

Worker processes hand tensors over in shared memory, on Linux in `/dev/shm`. Containers often have 64 MB of it (Docker's
default), less than a few batches of audio; a worker that finds it full is killed by SIGBUS. Which memory it is they say
by sockets in the folder for temporary files; where its name is too long for one, a worker dies and its loader waits for
ever. In both cases workers send batches through their pipes instead.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torch.utils.data._utils.collate import default_collate_fn_map

from organology.errors import ConfigError, OrganologyError
from organology.labels import LabelSet
from organology.mixing import Mixer, MixingConfig, StemPool
from organology.traceless import takes_sockets
from organology.training.parallel.place import Place

EVALUATION_SEED = 4096
"""Of the validation and the test mixtures: the same ones whatever the seed of the training."""

MEMORY_LIMIT = 2**30
"""Fixed mixtures are kept in memory up to so many bytes, else made anew each time."""


SHARED_MEMORY = Path("/dev/shm")
"""Where tensors of worker processes are, on Linux."""

_PREFETCHED = 4  # batches a worker


class Batch(NamedTuple):
    """Audio with its targets.

    `waveform` is float32 of shape (batch, samples), `targets` int8 of shape (batch, n_labels); `songs` names the first
    song of each mixture, or the track of each chunk.
    """

    waveform: Tensor
    targets: Tensor
    songs: Sequence[str]


class MixtureDataset(Dataset[Batch]):
    """Mixture number `index` of a mixer, for any index; items are batches without the first axis."""

    def __init__(self, mixer: Mixer) -> None:
        self._mixer = mixer

    @property
    def n_labels(self) -> int:
        """Length of the targets of an item."""
        return int(self._mixer.pool.labels.shape[1])

    def __getitem__(self, index: int) -> Batch:
        mixture = self._mixer.mix(index)
        song = mixture.songs[0] if mixture.songs else ""
        return Batch(torch.from_numpy(mixture.audio), torch.from_numpy(np.array(mixture.labels)), song)


class EpochSampler(Sampler[int]):
    """Numbers of the mixtures of one epoch: `epoch * n ... (epoch + 1) * n - 1`, or a process's share of them.

    Lightning calls `set_epoch` before each epoch.
    """

    def __init__(self, n_mixtures: int, epoch: int = 0, place: Place | None = None) -> None:
        self.n_mixtures, self.epoch, self._place = n_mixtures, epoch, place or Place()

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n_mixtures // self._place.count

    def __iter__(self) -> Iterator[int]:
        # A range, not a generator: loaders with workers draw ahead, and the epoch may be set in between.
        return iter(self._place.share(range(self.epoch * self.n_mixtures, (self.epoch + 1) * self.n_mixtures)))


def loader_of(dataset: Any, batch_size: int, workers: int, sampler: Sampler[int] | Sequence[int]) -> DataLoader[Any]:
    """Batches of a dataset in the order of a sampler; its workers stay from epoch to epoch."""
    room = workers == 0 or (takes_sockets(tempfile.gettempdir()) and _has_room(dataset, batch_size * workers, sampler))
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        prefetch_factor=_PREFETCHED if workers else None,
        worker_init_fn=None if room else _send_through_pipe,
        pin_memory=torch.cuda.is_available(),  # batches then go to the GPU while it computes
        # A generator of its own: the loader would else draw from torch's, which is for the weights and dropout.
        generator=torch.Generator().manual_seed(0),
    )


def _has_room(dataset: Any, n_items: int, sampler: Sampler[int] | Sequence[int]) -> bool:
    """Whether shared memory takes what workers prefetch of so many items, twice."""
    first = next(iter(sampler), None)
    if first is None or not SHARED_MEMORY.is_dir():
        return True
    n_bytes = sum(part.nbytes for part in dataset[first] if isinstance(part, Tensor))
    return shutil.disk_usage(SHARED_MEMORY).free >= 2 * (_PREFETCHED + 1) * n_items * n_bytes


def _send_through_pipe(_worker: int) -> None:
    """Let this worker process use no shared memory, neither to make a batch nor to hand it over."""
    default_collate_fn_map[Tensor] = _stacked
    ForkingPickler.register(Tensor, _by_value)


def _stacked(tensors: Sequence[Tensor], *, collate_fn_map: Any = None) -> Tensor:
    return torch.stack(tuple(tensors))


def _by_value(tensor: Tensor) -> tuple[Any, ...]:
    return torch.from_numpy, (tensor.detach().numpy(),)


def loader_by_epoch(
    dataset: Any,
    batch_size: int,
    batches_per_epoch: int,
    workers: int,
    first_epoch: int = 0,
    place: Place | None = None,
) -> DataLoader[Any]:
    """Batches of a dataset without end, epoch after epoch; see `EpochSampler`.

    What an epoch holds depends neither on the workers nor on the number of processes: batch `b` of each process is its
    share of batch `b` of one process.
    """
    place = place or Place()
    sampler = EpochSampler(batch_size * batches_per_epoch, first_epoch, place)
    return loader_of(dataset, batch_size // place.count, workers, sampler)


def fixed_loader(
    dataset: Any,
    numbers: Sequence[int],
    batch_size: int,
    workers: int,
    keep: bool = True,
    doing: str = "",
    place: Place | None = None,
) -> DataLoader[Any]:
    """The same items of a dataset each time.

    Parameters
    ----------
    dataset : Dataset
    numbers : sequence of int
        Of the items.
    batch_size, workers : int
    keep : bool
        Make them at once, under a progress bar, and keep them in memory, if that takes no more than `MEMORY_LIMIT`.
    doing : str
        Beside the bar.
    place : Place, optional
        Only this process's share of the items.

    Raises
    ------
    ConfigError
        If there are more processes than items.
    """
    place = place or Place()
    if len(numbers) < place.count:
        raise ConfigError(f"{doing or 'evaluation'}: {place.count} processes, but {len(numbers)} items to share out")
    numbers = place.share(numbers)
    loader = loader_of(dataset, batch_size, workers, numbers)
    n_bytes = len(numbers) * dataset[numbers[0]].waveform.numel() * 4 if keep and len(numbers) else 0
    return (
        _kept_loader(loader, batch_size, doing, quiet=not place.is_first)
        if keep and n_bytes <= MEMORY_LIMIT
        else loader
    )


def _kept_loader(loader: DataLoader[Any], batch_size: int, doing: str, quiet: bool) -> DataLoader[Any]:
    console = Console(stderr=True, quiet=quiet)
    batches = [Batch(*batch) for batch in track(loader, doing, console=console)]
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


def load_pool(corpora: Sequence[Path], split: str, mixing: MixingConfig, label_set: LabelSet | None = None) -> StemPool:
    """The stems of a split, labelled by a label set (default: `default_set()`).

    Raises
    ------
    CorpusError
        If a folder is no prepared corpus, or the split is empty.
    ConfigError
        If a corpus has no labels of the set.
    """
    return StemPool.load(corpora, split, mixing, label_set)


def evaluation_mixer(
    corpora: Sequence[Path],
    split: str,
    mixing: MixingConfig,
    p_musical: float = 1.0,
    seed: int = EVALUATION_SEED,
    label_set: LabelSet | None = None,
) -> Mixer:
    """Mixer of a split for validation or test: without effects, and musical mixtures only by default."""
    settings = dataclasses.replace(mixing.for_evaluation(), p_musical=p_musical)
    return Mixer(load_pool(corpora, split, settings, label_set), settings, seed)


def one_line(error: OrganologyError) -> OrganologyError:
    """The error without the traceback that a worker process wraps around its text."""
    lines = str(error).strip().splitlines()
    if len(lines) < 2:
        return error
    text = lines[-1]
    _, _, rest = text.partition("Error: ")
    return OrganologyError(rest or text)
