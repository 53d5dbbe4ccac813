"""What the routes of one server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from organology.errors import OrganologyError
from organology.labels import LabelSet
from organology.recognition.recognizer import Recognizer
from organology.serving.jobs.runner import Runner
from organology.serving.jobs.workspace import Workspace
from organology.serving.library import StoredLibrary
from organology.serving.metrics import Metrics
from organology.serving.recognizers import Recognizers
from organology.serving.settings import Settings


@dataclass(frozen=True)
class Service:
    """A server's parts.

    Attributes
    ----------
    settings : Settings
    recognizers : Recognizers
        Of one thread; jobs share them.
    workspace : Workspace
    runner : Runner
    metrics : Metrics
    library : StoredLibrary, optional
        Where a store is served.
    """

    settings: Settings
    recognizers: Recognizers
    workspace: Workspace
    runner: Runner
    metrics: Metrics
    library: StoredLibrary | None

    @staticmethod
    def open(settings: Settings) -> Service:
        """Open all parts.

        Raises
        ------
        OrganologyError
            If the model or the store cannot be used, or another server works with the store.
        """
        recognizer = Recognizer(settings.model, threads=1, labels=settings.labels)
        library = None if settings.store is None else StoredLibrary(settings.store)
        if library is not None and library.label_set is not None and library.label_set != recognizer.label_set:
            stored, served = library.label_set.name, recognizer.label_set.name
            library.close()
            raise OrganologyError(f"{settings.store}: its labels are {stored}, those served are {served}; see --labels")
        workspace = Workspace(settings.store)
        try:
            metrics = Metrics()
            recognizers = Recognizers(recognizer)
            runner = Runner(recognizers, workspace, settings.limits, metrics)
        except BaseException:
            workspace.close()
            raise
        return Service(settings, recognizers, workspace, runner, metrics, library)

    @property
    def recognizer(self) -> Recognizer:
        """That of the labels which are given where a client names no set."""
        return self.recognizers.default

    @property
    def page_labels(self) -> tuple[LabelSet, tuple[str, ...]]:
        """All labels that the page may show, and those of them that it shows only when asked to."""
        tentative = self.recognizers.tentative
        return (self.recognizers.all if tentative else self.recognizer).label_set, tentative

    def describe_model(self) -> dict[str, Any]:
        """The model, as JSON documents give it."""
        metadata = self.recognizer.metadata
        return {
            "name": self.recognizer.model,
            "sample_rate": metadata.sample_rate,
            "window_seconds": metadata.window_seconds,
            "pooling": metadata.pooling,
        }

    def close(self) -> None:
        """Close all parts."""
        self.runner.close()
        if self.library is not None:
            self.library.close()
        self.workspace.close()


def service_of(request: Request) -> Service:
    """The service behind a request."""
    service: Service = request.app.state.service
    return service
