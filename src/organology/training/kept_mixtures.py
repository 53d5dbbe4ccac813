"""Mixtures kept on disk, so that trainings which learn from the same ones make them once."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from organology.atomic import written_whole
from organology.mixing import Mixer
from organology.training.data import Batch, MixtureDataset


class KeptMixtures(Dataset[Batch]):
    """Mixture number `index` of a mixer, for any index, from a file or put into one.

    The audio is kept as it is, in float32: half a megabyte for 4 s.

    Parameters
    ----------
    mixer : Mixer
    folder : path
        Of mixtures of any mixers.
    of : sequence of str
        What the mixer's pool is made of beside its settings: hashes of tables, split, label set.
    """

    def __init__(self, mixer: Mixer, folder: Path, of: Sequence[str]) -> None:
        self._mixtures = MixtureDataset(mixer)
        plain = mixer.config.to_key()
        plain.pop("cache_megabytes")
        key = hashlib.sha256(json.dumps([plain, list(of)], sort_keys=True, allow_nan=False).encode()).hexdigest()[:12]
        self._folder = folder / f"{key}-seed{mixer.seed}"

    @property
    def n_labels(self) -> int:
        """Length of the targets of an item."""
        return self._mixtures.n_labels

    def __getitem__(self, index: int) -> Batch:
        path = self._folder / f"{index // 1000:06}" / f"{index % 1000:03}.npz"
        try:
            with np.load(path) as arrays:
                return Batch(
                    torch.from_numpy(arrays["audio"]), torch.from_numpy(arrays["targets"]), str(arrays["song"])
                )
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            pass  # not there, or not whole
        made = self._mixtures[index]
        with written_whole(path) as temporary:
            np.savez(temporary, audio=made.waveform.numpy(), targets=made.targets.numpy(), song=np.array(made.songs))
        return made
