"""A store as clients see it: recordings by their names, never by where they lie."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from organology.errors import OrganologyError, QueryError, StoreError
from organology.labels import LabelSet
from organology.library.rows import FileState, channel_name
from organology.library.store import Store
from organology.library.table import Library, sorted_rows
from organology.recognition.result import Recognition
from organology.recognition.thresholds import Thresholds
from organology.serving.problems import Problem


class StoredLibrary:
    """The recordings of a store; safe to use from several threads.

    Parameters
    ----------
    path : Path
        Made where there is none, so that a server can be started before the first `recognize --store`.
    """

    def __init__(self, path: Path) -> None:
        self._store = Store(path)
        self._lock = threading.Lock()
        self._loaded: tuple[int, Library] | None = None

    @property
    def label_set(self) -> LabelSet | None:
        """The labels of the store; None while it is empty."""
        return None if self._store.is_empty else self._store.label_set

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _all(self) -> Library:
        """All recordings, loaded again when another process has written to the store."""
        with self._lock:
            ((version,),) = self._store.select("PRAGMA data_version")
            if self._loaded is None or self._loaded[0] != version:
                library = Library.load(self._store)
                names = [PurePath(path).name for path in library.paths]
                # Queries compare paths; with names in their place they can tell nothing of folders.
                self._loaded = (version, replace(library, paths=names))
            return self._loaded[1]

    def find(
        self, query: str, thresholds: Thresholds | None, sort: str, limit: int, offset: int
    ) -> tuple[int, list[dict[str, Any]]]:
        """How many recordings a query is true of, and a page of them.

        Raises
        ------
        Problem
            422 if the query or the order cannot be read, 503 if the store cannot.
        """
        try:
            library = self._all()
            if thresholds is not None:
                asked = Library.load(self._store, thresholds)
                library = replace(asked, paths=[PurePath(path).name for path in asked.paths])
            found = library.find(query)
            rows = sorted_rows(found, sort)
        except (QueryError, ValueError) as error:
            raise Problem(422, str(error)) from error
        except StoreError as error:
            raise Problem(503, "the store cannot be read now", retry_after=5) from error
        part = found.taken(rows[offset : offset + limit])
        return len(found), [_row(part, i) for i in range(len(part))]

    def recognition(self, recording: int) -> Recognition:
        """A stored recording with its windows.

        Raises
        ------
        Problem
            404 if there is none.
        """
        try:
            rows = self._store.select(
                "SELECT run, path, size, mtime_ns, channel FROM recording WHERE id = ?", [recording]
            )
            runs = {run.id: run for run in self._store.runs()}
            if rows and (run := runs.get(rows[0][0])) is not None:
                _, path, size, mtime_ns, channel = rows[0]
                name = PurePath(path).name
                found = self._store.get(run, FileState(path, size, mtime_ns), name, split=channel > 0)
                for one in found if isinstance(found, list) else []:
                    if one.source == channel_name(name, channel):
                        return one
        except OrganologyError as error:
            raise Problem(503, "the store cannot be read now", retry_after=5) from error
        raise Problem(404, "no such recording")


def _row(library: Library, i: int) -> dict[str, Any]:
    labels = library.runs[int(library.run_ids[i])].metadata.labels
    scores = library.scores[i].tolist()
    return {
        "id": int(library.ids[i]),
        "name": library.names[i],
        "duration": round(float(library.durations[i]), 3),
        "instruments": [label for label, plays in zip(labels, library.plays[i], strict=True) if plays],
        "scores": {label: round(score, 6) for label, score in zip(labels, scores, strict=True)},
    }
