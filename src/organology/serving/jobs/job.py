"""One recognition job: what was asked, how far it is, how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from organology.recognition.result import Recognition
from organology.serving.problems import Problem


class State(StrEnum):
    """Of a job, in the order in which it passes through them."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(eq=False)
class Job:
    """A job.

    Attributes
    ----------
    id : str
        Random; who knows it may read and delete the result.
    name : str
        Of the recording, for results and errors.
    hop_seconds : float
    upload : Path
        The file; it is removed when the job ends.
    presentation : mapping
        Query parameters of the request that say how the result is given: defaults for those who fetch it. `labels`
        among them names the label set.
    created : float
        Seconds since 1970.
    state : State
    progress : float
        0 ... 1.
    problem : Problem, optional
        Why it failed.
    is_detached : bool
        Its client has been given the id and will fetch the result; else the client waits on its connection.
    attempts : int
        How many times it was begun.
    result : Recognition, optional
        While it is in memory.
    ended : Future
        Done when the job is.
    """

    id: str
    name: str
    hop_seconds: float
    upload: Path
    presentation: Mapping[str, Any] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    state: State = State.QUEUED
    progress: float = 0.0
    problem: Problem | None = None
    is_detached: bool = False
    attempts: int = 0
    result: Recognition | None = None
    deadline: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: Future[None] = field(default_factory=Future)

    @property
    def labels(self) -> str:
        """The name of the label set; "": the default one."""
        return str(self.presentation.get("labels", ""))

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in (State.DONE, State.FAILED)

    def describe(self) -> dict[str, Any]:
        """The job as plain values, for its client."""
        plain: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "state": self.state.value,
            "progress": round(self.progress, 4),
        }
        if self.problem is not None:
            plain["error"] = self.problem.line
        return plain
