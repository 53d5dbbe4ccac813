"""A store of recognitions: one SQLite file that remembers what was recognized, so that nothing is done twice.

A recording is known by its absolute path, size and time of last change, and by the run: the model's digest, the hop and
`SCORING_VERSION`. A file that was moved or copied is known by its content (`moves`). What is stored are scores;
thresholds and segments follow from them, so they can change without recognizing again. Failures are stored with their
reason, so that a file is tried again only when it has changed.

Every recording is one transaction (write-ahead log): a process that is killed loses what it had in work and no more.
Several processes may use one store. What each has in work is stored with its owner (`in_work`): a file that a process
left when it died is recognized in a process of its own next time, as it may be what ended the other one.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from organology.errors import AudioError
from organology.library.columns import listed
from organology.library.database import PATH, Database
from organology.library.rows import (
    FileState,
    Packed,
    Run,
    channel_name,
    pack,
    pack_frames,
    recognition_of,
    row_of,
    settings_text,
)
from organology.library.schema import SCORING_VERSION
from organology.model_metadata import ModelMetadata
from organology.recognition.result import Recognition


class Store(Database):
    """An open store; a context manager. One may be used from several threads at once.

    Parameters
    ----------
    path : path
        Of the SQLite file.
    create : bool
        Make it where there is none and open it for writing; else it is opened for reading.

    Raises
    ------
    StoreError
        "PATH: reason" if it cannot be opened, is none, or of another version; also from every method.

    Examples
    --------
    >>> with Store("lib.db", create=False) as store:                       # doctest: +SKIP
    ...     for run in store.runs():
    ...         print(run.model, run.hop_seconds, store.count(run))
    """

    def run(self, sha256: str, model: str, metadata: ModelMetadata, hop_seconds: float) -> Run:
        """The run of a model and a hop, made where the store has none.

        Parameters
        ----------
        sha256 : str
            Of the model file (`Recognizer.digest`).
        model : str
            Its name.
        metadata : ModelMetadata
            Its label set is the store's from the first run on.
        hop_seconds : float

        Raises
        ------
        StoreError
            If the store holds another label set.
        """
        hop_frames = round(hop_seconds * metadata.sample_rate)
        with self.transaction() as connection:
            self._use(metadata.label_set, connection)
            about = {"name": model, "metadata": metadata.to_json()}
            model_id = self._insert_once(connection, "model", {"sha256": sha256}, about)
            key = {"model": model_id, "hop_frames": hop_frames, "scoring": SCORING_VERSION}
            run_id = self._insert_once(connection, "run", key)
            segmenting = self._insert_once(connection, "segmenting", {"settings": settings_text(metadata.frames)})
        return Run(run_id, model, metadata, hop_frames, segmenting)

    def runs(self) -> list[Run]:
        """All runs whose results count today, in the order in which they were begun."""
        rows = self.select(
            "SELECT run.id, name, metadata, hop_frames FROM run JOIN model ON model.id = model WHERE scoring = ?"
            " ORDER BY run.id",
            (SCORING_VERSION,),
        )
        segmentings = dict(self.select("SELECT settings, id FROM segmenting"))
        found = []
        for number, name, text, hop_frames in rows:
            metadata = ModelMetadata.from_json(text, str(self.path))
            # 0: nothing is stored that was computed with the settings of today
            segmenting = segmentings.get(settings_text(metadata.frames), 0)
            found.append(Run(number, name, metadata, hop_frames, segmenting))
        return found

    def get(
        self, run: Run, file: FileState, name: str, *, split: bool = False
    ) -> list[Recognition] | AudioError | None:
        """What is stored of a file.

        Parameters
        ----------
        run : Run
        file : FileState
            As it is now.
        name : str
            The `source` of the recognitions.
        split : bool
            One recognition a channel, instead of one of all channels mixed.

        Returns
        -------
        list of Recognition, AudioError or None
            With the model's thresholds; or why the file could not be recognized; None if there is nothing, or of the
            file as it was before.
        """
        columns = self.columns.read
        packed, joins = Packed.selected(run)
        rows = self.select(
            f"SELECT {listed(columns, 'recording')}, {packed} FROM recording {joins}"
            f" WHERE path = {PATH} AND run = ? AND size = ? AND mtime_ns = ? ORDER BY channel",
            (os.fsencode(file.path), run.id, file.size, file.mtime_ns),
        )
        found = [(dict(zip(columns, row, strict=False)), Packed(*row[len(columns) :])) for row in rows]
        for row, _ in found:
            if row["failure"] is not None:
                return AudioError(f"{name}: {row['failure']}")
        try:
            wanted = [(row, of_row) for row, of_row in found if (row["channel"] > 0) == split]
            if split and not wanted:  # one channel alone is the mix
                wanted = [(row, of_row) for row, of_row in found if row["channels"] == 1]
            return [
                recognition_of(row, of_row, run, channel_name(name, row["channel"])) for row, of_row in wanted
            ] or None
        except (ValueError, TypeError, OverflowError):
            return None  # a damaged row is no result: the file is recognized again

    def put(
        self,
        run: Run,
        file: FileState,
        recognitions: Sequence[Recognition],
        *,
        split: bool = False,
        content: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Store the recognitions of a file in place of what is there of it.

        Parameters
        ----------
        run : Run
        file : FileState
            As it was before it was read.
        recognitions : sequence of Recognition
            With the model's thresholds and the run's segment settings; one, or with `split` one a channel.
        split : bool
            They are of the channels.
        content : str, optional
            `content_digest` of the file, by which it is known where it is moved to.
        at : datetime, optional
            When it was recognized, in UTC; None: now.
        """
        alone = split and len(recognitions) == 1
        with self.transaction() as connection:
            self._forget(connection, run, file, split and not alone)
            for number, recognition in enumerate(recognitions, 1):
                row = {
                    **row_of(recognition, self.columns),
                    "content": content,
                    "recognized_at": _moment(at),
                    "channel": number if split and not alone else 0,
                    "channels": len(recognitions) if split else None,
                }
                identity = self._insert(connection, run, file, row)
                connection.execute(
                    "INSERT INTO window_scores (recording, scores) VALUES (?, ?)", (identity, pack(recognition.scores))
                )
                if recognition.frames is not None:
                    connection.execute(
                        "INSERT INTO frame_scores (recording, logits, levels) VALUES (?, ?, ?)",
                        (identity, *pack_frames(recognition.frames)),
                    )

    def put_failure(
        self, run: Run, file: FileState, reason: str, content: str | None = None, at: datetime | None = None
    ) -> None:
        """Store why a file cannot be recognized; `content` and `at` as in `put`."""
        with self.transaction() as connection:
            self._forget(connection, run, file, False)
            row = {"channel": 0, "failure": reason, "content": content, "recognized_at": _moment(at)}
            self._insert(connection, run, file, row)

    def _forget(self, connection: sqlite3.Connection, run: Run, file: FileState, split: bool) -> None:
        """Drop what is replaced, what failed, and all that is of the file as it was before; it is no longer in work."""
        connection.execute(f"DELETE FROM in_work WHERE path = {PATH}", (os.fsencode(file.path),))
        connection.execute(
            f"DELETE FROM recording WHERE path = {PATH} AND (size <> ? OR mtime_ns <> ?"
            " OR (run = ? AND ((channel > 0) = ? OR failure IS NOT NULL)))",
            (os.fsencode(file.path), file.size, file.mtime_ns, run.id, split),
        )

    def _insert(self, connection: sqlite3.Connection, run: Run, file: FileState, row: dict[str, Any]) -> int:
        full = {
            "notes": json.dumps([], allow_nan=False),
            **row,
            "run": run.id,
            "segmenting": run.segmenting,
            "path": os.fsencode(file.path),
            "size": file.size,
            "mtime_ns": file.mtime_ns,
        }
        places = [PATH if name == "path" else "?" for name in full]
        cursor = connection.execute(
            f"INSERT INTO recording ({listed(list(full))}) VALUES ({', '.join(places)})", list(full.values())
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def count(self, run: Run) -> tuple[int, int]:
        """How many files of a run were recognized, and how many could not be."""
        ((good, bad),) = self.select(
            "SELECT count(DISTINCT CASE WHEN failure IS NULL THEN path END), count(failure) FROM recording"
            " WHERE run = ?",
            (run.id,),
        )
        return good, bad

    def prune(self, *, dry_run: bool = False) -> list[str]:
        """Forget files that are gone.

        Parameters
        ----------
        dry_run : bool
            Only list them.

        Returns
        -------
        list of str
            Their absolute paths.
        """
        if self.is_empty:
            return []
        paths = [path for (path,) in self.select("SELECT DISTINCT path FROM recording ORDER BY path")]
        gone = [path for path in paths if not os.path.lexists(path)]
        if gone and not dry_run:
            with self.transaction() as connection:
                connection.executemany(
                    f"DELETE FROM recording WHERE path = {PATH}", [(os.fsencode(path),) for path in gone]
                )
            with self.connection() as connection:
                connection.execute("VACUUM")
        return gone


def _moment(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).isoformat(timespec="seconds")
