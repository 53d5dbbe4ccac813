"""The jobs of a server: admission, the queue, the threads that work, deadlines, expiry."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from organology.recognition.result import Recognition
from organology.serving.jobs.job import Job, State
from organology.serving.jobs.journal import Journal
from organology.serving.jobs.work import CancelledError, recognize, too_slow
from organology.serving.jobs.workspace import Workspace
from organology.serving.metrics import Metrics
from organology.serving.problems import Problem
from organology.serving.recognizers import Recognizers
from organology.serving.settings import Limits

MOST_ATTEMPTS = 3
"""A job that was running this many times when the server was killed is not begun again: it may be what kills it."""

_WATCH_SECONDS = 1.0
_GRACE_SECONDS = 10.0  # past the deadline, for a decoder to come back by itself
_FIRST_GUESS_SECONDS = 2.0
_log = logging.getLogger("uvicorn.error")


class Runner:
    """Runs jobs; all methods may be called from any thread.

    Parameters
    ----------
    recognizers : Recognizers
        Of one thread; jobs share them.
    workspace : Workspace
    limits : Limits
    metrics : Metrics
    """

    def __init__(self, recognizers: Recognizers, workspace: Workspace, limits: Limits, metrics: Metrics) -> None:
        self._recognizers, self._workspace, self._limits, self._metrics = recognizers, workspace, limits, metrics
        self._journal = Journal(workspace.folder, workspace.uploads)
        self._condition = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._queue: deque[Job] = deque()
        self._running: set[Job] = set()
        self._n_uploading = self._n_stuck = 0
        self._is_closed = False
        self._mean_seconds = _FIRST_GUESS_SECONDS
        metrics.watch_queue(lambda: len(self._queue), lambda: len(self._running))

    def start(self) -> None:
        """Take up the jobs of a killed server, and begin to work."""
        for job in self._journal.jobs():
            self._jobs[job.id] = job
            if job.is_over:
                continue
            if not job.upload.is_file():
                self._end(job, problem=Problem(500, "the upload was lost when the server ended"))
            elif job.attempts >= MOST_ATTEMPTS:
                self._end(job, problem=Problem(500, f"the server ended {MOST_ATTEMPTS} times while this job ran"))
            else:
                self._queue.append(job)
        self._workspace.remove_uploads(but=frozenset(job.upload.name for job in self._queue))
        for _ in range(self._limits.jobs):
            self._start_thread()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def close(self) -> None:
        """Stop; jobs of a store stay in its journal."""
        with self._condition:
            self._is_closed = True
            for job in self._running:
                job.cancelled.set()
            self._condition.notify_all()
            self._condition.wait_for(lambda: not self._running, timeout=_GRACE_SECONDS)
        self._journal.close()

    @property
    def is_healthy(self) -> bool:
        """Whether there is a thread that can work."""
        return not self._is_closed and self._n_stuck < self._limits.jobs

    def reserve(self) -> None:
        """Admit an upload; `submit` or `release` must follow.

        Raises
        ------
        Problem
            429 if the queue is full.
        """
        with self._condition:
            if self._n_uploading + len(self._queue) >= self._limits.queue:
                seconds = self._mean_seconds * (len(self._queue) + 1) / self._limits.jobs
                raise Problem(429, "the queue is full", retry_after=min(60.0, seconds))
            self._n_uploading += 1

    def release(self) -> None:
        """Give the place of an upload back."""
        with self._condition:
            self._n_uploading -= 1

    def submit(
        self, upload_name: str, name: str, hop_seconds: float, presentation: Mapping[str, Any], *, detached: bool
    ) -> Job:
        """Queue an upload that was reserved and has arrived; `detached`: as `detach`, from the beginning."""
        job = Job(secrets.token_urlsafe(16), name, hop_seconds, self._workspace.uploads / upload_name, presentation)
        with self._condition:
            if detached:
                job.is_detached = True
                self._journal.put(job)
            self._n_uploading -= 1
            self._jobs[job.id] = job
            self._queue.append(job)
            self._condition.notify()
        return job

    def detach(self, job: Job) -> bool:
        """Keep a job beyond its connection; False if it has ended already."""
        with self._condition:
            if job.is_over:
                return False
            job.is_detached = True
            self._journal.put(job)
            return True

    def get(self, job_id: str) -> Job:
        """A detached job.

        Raises
        ------
        Problem
            404 if there is none.
        """
        with self._condition:
            job = self._jobs.get(job_id)
        if job is None or not job.is_detached:
            raise Problem(404, "no such recognition")
        return job

    def result(self, job: Job) -> Recognition:
        """What a job that is done found.

        Raises
        ------
        Problem
            404 if it was removed meanwhile.
        """
        found = job.result or self._journal.result(job.id)
        if found is None:
            raise Problem(404, "no such recognition")
        return found

    def remove(self, job: Job) -> None:
        """Forget a job: cancel it where it is not over, and delete its upload and result."""
        with self._condition:
            job.cancelled.set()
            self._jobs.pop(job.id, None)
            if job in self._queue:
                self._queue.remove(job)
            running = job in self._running
            if job.is_detached:
                self._journal.remove(job.id)
        if not running:
            job.upload.unlink(missing_ok=True)
            if not job.ended.done():
                job.ended.set_result(None)

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name="recognize", daemon=True).start()

    def _next(self) -> Job | None:
        with self._condition:
            self._condition.wait_for(lambda: self._queue or self._is_closed)
            if self._is_closed:
                return None
            job = self._queue.popleft()
            job.state = State.RUNNING
            job.attempts += 1
            job.deadline = time.monotonic() + self._limits.job_seconds
            self._running.add(job)
            if job.is_detached:
                self._journal.put(job)
            return job

    def _work(self) -> None:
        while (job := self._next()) is not None:
            began = time.monotonic()
            try:
                result = recognize(job, self._recognizers.of(job.labels), self._limits)
            except CancelledError:
                self._leave(job)
            except Problem as problem:
                self._end(job, problem=problem)
            except Exception:
                _log.exception("a recognition failed")
                self._end(job, problem=Problem(500, f"{job.name}: cannot be recognized"))
            else:
                seconds = time.monotonic() - began
                self._mean_seconds += 0.1 * (seconds - self._mean_seconds)
                self._metrics.recognized(seconds, result.duration)
                self._end(job, result=result)
            if job.deadline is None:  # given up by `_watch`, which has put another thread in this one's place
                with self._condition:
                    self._n_stuck -= 1
                return

    def _leave(self, job: Job) -> None:
        """A cancelled job: removed by its client, or left for the next server."""
        with self._condition:
            self._running.discard(job)
            stays = self._is_closed and job.is_detached and job.id in self._jobs
            if stays:  # not its fault that it did not end
                job.attempts -= 1
                self._journal.put(job)
            if not stays and self._is_closed:  # its client waits
                job.problem = Problem(503, "the server is stopping", retry_after=10)
            self._condition.notify_all()
        if not stays:
            job.upload.unlink(missing_ok=True)
        if not job.ended.done():
            job.ended.set_result(None)

    def _end(self, job: Job, *, result: Recognition | None = None, problem: Problem | None = None) -> None:
        with self._condition:
            self._running.discard(job)
            self._condition.notify_all()
            if job.is_over:  # given up
                return
            job.result, job.problem, job.progress = result, problem, 1.0
            job.state = State.DONE if problem is None else State.FAILED
            self._metrics.ended(job.state.value, None if problem is None else problem.status)
            if job.is_detached and job.id in self._jobs:
                self._journal.put(job)
                job.result = None
        job.upload.unlink(missing_ok=True)
        if not job.ended.done():
            job.ended.set_result(None)

    def _watch(self) -> None:
        """Give up jobs that are stuck in a decoder, and forget old results."""
        while not self._is_closed:
            time.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            with self._condition:
                late = [job for job in self._running if job.deadline and now > job.deadline + _GRACE_SECONDS]
                for job in late:
                    job.deadline = None
                    self._n_stuck += 1
            for job in late:
                self._end(job, problem=too_slow(self._limits))
                if self._n_stuck <= self._limits.jobs:
                    self._start_thread()
            self._expire()

    def _expire(self) -> None:
        with self._condition:
            if self._is_closed:
                return
            for job_id in self._journal.outdated(time.time() - self._limits.keep_seconds, self._limits.finished):
                self._journal.remove(job_id)
                self._jobs.pop(job_id, None)
