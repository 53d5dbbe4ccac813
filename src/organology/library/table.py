"""Answering queries from a store, over all its recordings at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from organology.library.query.match import Mask, Numbers, matching_rows
from organology.library.query.parser import parse
from organology.library.rows import (
    RECORDING_COLUMNS,
    SCORE_COLUMNS,
    SECONDS_COLUMNS,
    Run,
    channel_name,
    columns,
    recognition_of,
    seconds_of,
)
from organology.library.store import Store
from organology.taxonomy import LABELS, raise_families

# Of each file the latest: the run and the kind (channels mixed, or each alone) of the row that was written last.
_LATEST = (
    "FROM recording AS r JOIN (SELECT path, max(id) AS last FROM recording GROUP BY path) AS l ON r.path = l.path"
    " JOIN recording AS n ON n.id = l.last"
    " WHERE r.run = n.run AND (r.channel > 0) = (n.channel > 0) AND r.failure IS NULL"
)


@dataclass(frozen=True, eq=False)
class Library:
    """Recordings of a store, a row each.

    Attributes
    ----------
    store : Store
    runs : dict of int to Run
    ids, run_ids, channels : int array, shape (n,)
    paths : list of str
        Absolute.
    durations : float array, shape (n,)
        In seconds.
    scores : float32 array, shape (n, 15)
        Of the files.
    thresholds : float array, shape (n, 15)
    asked : dict
        Thresholds in place of the models', by label.
    min_seconds : float, optional
        A label plays where its segments add up to this; None: where the file's score reaches its threshold.
    """

    store: Store
    runs: dict[int, Run]
    ids: NDArray[np.int64]
    run_ids: NDArray[np.int64]
    channels: NDArray[np.int64]
    paths: list[str]
    durations: Numbers
    scores: NDArray[np.float32]
    thresholds: Numbers
    asked: Mapping[str, float]
    min_seconds: float | None

    @staticmethod
    def load(store: Store, thresholds: Mapping[str, float] | None = None, min_seconds: float | None = None) -> Library:
        """The latest recognition of every file in a store.

        Parameters
        ----------
        store : Store
        thresholds : mapping, optional
            In place of the models', by label.
        min_seconds : float, optional
            See the class.
        """
        asked = dict(thresholds or {})
        runs = {run.id: run for run in store.runs()}
        numbers = columns([f"r.{name}" for name in ("duration", *SCORE_COLUMNS)])
        rows = store.select(f"SELECT r.id, r.run, r.channel, r.path, {numbers} {_LATEST} ORDER BY r.path, r.channel")
        rows = [row for row in rows if row[1] in runs]
        values = np.array([row[4:] for row in rows], np.float64).reshape(len(rows), 1 + len(LABELS))
        run_ids = np.array([row[1] for row in rows], np.int64)
        levels = np.zeros((len(rows), len(LABELS)))
        for number, run in runs.items():
            of_run = np.array(run.metadata.thresholds)
            for label, level in asked.items():
                of_run[LABELS.index(label)] = level
            levels[run_ids == number] = of_run
        return Library(
            store,
            runs,
            np.array([row[0] for row in rows], np.int64),
            run_ids,
            np.array([row[2] for row in rows], np.int64),
            [row[3] for row in rows],
            values[:, 0],
            values[:, 1:].astype(np.float32),
            levels,
            asked,
            min_seconds,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def names(self) -> list[str]:
        """Paths, with the channel where it stands alone."""
        return [channel_name(path, channel) for path, channel in zip(self.paths, self.channels.tolist(), strict=True)]

    @cached_property
    def plays(self) -> Mask:
        """Whether each label plays in each file by the file's score, shape (n, 15)."""
        return np.asarray(raise_families(self.scores >= self.thresholds))

    def taken(self, rows: NDArray[np.intp]) -> Library:
        """Some rows, in an order."""
        return replace(
            self,
            ids=self.ids[rows],
            run_ids=self.run_ids[rows],
            channels=self.channels[rows],
            paths=[self.paths[i] for i in rows],
            durations=self.durations[rows],
            scores=self.scores[rows],
            thresholds=self.thresholds[rows],
        )

    def find(self, query: str) -> Library:
        """The recordings that a query is true of.

        Parameters
        ----------
        query : str
            As `query.parse` reads it.

        Raises
        ------
        QueryError
            If it cannot be read.
        """
        return self.taken(matching_rows(self, parse(query)))

    @cached_property
    def seconds(self) -> Numbers:
        """How long each label plays in each file, in seconds, shape (n, 15).

        As stored, where that was reckoned with the same thresholds and settings; else from the windows' scores.
        """
        found = np.zeros((len(self), len(LABELS)))
        place = {identity: i for i, identity in enumerate(self.ids.tolist())}
        for identity in self._outdated(place):
            i = place[identity]
            found[i] = self._reckoned(identity, self.runs[int(self.run_ids[i])], self.thresholds[i])
            del place[identity]
        if place:
            for identity, *numbers in self.store.select(f"SELECT id, {columns(SECONDS_COLUMNS)} FROM recording"):
                if identity in place:
                    found[place[identity]] = numbers
        return found

    def _outdated(self, identities: Iterable[int]) -> list[int]:
        """Recordings whose stored seconds are of other thresholds or settings."""
        same = {
            number
            for number, run in self.runs.items()
            if all(level == run.metadata.thresholds[LABELS.index(label)] for label, level in self.asked.items())
        }
        rows = self.store.select("SELECT id, run, segmenting FROM recording")
        segmenting = self.store.segmenting()
        current = {identity for identity, run, of in rows if run in same and of == segmenting}
        return [identity for identity in identities if identity not in current]

    def _reckoned(self, identity: int, run: Run, thresholds: Numbers) -> Numbers:
        ((*row, packed),) = self.store.select(
            f"SELECT {columns(RECORDING_COLUMNS)}, scores FROM recording JOIN window_scores ON recording = id"
            " WHERE id = ?",
            (identity,),
        )
        recognition = recognition_of(dict(zip(RECORDING_COLUMNS, row, strict=True)), packed, run, "")
        return seconds_of(replace(recognition, thresholds=thresholds))


def sorted_rows(library: Library, by: str) -> NDArray[np.intp]:
    """Rows in the order of a column.

    Parameters
    ----------
    by : str
        `path` (ascending), `duration` or a label (its score; both descending); `-` before it turns the order round.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    name = by.removeprefix("-")
    if name == "path":
        rows = np.arange(len(library))
    elif name == "duration":
        rows = np.argsort(-library.durations, kind="stable")
    elif name in LABELS:
        rows = np.argsort(-library.scores[:, LABELS.index(name)], kind="stable")
    else:
        raise ValueError(f"not a column to sort by: {by!r}; there are path, duration and {', '.join(LABELS)}")
    return rows[::-1] if by.startswith("-") else rows
