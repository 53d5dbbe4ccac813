"""Recordings copied between a SQLite store and a Parquet dataset, with all that is known of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pyarrow as pa

from organology.cluster.dataset import Dataset
from organology.cluster.schema import DatasetRun, FileKey, local_path, recognition_of, stored_path, values_of
from organology.errors import StoreError
from organology.library import rows as store_rows
from organology.library.columns import listed
from organology.library.rows import FileState, Packed, Run, channel_name, settings_text
from organology.library.store import Store

PART_ROWS = 4000
"""In a file of a dataset that is written from a store."""

_PIECE_ROWS = 200  # whose windows are plain Python at once

Progress = Callable[[int], None]


def export_store(store: Store, dataset: Dataset, progress: Progress = lambda done: None) -> int:
    """Copy what a store holds into a dataset, but what it has already; a damaged row is left out.

    Parameters
    ----------
    store : Store
    dataset : Dataset
    progress : callable, optional
        Called now and then with how many rows are written.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    StoreError
        If one of them cannot be used, or the dataset holds another label set.
    """
    job, n_written = secrets.token_hex(4), 0
    for run in store.runs():
        ((sha256,),) = store.select("SELECT sha256 FROM model JOIN run ON model.id = model WHERE run.id = ?", (run.id,))
        about = DatasetRun(sha256, run.model, run.metadata, run.hop_frames, settings_text(run.metadata.frames))
        dataset.check_run(about)
        known = {*dataset.done(about), *dataset.done(about, split=True)}
        rows = (row for row in _store_rows(store, run) if _key(row) not in known)
        for number, table in enumerate(_tables(rows, about)):
            dataset.write(about, job, f"{number:06}", table)
            n_written += len(table)
            progress(n_written)
    return n_written


def _key(row: dict[str, Any]) -> FileKey:
    return FileKey(row["path"], row["size"], row["mtime_ns"])


def _tables(rows: Iterable[dict[str, Any]], about: DatasetRun) -> Iterator[pa.Table]:
    """Rows as tables of `PART_ROWS`."""
    rows = iter(rows)
    while True:
        of_part = islice(rows, PART_ROWS)
        pieces = []
        while piece := list(islice(of_part, _PIECE_ROWS)):
            pieces.append(pa.Table.from_pylist(piece, schema=about.schema))
        if not pieces:
            return
        yield pa.concat_tables(pieces)


def _store_rows(store: Store, run: Run) -> Iterator[dict[str, Any]]:
    """The rows of a run, in the order of their paths."""
    has_content = "content" in {row[1] for row in store.select("PRAGMA table_info(recording)")}
    columns = (*store.columns.read, *(["content"] if has_content else []))
    packed, joins = Packed.selected(run)
    numbers = store.select("SELECT id FROM recording WHERE run = ? ORDER BY path, channel", (run.id,))
    for (identity,) in numbers:
        ((*values,),) = store.select(
            f"SELECT {listed(columns, 'recording')}, {packed} FROM recording {joins} WHERE recording.id = ?",
            (identity,),
        )
        row, of_row = dict(zip(columns, values, strict=False)), Packed(*values[len(columns) :])
        head = {
            **{name: row[name] for name in ("channel", "channels", "size", "mtime_ns", "failure")},
            "path": stored_path(row["path"]),
            "recognized_at": datetime.fromisoformat(row["recognized_at"]),
            "transient": False,
            "content": row.get("content"),
        }
        if row["failure"] is not None:
            yield head
            continue
        try:
            yield {**head, **values_of(store_rows.recognition_of(row, of_row, run, row["path"]))}
        except (ValueError, TypeError, OverflowError):
            continue


def import_dataset(dataset: Dataset, store: Store, progress: Progress = lambda done: None) -> int:
    """Copy what a dataset holds into a store, in place of what the store has of the same files.

    Parameters
    ----------
    dataset : Dataset
    store : Store
    progress : callable, optional
        Called after every file with how many are written.

    Returns
    -------
    int
        How many files were written.

    Raises
    ------
    StoreError
        If one of them cannot be used, or the store holds another label set.
    """
    runs, parts = dataset.runs(), dataset.parts()
    if not runs:
        raise StoreError(f"{dataset.address}: no such dataset")
    latest = _latest(dataset)
    n_written = 0
    for partition, about in runs.items():
        run = store.run(about.sha256, about.model, about.metadata, about.hop_seconds)
        for table in dataset.tables(parts[partition]):
            for rows in _by_file(table):
                if latest[rows[0]["path"]] == rows[0]["recognized_at"] and not rows[0]["transient"]:
                    _put(store, run, about, rows)
                    n_written += 1
                    progress(n_written)
    return n_written


def merge_dataset(dataset: Dataset, target: Dataset, progress: Progress = lambda done: None) -> int:
    """Copy the latest rows of a dataset into another one of fewer and larger files, but what that has already.

    Parameters
    ----------
    dataset, target : Dataset
    progress : callable, optional
        Called now and then with how many rows are written.

    Returns
    -------
    int
        How many rows were written.

    Raises
    ------
    StoreError
        If one of them cannot be used, or they are the same, or hold different label sets.
    """
    if dataset.root == target.root:
        raise StoreError(f"{target.address}: must be another dataset than the one that is copied")
    runs, parts, latest = dataset.runs(), dataset.parts(), _latest(dataset)
    job, n_written = secrets.token_hex(4), 0
    for partition, about in runs.items():
        target.check_run(about)
        known = {*target.done(about), *target.done(about, split=True)}
        pieces: list[pa.Table] = [about.schema.empty_table()]
        number = 0
        for table in (*dataset.tables(parts[partition]), None):
            if table is not None:
                pieces.append(table.filter(pa.array(_is_wanted(table, latest, known), pa.bool_())))
            n_rows = sum(map(len, pieces))
            if n_rows >= PART_ROWS or (table is None and n_rows):
                whole = pa.concat_tables(pieces, promote_options="default")
                target.write(about, job, f"{number:06}", whole.select(about.schema.names).cast(about.schema))
                number, pieces, n_written = number + 1, pieces[:1], n_written + n_rows
                progress(n_written)
    return n_written


def _is_wanted(table: pa.Table, latest: dict[str, datetime], known: set[FileKey]) -> list[bool]:
    """Of each row whether it is the latest of its file, and not known yet."""
    columns = (table[name].to_pylist() for name in ("recognized_at", "path", "size", "mtime_ns", "etag"))
    return [latest[path] == at and FileKey(path, *rest) not in known for at, path, *rest in zip(*columns, strict=True)]


def _latest(dataset: Dataset) -> dict[str, datetime]:
    """When each path was recognized last."""
    found: dict[str, datetime] = {}
    never = datetime.min.replace(tzinfo=UTC)
    for names in dataset.parts().values():
        for table in dataset.tables(names, ("path", "recognized_at")):
            for path, at in zip(table["path"].to_pylist(), table["recognized_at"].to_pylist(), strict=True):
                found[path] = max(at, found.get(path, never))
    return found


def _by_file(table: pa.Table) -> Iterator[list[dict[str, Any]]]:
    """Rows of one file and time after the other; the rows of a file lie beside each other."""
    rows: list[dict[str, Any]] = []
    for batch in table.to_batches(max_chunksize=_PIECE_ROWS):
        for row in batch.to_pylist():
            if rows and (row["path"], row["recognized_at"]) != (rows[0]["path"], rows[0]["recognized_at"]):
                yield rows
                rows = []
            rows.append(row)
    if rows:
        yield rows


def _put(store: Store, run: Run, about: DatasetRun, rows: list[dict[str, Any]]) -> None:
    first = rows[0]
    file = FileState(local_path(first["path"]), first["size"], first["mtime_ns"])
    content, at = first.get("content"), first["recognized_at"]
    if first["failure"] is not None:
        store.put_failure(run, file, first["failure"], content, at)
        return
    recognitions = [recognition_of(row, about, channel_name(file.path, row["channel"])) for row in rows]
    store.put(run, file, recognitions, split=first["channels"] is not None, content=content, at=at)
