"""What a server counts, in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "organology_requests_total", "Answered requests.", ("method", "route", "status"), registry=self._registry
        )
        self._latency = Histogram(
            "organology_request_seconds",
            "From a request to its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._jobs = Counter("organology_jobs_total", "Ended jobs.", ("state", "status"), registry=self._registry)
        self._work = Histogram(
            "organology_job_seconds", "From the start of a job to its end.", buckets=_SECONDS, registry=self._registry
        )
        self._audio = Counter("organology_audio_seconds_total", "Sound recognized.", registry=self._registry)

    def watch_queue(self, queued: Callable[[], int], running: Callable[[], int]) -> None:
        """Show how many jobs wait and run, asked for when the metrics are read."""
        Gauge("organology_jobs_queued", "Waiting jobs.", registry=self._registry).set_function(queued)
        Gauge("organology_jobs_running", "Running jobs.", registry=self._registry).set_function(running)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `route` is a path template, so that there are few."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def recognized(self, seconds: float, audio_seconds: float) -> None:
        """Count a recognition."""
        self._work.observe(seconds)
        self._audio.inc(audio_seconds)

    def ended(self, state: str, status: int | None) -> None:
        """Count the end of a job."""
        self._jobs.labels(state, str(status or 200)).inc()

    def text(self) -> bytes:
        """All of it, as `CONTENT_TYPE`."""
        return generate_latest(self._registry)
