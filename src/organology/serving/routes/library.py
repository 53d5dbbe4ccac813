"""`/v1/find` and `/v1/recordings`: the recordings of a store."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from organology.serving.library import StoredLibrary
from organology.serving.presentation import parse_thresholds, response
from organology.serving.problems import Problem
from organology.serving.routes.recognitions import Asked, Thresholds
from organology.serving.routes.schemas import Found, FoundPage, errors
from organology.serving.service import service_of

router = APIRouter(prefix="/v1", tags=["library"])


@router.get("/find", responses=errors(404, 503))
async def find(
    request: Request,
    q: Annotated[
        str, Query(max_length=2000, description="As `organology find` reads it.", examples=["violin and not drums"])
    ] = "",
    thresholds: Thresholds = "",
    sort: Annotated[str, Query(max_length=100, description="path, duration or a label; -BY turns it round.")] = "path",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> FoundPage:
    """The recordings of which a query is true."""
    service = service_of(request)
    library = _library(request)
    metadata = service.recognizer.metadata
    asked = parse_thresholds(thresholds, metadata.label_set, metadata.presets)
    total, rows = await asyncio.to_thread(library.find, q, asked, sort, limit, offset)
    return FoundPage(query=q, total=total, recordings=[Found(**row) for row in rows])


@router.get("/recordings/{recording}", responses=errors(404, 501, 503))
async def read(request: Request, recording: Annotated[int, Path(ge=1, lt=2**63)], asked: Asked) -> Response:
    """What is stored of a recording, in any format."""
    service = service_of(request)
    recognition = await asyncio.to_thread(_library(request).recognition, recording)
    presets = service.recognizer.metadata.presets
    return await asyncio.to_thread(
        response, recognition, asked, presets, service.describe_model(), service.workspace.folder
    )


def _library(request: Request) -> StoredLibrary:
    library = service_of(request).library
    if library is None:
        raise Problem(404, "no store is served")
    return library
