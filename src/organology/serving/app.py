"""The application: the API and its page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from organology._version import __version__
from organology.serving import problems
from organology.serving.guard import Guard
from organology.serving.routes import about, library, page, recognitions
from organology.serving.service import Service
from organology.serving.settings import Settings

_DESCRIPTION = 'Which instruments play in a recording, and when. Every error is one line: `{"error": "..."}`.'


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, an ASGI callable.

    Parameters
    ----------
    settings : Settings, optional

    Raises
    ------
    OrganologyError
        If the model or the store cannot be used.
    """
    settings = settings or Settings()
    service = Service.open(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.runner.start()
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="organology",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # they load scripts from other hosts
        redoc_url=None,
    )
    app.state.service = service
    problems.install(app)
    for module in (recognitions, about, library, page):
        app.include_router(module.router)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Location", "Retry-After"],
        )
    app.add_middleware(Guard, settings=settings, metrics=service.metrics)
    return app
