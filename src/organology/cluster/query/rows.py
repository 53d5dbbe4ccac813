"""What a query found in a dataset, a row a recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from organology.cluster.schema import DatasetRun
from organology.labels import LabelSet
from organology.library.query.match import Mask, Numbers
from organology.library.rows import channel_name


@dataclass(frozen=True, eq=False)
class DatasetRows:
    """Recordings of a dataset; the attributes are those of `library.table.Library`.

    Attributes
    ----------
    label_set : LabelSet
    runs : dict of int to DatasetRun
    run_ids, channels : int array, shape (n,)
    paths : list of str
    durations : float array, shape (n,)
    scores : float32 array, shape (n, n_labels)
    thresholds : float array, shape (n, n_labels)
        Neither has columns where only names were asked for; `plays` is not known then.
    min_seconds : float, optional
    known_seconds : float array, shape (n, n_labels), optional
        How long each label plays, where it had to be computed.
    """

    label_set: LabelSet
    runs: dict[int, DatasetRun]
    run_ids: NDArray[np.int64]
    channels: NDArray[np.int64]
    paths: list[str]
    durations: Numbers
    scores: NDArray[np.float32]
    thresholds: Numbers
    min_seconds: float | None = None
    known_seconds: Numbers | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def names(self) -> list[str]:
        """Paths, with the channel where it stands alone."""
        return [channel_name(path, channel) for path, channel in zip(self.paths, self.channels.tolist(), strict=True)]

    @cached_property
    def plays(self) -> Mask:
        """Whether each label plays in each file by the file's score, shape (n, n_labels)."""
        return np.asarray(self.label_set.raise_parents(self.scores >= self.thresholds))

    @property
    def has_seconds(self) -> bool:
        """Whether `seconds` is known."""
        return self.known_seconds is not None

    @property
    def seconds(self) -> Numbers:
        """How long each label plays, shape (n, n_labels)."""
        assert self.known_seconds is not None
        return self.known_seconds

    def taken(self, rows: NDArray[np.intp]) -> DatasetRows:
        """Some rows, in an order."""
        return replace(
            self,
            run_ids=self.run_ids[rows],
            channels=self.channels[rows],
            paths=[self.paths[i] for i in rows],
            durations=self.durations[rows],
            scores=self.scores[rows],
            thresholds=self.thresholds[rows],
            known_seconds=None if self.known_seconds is None else self.known_seconds[rows],
        )

    @staticmethod
    def joined(parts: list[DatasetRows]) -> DatasetRows:
        """Rows of several parts, one after the other; of one at the least."""
        first = parts[0]
        if len(parts) == 1:
            return first
        return replace(
            first,
            run_ids=np.concatenate([one.run_ids for one in parts]),
            channels=np.concatenate([one.channels for one in parts]),
            paths=[path for one in parts for path in one.paths],
            durations=np.concatenate([one.durations for one in parts]),
            scores=np.concatenate([one.scores for one in parts]),
            thresholds=np.concatenate([one.thresholds for one in parts]),
            known_seconds=None,
        )
