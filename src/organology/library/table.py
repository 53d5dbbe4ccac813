"""Answering queries from a store, over all its recordings at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.library.columns import Columns, listed
from organology.library.query.match import Mask, Numbers, matching_rows
from organology.library.query.parser import parse
from organology.library.rows import Packed, Run, channel_name, recognition_of, seconds_of
from organology.library.store import Store
from organology.recognition.thresholds import Thresholds, resolve_thresholds

# Of each file the latest: the run and the kind (channels mixed, or each alone) of the row that was written last.
_LATEST = (
    "FROM recording AS r JOIN (SELECT path, max(id) AS last FROM recording GROUP BY path) AS l ON r.path = l.path"
    " JOIN recording AS n ON n.id = l.last"
    " WHERE r.run = n.run AND (r.channel > 0) = (n.channel > 0) AND r.failure IS NULL"
)

_HUGE = 1e9  # no score or duration in seconds reaches it


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
    scores : float32 array, shape (n, n_labels)
        Of the files.
    thresholds : float array, shape (n, n_labels)
    asked : float, mapping, sequence or array, optional
        Thresholds in place of the models'.
    preset : str, optional
        Of the models, in whose place `asked` stands then.
    min_seconds : float, optional
        A label plays where its segments add up to this; None: where the file's score reaches its threshold.
    unreadable : list of str
        Names of recordings whose rows are damaged. They are left out, or play for 0 s where only their windows are.
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
    asked: Thresholds | None
    preset: str | None
    min_seconds: float | None
    unreadable: list[str] = field(default_factory=list)

    @staticmethod
    def load(
        store: Store,
        thresholds: Thresholds | None = None,
        min_seconds: float | None = None,
        preset: str | None = None,
    ) -> Library:
        """The latest recognition of every file in a store.

        Parameters
        ----------
        store : Store
        thresholds : float, str, mapping, sequence or array, optional
            In place of the models', or the name of a preset.
        min_seconds : float, optional
            See the class.
        preset : str, optional
            Thresholds that the models have by this name, such as "strict"; `thresholds` stand in their place.

        Raises
        ------
        StoreError
            If the store cannot be read.
        ValueError
            If the thresholds are none, or a model has no such preset.
        """
        if isinstance(thresholds, str):
            preset, thresholds = thresholds, None
        runs = {run.id: run for run in store.runs()}
        rows, values, unreadable = _rows_of(store, runs)
        run_ids = np.array([row[1] for row in rows], np.int64)
        chosen = np.zeros((len(rows), len(store.label_set)))
        runs = {number: run for number, run in runs.items() if preset is None or number in run_ids}
        for number, run in runs.items():
            chosen[run_ids == number] = _thresholds_of(run, store.label_set, preset, thresholds)
        return Library(
            store,
            runs,
            np.array([row[0] for row in rows], np.int64),
            run_ids,
            np.array([row[2] for row in rows], np.int64),
            [row[3] for row in rows],
            values[:, 0],
            values[:, 1:].astype(np.float32),
            chosen,
            thresholds,
            preset,
            min_seconds,
            unreadable,
        )

    @property
    def label_set(self) -> LabelSet:
        """The label set of the store."""
        return self.store.label_set

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def _columns(self) -> Columns:
        return self.store.columns

    @property
    def names(self) -> list[str]:
        """Paths, with the channel where it stands alone."""
        return [channel_name(path, channel) for path, channel in zip(self.paths, self.channels.tolist(), strict=True)]

    @cached_property
    def plays(self) -> Mask:
        """Whether each label plays in each file by the file's score, shape (n, n_labels)."""
        return np.asarray(self.label_set.raise_parents(self.scores >= self.thresholds))

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
            As `query.parser.parse` reads it.

        Raises
        ------
        QueryError
            If it cannot be read.
        """
        return self.taken(matching_rows(self, parse(query, self.label_set)))

    @property
    def has_seconds(self) -> bool:
        """Whether `seconds` has been computed."""
        return "seconds" in vars(self)

    @cached_property
    def seconds(self) -> Numbers:
        """How long each label plays in each file, in seconds, shape (n, n_labels).

        As stored, where that was computed with the same thresholds and settings; else from the windows' scores.
        """
        found = np.zeros((len(self), len(self.label_set)))
        place = {identity: i for i, identity in enumerate(self.ids.tolist())}
        for identity in self._outdated(place):
            i = place[identity]
            try:
                found[i] = self._computed(identity, self.runs[int(self.run_ids[i])], self.thresholds[i])
            except (ValueError, TypeError, OverflowError):
                self.unreadable.append(channel_name(self.paths[i], int(self.channels[i])))
            del place[identity]
        if place:
            for identity, *numbers in self.store.select(f"SELECT id, {listed(self._columns.seconds)} FROM recording"):
                if identity in place:
                    try:
                        found[place[identity]] = numbers
                    except (ValueError, TypeError):
                        self.unreadable.append(self.names[place[identity]])
        return found

    def _outdated(self, identities: Iterable[int]) -> list[int]:
        """Recordings whose stored seconds are of other thresholds or settings."""
        same = {
            number
            for number, run in self.runs.items()
            if tuple(_thresholds_of(run, self.label_set, self.preset, self.asked).tolist()) == run.metadata.thresholds
        }
        rows = self.store.select("SELECT id, run, segmenting FROM recording")
        current = {identity for identity, run, of in rows if run in same and of == self.runs[run].segmenting}
        return [identity for identity in identities if identity not in current]

    def _computed(self, identity: int, run: Run, thresholds: Numbers) -> Numbers:
        columns = self._columns.read
        packed, joins = Packed.selected(run)
        ((*row,),) = self.store.select(
            f"SELECT {listed(columns, 'recording')}, {packed} FROM recording {joins} WHERE recording.id = ?",
            (identity,),
        )
        of_row = Packed(*row[len(columns) :])
        recognition = recognition_of(dict(zip(columns, row, strict=False)), of_row, run, "")
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
    elif name in library.label_set.labels:
        rows = np.argsort(-library.scores[:, library.label_set.index(name)], kind="stable")
    else:
        raise ValueError(
            f"{by!r} is no column to sort by; they are path, duration, {', '.join(library.label_set.labels)}"
        )
    return rows[::-1] if by.startswith("-") else rows


def _thresholds_of(run: Run, label_set: LabelSet, preset: str | None, asked: Thresholds | None) -> Numbers:
    return resolve_thresholds(label_set, run.metadata.preset(preset), asked)


def _rows_of(
    store: Store, runs: Mapping[int, Run]
) -> tuple[list[tuple[int, int, int, str]], NDArray[np.float64], list[str]]:
    """Of the latest rows id, run, channel and path; durations and scores, (n, 1 + n_labels); and what is damaged."""
    n_numbers = 1 + len(store.label_set)
    if store.is_empty:
        return [], np.zeros((0, n_numbers)), []
    names = listed(("duration", *store.columns.scores), "r")
    rows = store.select(f"SELECT r.id, r.run, r.channel, r.path, {names} {_LATEST} ORDER BY r.path, r.channel")
    rows = [row for row in rows if row[1] in runs]
    whole = [row for row in rows if _is_whole(row)]
    values = np.array([row[4:] for row in whole], np.float64).reshape(-1, n_numbers)
    sane: Mask = np.asarray((np.abs(values) < _HUGE).all(axis=1))
    good = [row[:4] for row, is_sane in zip(whole, sane, strict=True) if is_sane]
    unreadable = [] if len(good) == len(rows) else sorted({str(row[3]) for row in rows} - {row[3] for row in good})
    return good, values[sane], unreadable


def _is_whole(row: tuple[object, ...]) -> bool:
    """Whether every value is of the type that it has to be."""
    return type(row[2]) is int and type(row[3]) is str and set(map(type, row[4:])) == {float}
