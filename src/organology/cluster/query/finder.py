"""Queries over a dataset, answered by DuckDB: it reads only the columns and row groups that a query needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np

from organology.cluster.dataset import Dataset
from organology.cluster.query.rows import DatasetRows
from organology.cluster.query.sql import Conditions, scan
from organology.cluster.schema import LISTS, DatasetRun, recognition_of
from organology.errors import StoreError, one_line
from organology.labels import LabelSet
from organology.library.columns import listed, quoted
from organology.library.query.match import matching_rows
from organology.library.query.parser import parse
from organology.library.query.tree import Query
from organology.library.rows import seconds_of, settings_text
from organology.recognition.thresholds import Thresholds, resolve_thresholds

_WINDOWS = tuple(name for name in LISTS if name != "segments")
_NAMES = ("path", "channel", "recognized_at", "duration")
_PIECE_ROWS = 1000  # whose windows are in memory at once


@dataclass(frozen=True, eq=False)
class Found:
    """What a query found.

    Attributes
    ----------
    rows : DatasetRows
        In order, `limit` of them at the most.
    n_matching : int
        How many match.
    """

    rows: DatasetRows
    n_matching: int


class Finder:
    """Answers queries from a dataset; a context manager.

    Parameters
    ----------
    dataset : Dataset
    thresholds : float, mapping, sequence or array, optional
        In place of the models'.
    min_seconds : float, optional
        A label plays where its segments add up to this; None: where the file's score reaches its threshold.
    preset : str, optional
        Thresholds that the models have by this name, such as "strict"; `thresholds` stand in their place.

    Raises
    ------
    ValueError
        If the thresholds are none, or a model has no such preset.
    StoreError
        "ADDRESS: reason" if it cannot be read, or holds nothing; also from `find`.
    """

    def __init__(
        self,
        dataset: Dataset,
        thresholds: Thresholds | None = None,
        min_seconds: float | None = None,
        preset: str | None = None,
    ) -> None:
        self._dataset, self._min_seconds = dataset, min_seconds
        parts = dataset.parts()
        if not parts:
            raise StoreError(f"{dataset.address}: no such dataset")
        self.label_set: LabelSet = dataset.label_set
        runs = dataset.runs(parts)
        self._runs: dict[int, DatasetRun] = dict(enumerate(runs.values()))
        self._urls = [[dataset.url(name) for name in parts[partition]] for partition in runs]
        self._thresholds = [
            resolve_thresholds(self.label_set, run.metadata.preset(preset), thresholds) for run in runs.values()
        ]
        self._is_unique = len(dataset.jobs(parts)) == 1
        self._connection = duckdb.connect()
        if not dataset.is_local:
            self._connection.register_filesystem(dataset.files)

    def __enter__(self) -> Finder:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def find(self, query: str, by: str = "path", limit: int | None = None, *, names_only: bool = False) -> Found:
        """The latest recognitions that a query is true of.

        Parameters
        ----------
        query : str
            As `library.query.parser.parse` reads it.
        by : str
            As `library.table.sorted_rows` takes it.
        limit : int, optional
        names_only : bool
            Leave the scores out, as far as the query allows it: the rows have names and durations.

        Raises
        ------
        QueryError
            If the query cannot be read.
        ValueError
            If there is no such column to sort by.
        """
        tree, order = parse(query, self.label_set), self._order(by)
        try:
            conditions = [self._conditions(number).bounds(tree) for number in self._runs]
            can = [one for one, _ in conditions]
            if all(one == other for one, other in conditions):
                rows = self._fetched(can, order, limit, () if names_only else self.label_set.labels)
                is_cut = limit is not None and len(rows) == limit
                return Found(rows, self._count(can) if is_cut else len(rows))
            rows = self._refined(tree, can, order)
            return Found(rows.taken(np.arange(len(rows))[:limit]), len(rows))
        except duckdb.Error as error:
            raise StoreError(f"{self._dataset.address}: {one_line(error)}") from error

    def __len__(self) -> int:
        """How many recordings there are."""
        try:
            return self._count(["TRUE"] * len(self._runs))
        except duckdb.Error as error:
            raise StoreError(f"{self._dataset.address}: {one_line(error)}") from error

    def _conditions(self, number: int) -> Conditions:
        run, thresholds = self._runs[number], self._thresholds[number]
        is_current = (
            run.settings == settings_text(run.metadata.frames) and tuple(thresholds.tolist()) == run.metadata.thresholds
        )
        return Conditions(self.label_set, thresholds.tolist(), self._min_seconds, is_current)

    def _order(self, by: str) -> str:
        name, is_turned = by.removeprefix("-"), by.startswith("-")
        up, down = ("DESC", "ASC") if is_turned else ("ASC", "DESC")
        ties = f"path {up}, channel {up}"
        if name == "path":
            return ties
        if name != "duration" and name not in self.label_set.labels:
            names = ", ".join(("path", "duration", *self.label_set.labels))
            raise ValueError(f"{by!r} is no column to sort by; they are {names}")
        return f"{quoted(name)} {down}, {ties}"

    def _from(self, conditions: list[str], columns: str) -> str:
        """The latest rows that match, without failures."""
        parts = [
            f"SELECT {number} AS run_id, {columns} FROM {scan(urls)} AS r WHERE failure IS NULL AND {condition}"
            for number, (urls, condition) in enumerate(zip(self._urls, conditions, strict=True))
        ]
        found = " UNION ALL ".join(parts)
        if self._is_unique:
            return found
        every = scan([url for urls in self._urls for url in urls])
        later = (
            f"SELECT path, max(recognized_at) AS last_at FROM {every} GROUP BY path HAVING last_at > min(recognized_at)"
        )
        return (
            f"SELECT m.* FROM ({found}) AS m LEFT JOIN ({later}) AS l ON l.path = m.path"
            " WHERE l.last_at IS NULL OR m.recognized_at = l.last_at"
        )

    def _count(self, conditions: list[str]) -> int:
        sql = f"SELECT count(*) FROM ({self._from(conditions, 'path, recognized_at')})"
        (count,) = self._connection.execute(sql).fetchone() or (0,)
        return int(count)

    def _fetched(self, conditions: list[str], order: str, limit: int | None, labels: tuple[str, ...]) -> DatasetRows:
        cut = "" if limit is None else f" LIMIT {limit:d}"
        shown = ("run_id", "path", "channel", "duration", *labels)
        inner = [name for name in self._names() if name in _NAMES or name in labels or quoted(name) in order]
        rows = self._from(conditions, listed(inner))
        sql = f"SELECT {listed(shown)} FROM ({rows}) ORDER BY {order}{cut}"
        columns: dict[str, Any] = self._connection.execute(sql).fetchnumpy()
        return self._rows(columns, labels)

    def _rows(self, columns: dict[str, Any], labels: tuple[str, ...]) -> DatasetRows:
        run_ids = np.asarray(columns["run_id"], np.int64)
        chosen = [self.label_set.index(label) for label in labels]
        thresholds = np.array(self._thresholds).reshape(-1, len(self.label_set))[:, chosen]
        scores = [np.asarray(columns[label], np.float32) for label in labels]
        return DatasetRows(
            self.label_set,
            self._runs,
            run_ids,
            np.asarray(columns["channel"], np.int64),
            [str(path) for path in columns["path"]],
            np.asarray(columns["duration"], np.float64),
            np.stack(scores, axis=1) if scores else np.empty((len(run_ids), 0), np.float32),
            thresholds[run_ids],
            self._min_seconds,
        )

    def _refined(self, tree: Query, conditions: list[str], order: str) -> DatasetRows:
        """Rows that match when how long labels play is computed from their windows."""
        labels = self.label_set.labels
        names = ("run_id", *self._names())
        parts = [self._rows(_transposed([], names), labels)]
        columns = listed((*self._names(), "notes", *_WINDOWS))
        sql = f"SELECT * FROM ({self._from(conditions, columns)}) ORDER BY {order}"
        for piece in self._pieces(sql):
            seconds = np.array([self._seconds(row) for row in piece])
            rows = replace(self._rows(_transposed(piece, names), labels), known_seconds=seconds)
            parts.append(rows.taken(matching_rows(rows, tree)))
        return DatasetRows.joined(parts)

    def _names(self) -> tuple[str, ...]:
        return (*_NAMES, *self.label_set.labels)

    def _pieces(self, sql: str) -> Iterator[list[dict[str, Any]]]:
        cursor = self._connection.execute(sql)
        names = [one[0] for one in cursor.description]
        while piece := cursor.fetchmany(_PIECE_ROWS):
            yield [dict(zip(names, row, strict=True)) for row in piece]

    def _seconds(self, row: dict[str, Any]) -> Any:
        recognition = recognition_of(row, self._runs[row["run_id"]], row["path"])
        return seconds_of(replace(recognition, thresholds=self._thresholds[row["run_id"]]))


def _transposed(rows: list[dict[str, Any]], names: tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}
