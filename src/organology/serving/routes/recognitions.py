"""`/v1/recognitions`: a recording in, what plays in it out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from organology.outputs.registry import FORMATS
from organology.serving.jobs.job import Job
from organology.serving.presentation import Presentation, accepted_format, check_format, media_type, response
from organology.serving.problems import Problem
from organology.serving.routes.schemas import JobStatus, LabelSetName, errors
from organology.serving.service import Service, service_of
from organology.serving.upload import ClientDisconnect, receive

router = APIRouter(prefix="/v1/recognitions", tags=["recognitions"])

_POLL_SECONDS = 0.2
_PING_SECONDS = 15.0
_CLOSED = 499  # nobody reads it; it shows in the metrics

_EXAMPLE = {
    "schema": "organology.recognition",
    "version": 1,
    "file": "song.ogg",
    "duration": 12.0,
    "model": "organology",
    "hop_seconds": 1.0,
    "instruments": ["bowed_string", "violin"],
    "labels": [
        {
            "label": "violin",
            "name": "violin",
            "family": "bowed_string",
            "score": 0.93,
            "threshold": 0.4,
            "plays": True,
            "segments": [{"start": 0.0, "end": 12.0, "score": 0.91}],
        }
    ],
    "notes": [],
}
_RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The recognition: a JSON object of `recognition.schema.json` (`recording_line`), or the format "
        "that was asked for.",
        "content": {
            "application/json": {"example": _EXAMPLE},
            **{media_type(name): {} for name in FORMATS if media_type(name) != "application/json"},
        },
    },
    202: {"description": "Not over: fetch it at `Location`.", "model": JobStatus},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}

Form = Annotated[
    str | None,
    Query(alias="format", description=f"One of {', '.join(FORMATS)}; else as `Accept` says.", examples=["csv"]),
]
Thresholds = Annotated[
    str,
    Query(
        max_length=2000,
        description="In place of the model's: for all labels and for single ones, or by the name of a preset.",
        examples=["0.4", "violin=0.3,drums=0.5", "strict"],
    ),
]
Only = Annotated[str, Query(max_length=2000, description="These labels alone.", examples=["violin,brass"])]
Timeline = Annotated[bool, Query(description="Also the scores of every window.")]
JobId = Annotated[str, Path(max_length=64, pattern=r"^[\w-]+$")]


def presentation(
    request: Request, form: Form = None, thresholds: Thresholds = "", only: Only = "", timeline: Timeline = False
) -> Presentation:
    """How the result is asked for."""
    chosen = form if form is not None else accepted_format(request.headers.get("accept", ""))
    check_format(chosen)
    return Presentation(chosen, thresholds, only, timeline)


Asked = Annotated[Presentation, Depends(presentation)]


@router.post("", responses={**_RESULT, **errors(400, 408, 413, 415, 429, 500, 501, 503, 504)}, openapi_extra=_BODY)
async def create(
    request: Request,
    asked: Asked,
    labels: LabelSetName = "",
    hop: Annotated[
        float | None, Query(le=60, description="Distance of the windows in seconds; left out: the model's.")
    ] = None,
    name: Annotated[str | None, Query(max_length=1000, description="Of the recording, for results.")] = None,
    wait: Annotated[
        float | None, Query(ge=0, description="Seconds to wait for the result; 0: answer with 202 at once.")
    ] = None,
) -> Response:
    """Recognize a recording: the raw file as the body, or a form with one file.

    The answer is the result if it is there within `wait` seconds, else 202 with the place to fetch it from.
    """
    service = service_of(request)
    limits = service.settings.limits
    asked.check(service.recognizers.of(labels).metadata)
    hop = service.recognizer.metadata.hop_seconds if hop is None else hop
    if not hop >= limits.least_hop_seconds:
        raise Problem(422, f"hop must be at least {limits.least_hop_seconds:g} s, got {hop:g}")
    seconds = limits.wait_seconds if wait is None else min(wait, limits.wait_seconds)
    service.runner.reserve()
    is_submitted = False
    try:
        upload = await receive(request, service.workspace.uploads, limits, name)
        given = {key: value for key, value in {**vars(asked), "labels": labels}.items() if value}
        job = service.runner.submit(upload.path.name, upload.name, hop, given, detached=seconds == 0)
        is_submitted = True
    except ClientDisconnect:
        return Response(status_code=_CLOSED)
    finally:
        if not is_submitted:
            service.runner.release()
    if job.is_detached:
        return _status(request, job)
    try:
        if not await _wait(request, job, seconds):
            return Response(status_code=_CLOSED)
        if not job.is_over and service.runner.detach(job):
            return _status(request, job)
        return await _result(service, job, asked)
    finally:
        if not job.is_detached:
            service.runner.remove(job)


@router.get("/{job_id}", responses={**_RESULT, **errors(404, 413, 415, 500, 501, 504)})
async def read(request: Request, job_id: JobId, asked: Asked) -> Response:
    """The result of a job: 200 when it is there, 202 until then, or the error with which it failed."""
    service = service_of(request)
    job = service.runner.get(job_id)
    if not job.is_over:
        return _status(request, job)
    given = set(request.query_params) | ({"format"} if asked.format is not None else set())
    return await _result(service, job, asked.over(job.presentation, frozenset(given)))


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: `progress` with the job, at last `done` or `failed`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **errors(404),
    },
)
async def events(request: Request, job_id: JobId) -> StreamingResponse:
    """The progress of a job, as it changes."""
    job = service_of(request).runner.get(job_id)
    return StreamingResponse(_events(job), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.delete("/{job_id}", status_code=204, responses=errors(404))
async def delete(request: Request, job_id: JobId) -> Response:
    """Forget a job: it is stopped if it runs, and its recording and result are deleted."""
    runner = service_of(request).runner
    runner.remove(runner.get(job_id))
    return Response(status_code=204)


async def _wait(request: Request, job: Job, seconds: float) -> bool:
    """Until the job ends, the seconds are over, or the client is gone; whether the client is still there."""
    ended = asyncio.wrap_future(job.ended)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({ended, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    return not gone.done()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _result(service: Service, job: Job, asked: Presentation) -> Response:
    if job.problem is not None:
        raise job.problem
    recognition = await asyncio.to_thread(service.runner.result, job)
    presets = service.recognizers.of(job.labels).metadata.presets
    return await asyncio.to_thread(
        response, recognition, asked, presets, service.describe_model(), service.workspace.folder
    )


def _status(request: Request, job: Job) -> JSONResponse:
    place = str(request.app.url_path_for("read", job_id=job.id))
    root = request.scope.get("root_path", "")
    location = place if place.startswith(root) else root + place
    return JSONResponse(job.describe(), 202, {"Location": location, "Retry-After": "1"})


async def _events(job: Job) -> AsyncIterator[str]:
    sent, quiet = None, 0.0
    while True:
        status = job.describe()
        kind = {"done": "done", "failed": "failed"}.get(job.state, "progress")
        if job.cancelled.is_set() and not job.is_over:
            kind, status["error"] = "failed", "deleted"
        if status != sent:
            yield f"event: {kind}\ndata: {json.dumps(status, allow_nan=False)}\n\n"
            sent, quiet = status, 0.0
        if kind != "progress":
            return
        await asyncio.sleep(_POLL_SECONDS)
        quiet += _POLL_SECONDS
        if quiet >= _PING_SECONDS:
            yield ": still there\n\n"
            quiet = 0.0
