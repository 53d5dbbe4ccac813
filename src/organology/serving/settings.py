"""What a server is started with: its model, its store, its limits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from organology.recognition.onnx_model import available_cores


@dataclass(frozen=True)
class Limits:
    """Bounds on what clients can use.

    Attributes
    ----------
    upload_bytes : int
        Of one file. Larger: 413.
    duration_seconds : float
        Of the sound in one file. Longer: 413.
    queue : int
        Jobs that are uploading or waiting, besides those that run. More: 429.
    jobs : int
        Jobs that run at once.
    job_seconds : float
        A job that takes longer fails with 504.
    wait_seconds : float
        How long a request may wait for its result before it is answered with 202.
    upload_idle_seconds : float
        An upload without a byte for this long is given up: 408.
    upload_bytes_per_second : float
        An upload may take `upload_idle_seconds` and its size at this rate, no longer: 408.
    keep_seconds : float
        Results that nobody deletes are deleted after this.
    finished : int
        Results kept; the oldest go first.
    connections : int
        Open connections. More: 503.
    head_seconds : float
        A connection that has not sent its request head by then is closed.
    least_hop_seconds : float
        The smallest distance of windows that may be asked for.
    """

    upload_bytes: int = 512 * 2**20
    duration_seconds: float = 4 * 3600.0
    queue: int = 64
    jobs: int = field(default_factory=available_cores)
    job_seconds: float = 900.0
    wait_seconds: float = 30.0
    upload_idle_seconds: float = 20.0
    upload_bytes_per_second: float = 16_384.0
    keep_seconds: float = 3600.0
    finished: int = 1000
    connections: int = 512
    head_seconds: float = 10.0
    least_hop_seconds: float = 0.1

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")


@dataclass(frozen=True)
class Settings:
    """A server's settings.

    Attributes
    ----------
    model : path, optional
        Default: the shipped model.
    labels : str, optional
        Another label set, as of `Recognizer`.
    store : Path, optional
        What `organology recognize --store` wrote; `/v1/find` reads it. Jobs are kept in the folder `STORE.jobs` beside
        it and go on after a restart; without a store they live as long as the server.
    token : str, optional
        Every request to `/v1` and `/metrics` must carry it.
    origins : tuple of str
        Other origins whose pages may call the API (CORS).
    hosts : tuple of str
        Names that a request may give as its host; none: any.
    root_path : str
        The prefix under which a proxy serves this.
    limits : Limits
    """

    model: str | os.PathLike[str] | None = None
    labels: str | None = None
    store: Path | None = None
    token: str | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    root_path: str = ""
    limits: Limits = field(default_factory=Limits)
