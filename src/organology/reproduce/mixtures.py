"""Fixed mixtures, made once and scored by every arm.

Two files a set in `OUT/mixtures`: the audio as int16 (`.npy`, memory-mapped when read) and the targets with the songs
(`.npz`, written last). They may be deleted at any time; they are then made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from organology.atomic import written_whole
from organology.corpora.table import TABLE_NAME
from organology.errors import OrganologyError
from organology.mixing import MixingConfig
from organology.reproduce.runs import content_hash, unlike
from organology.training import Recipe
from organology.training.data import Batch, MixtureDataset, evaluation_mixer, fixed_loader, one_line

FULL_SCALE = 32_767
BATCH = 32


@dataclass(frozen=True)
class MixtureSet:
    """A set of fixed mixtures.

    Attributes
    ----------
    name : str
        Of the split and a hash of what the mixtures depend on.
    audio : path
    about : path
    size : int
    """

    name: str
    audio: Path
    about: Path
    size: int

    def labels(self) -> tuple[NDArray[np.int8], NDArray[np.str_]]:
        """Targets of shape (size, 15), and the first song of each mixture."""
        with np.load(self.about) as values:
            return values["targets"], values["songs"]

    def batches(self) -> Iterator[NDArray[np.float32]]:
        """The audio in batches of shape (up to 32, chunk_frames)."""
        samples = np.load(self.audio, mmap_mode="r")
        for start in range(0, len(samples), BATCH):
            yield samples[start : start + BATCH].astype(np.float32) / FULL_SCALE

    def read(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """The audio of some, shape (len(numbers), chunk_frames)."""
        samples = np.load(self.audio, mmap_mode="r")
        return np.asarray(samples[np.asarray(numbers)].astype(np.float32) / np.float32(FULL_SCALE))


def mixture_set(folder: Path, recipe: Recipe, split: str, size: int, p_musical: float, seed: int) -> MixtureSet:
    """Name a set; nothing is made.

    Parameters
    ----------
    folder : path
        Of all sets.
    recipe : Recipe
        Its corpora and its mixing, without effects; its `p_musical` has no say.
    split : str
    size : int
        Mixtures 0 ... size - 1 of the seed.
    p_musical : float
    seed : int
    """
    mixing = unlike(recipe.mixing.for_evaluation().to_key(), MixingConfig().for_evaluation().to_key())
    for key in ("p_musical", "cache_megabytes", "stretch_variants"):
        mixing.pop(key, None)
    tables = [content_hash(path / TABLE_NAME) for path in recipe.corpora]
    plain = json.dumps(
        [mixing, recipe.mixing.draws, tables, split, size, p_musical, seed], sort_keys=True, allow_nan=False
    )
    name = f"{split}-{size}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
    return MixtureSet(name, folder / f"{name}.npy", folder / f"{name}.npz", size)


def make_mixtures(
    wanted: MixtureSet, recipe: Recipe, split: str, p_musical: float, seed: int, console: Console | None = None
) -> None:
    """Make the mixtures of a set, if they are not there; parameters as of `mixture_set`.

    Raises
    ------
    OrganologyError
        If a corpus or a stem cannot be used.
    """
    wanted.audio.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(wanted.audio.with_suffix(".lock")):
        if wanted.audio.is_file() and wanted.about.is_file():
            return
        mixer = evaluation_mixer(recipe.corpora, split, recipe.mixing, p_musical, seed)
        loader = fixed_loader(MixtureDataset(mixer), range(wanted.size), BATCH, recipe.training.workers, keep=False)
        targets: list[NDArray[np.int8]] = []
        songs: list[str] = []
        with written_whole(wanted.audio) as temporary:
            shape = (wanted.size, recipe.mixing.chunk_frames)
            samples = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.int16, shape=shape)
            try:
                batches = track(loader, f"making {wanted.size} mixtures of the {split} split",
                             console=console or Console(stderr=True))  # fmt: skip
                for batch in batches:
                    waveform, labels, names = Batch(*batch)
                    whole = np.clip(np.rint(waveform.numpy() * FULL_SCALE), -FULL_SCALE, FULL_SCALE)
                    samples[len(songs) : len(songs) + len(names)] = whole.astype(np.int16)
                    targets.append(labels.numpy())
                    songs += names
            except OrganologyError as error:
                raise one_line(error) from None
            samples.flush()
            del samples
        with written_whole(wanted.about) as temporary:
            np.savez_compressed(temporary, targets=np.concatenate(targets), songs=np.array(songs))
