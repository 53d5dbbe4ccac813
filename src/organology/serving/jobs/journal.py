"""Jobs in a SQLite file, so that they outlive a process that is killed.

Only detached jobs are written: the client of any other waits on a connection that ends with the process. A job and its
result change in one transaction, so after a kill every job is either still to do or done.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from organology.errors import OrganologyError
from organology.recognition.result import Recognition
from organology.serving.jobs.job import Job, State
from organology.serving.problems import Problem

_TABLES = """
CREATE TABLE IF NOT EXISTS job (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hop_seconds REAL NOT NULL,
  upload TEXT NOT NULL,
  presentation TEXT NOT NULL,
  created REAL NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  ended REAL,
  status INTEGER,
  problem TEXT,
  result BLOB
)
"""
_COLUMNS = "id, name, hop_seconds, upload, presentation, created, state, attempts, status, problem"
_COMPRESSION = 1


class Journal:
    """The jobs of a server; safe to use from several threads.

    Parameters
    ----------
    folder : Path
        In which the file lies.
    uploads : Path
        The folder of the jobs' files.

    Raises
    ------
    OrganologyError
        If the file cannot be used.
    """

    def __init__(self, folder: Path, uploads: Path) -> None:
        self._uploads = uploads
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                folder / "jobs.db", check_same_thread=False, isolation_level=None, timeout=10.0
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(_TABLES)
        except sqlite3.Error as error:
            raise OrganologyError(f"{folder}: jobs cannot be kept here: {error}") from error

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        with self._lock, closing(self._connection.cursor()) as cursor:
            yield cursor

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def put(self, job: Job) -> None:
        """Write a job as it is now, with its result if it has one in memory."""
        problem = job.problem
        result = None if job.result is None else _packed(job.result)
        row = (
            job.id,
            job.name,
            job.hop_seconds,
            job.upload.name,
            json.dumps(dict(job.presentation), allow_nan=False),
            job.created,
            job.state.value,
            job.attempts,
            time.time() if job.is_over else None,
            None if problem is None else problem.status,
            None if problem is None else problem.line,
            result,
        )
        with self._cursor() as cursor:
            cursor.execute(f"INSERT OR REPLACE INTO job VALUES ({', '.join('?' * len(row))})", row)

    def remove(self, job_id: str) -> None:
        """Forget a job."""
        with self._cursor() as cursor:
            cursor.execute("DELETE FROM job WHERE id = ?", (job_id,))

    def result(self, job_id: str) -> Recognition | None:
        """What a job found; None if there is no such job, or it found nothing yet."""
        with self._cursor() as cursor:
            row = cursor.execute("SELECT result FROM job WHERE id = ?", (job_id,)).fetchone()
        return None if row is None or row[0] is None else Recognition.from_json(zlib.decompress(row[0]).decode())

    def outdated(self, before: float, most: int) -> list[str]:
        """Ids of jobs that ended before a time (seconds since 1970), and of those beyond the newest `most`."""
        with self._cursor() as cursor:
            rows = cursor.execute("SELECT id, ended FROM job WHERE ended IS NOT NULL ORDER BY ended DESC").fetchall()
        return [job_id for i, (job_id, ended) in enumerate(rows) if i >= most or ended < before]

    def jobs(self) -> list[Job]:
        """All jobs, the oldest first, without their results; those that were running are queued again."""
        with self._cursor() as cursor:
            rows = cursor.execute(f"SELECT {_COLUMNS} FROM job ORDER BY created").fetchall()
        return [self._job(*row) for row in rows]

    def _job(
        self,
        job_id: str,
        name: str,
        hop_seconds: float,
        upload: str,
        presentation: str,
        created: float,
        state: str,
        attempts: int,
        status: int | None,
        problem: str | None,
    ) -> Job:
        job = Job(job_id, name, hop_seconds, self._uploads / upload, json.loads(presentation), created)
        job.is_detached, job.attempts = True, attempts
        job.state = State.QUEUED if state == State.RUNNING else State(state)
        if status is not None:
            job.problem = Problem(status, problem or "")
        if job.is_over:
            job.progress = 1.0
            job.ended.set_result(None)
        return job


def _packed(recognition: Recognition) -> bytes:
    return zlib.compress(recognition.to_json(timeline=True, decimals=None).encode(), _COMPRESSION)
