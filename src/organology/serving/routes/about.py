"""`/v1/model`, `/v1/labels`, `/healthz`, `/metrics`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from organology.outputs.registry import FORMATS
from organology.serving.describe import describe_labels, describe_model
from organology.serving.metrics import CONTENT_TYPE
from organology.serving.problems import Problem
from organology.serving.routes.schemas import Label, Labels, LabelSetName, LimitsOfServer, Model, errors
from organology.serving.service import service_of

router = APIRouter(tags=["about"])


@router.get("/v1/model", responses=errors())
async def model(request: Request) -> Model:
    """The model, and what this server offers."""
    service = service_of(request)
    limits = service.settings.limits
    recognizer = service.recognizer
    return Model(
        **describe_model(recognizer.model, recognizer.metadata),
        label_sets=list(service.recognizers.names),
        tentative=list(service.recognizers.tentative),
        presets=sorted(recognizer.metadata.presets),
        formats={name: form.what for name, form in FORMATS.items()},
        library=service.library is not None,
        limits=LimitsOfServer(**{name: getattr(limits, name) for name in LimitsOfServer.model_fields}),
    )


@router.get("/v1/labels", responses=errors())
async def labels(request: Request, labels: LabelSetName = "") -> Labels:
    """What the model can tell, in the order of scores."""
    metadata = service_of(request).recognizers.of(labels).metadata
    return Labels(label_set=metadata.label_set.name, labels=[Label(**one) for one in describe_labels(metadata)])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", responses={503: {"description": "No thread can work: restart the server."}})
async def health(request: Request) -> JSONResponse:
    """Whether the server can work."""
    if not service_of(request).runner.is_healthy:
        raise Problem(503, "no thread can work", retry_after=10)
    return JSONResponse({"status": "ok"})


@router.get("/metrics", response_class=PlainTextResponse, responses=errors())
async def metrics(request: Request) -> Response:
    """Counters for Prometheus."""
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE)
