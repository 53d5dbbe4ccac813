"""The bodies of answers, for OpenAPI and for checking what is sent."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from organology.recognition import serialization

_RESPONSES = {
    400: "The request is broken.",
    401: "The token is missing or wrong.",
    403: "A page of another site asked.",
    404: "There is no such thing.",
    408: "The recording came too slowly.",
    413: "The recording is too large or too long.",
    415: "Not audio that can be decoded.",
    421: "The server is not asked under this name.",
    422: "A parameter has a value that it cannot have.",
    429: "The queue is full; see Retry-After.",
    500: "The recognition failed.",
    501: "The format needs a package that the server lacks.",
    503: "There is no room now; see Retry-After.",
    504: "The recognition took too long.",
}


LabelSetName = Annotated[
    str,
    Query(
        max_length=100,
        description='A label set by its name, or "all": every label of the model. Left out: its reliable ones.',
        examples=["all", "openmic20"],
    ),
]


class Error(BaseModel):
    """What every error is answered with."""

    error: str = Field(description="One line.", examples=["song.ogg: not audio that can be decoded"])


class JobStatus(BaseModel):
    """A recognition that is not over."""

    id: str = Field(examples=["q3J5r0Zf5T0m8yq1Ck2v9w"])
    name: str = Field(examples=["song.ogg"])
    state: str = Field(examples=["running"], description="queued, running, done or failed")
    progress: float = Field(ge=0, le=1, examples=[0.42])
    error: str | None = None


class Label(BaseModel):
    """What the model can tell."""

    label: str = Field(examples=["violin"])
    name: str = Field(description="For people.", examples=["violin"])
    parent: str | None = Field(description="The label that this one belongs to.", examples=["bowed_string"])
    family: str | None = Field(description="The topmost of its parents.", examples=["bowed_string"])
    color: str = Field(examples=["#9c5b1e"])
    threshold: float = Field(ge=0, le=1, description="A score at or above it means that the label plays.")
    presets: dict[str, float] = Field(
        description="Other thresholds of the model, by name.", examples=[{"sensitive": 0.4, "strict": 0.7}]
    )
    tentative: bool = Field(description="Whether the name is not reliable enough to be given unless it is asked for.")


class Labels(BaseModel):
    """The labels, in the order of scores."""

    label_set: str = Field(examples=["bradl15"])
    labels: list[Label]


class LimitsOfServer(BaseModel):
    """What a client must keep to."""

    upload_bytes: int
    duration_seconds: float
    least_hop_seconds: float
    wait_seconds: float


class Model(BaseModel):
    """The model, and what this server offers."""

    name: str
    version: str = Field(description="Of organology.")
    sample_rate: int = Field(description="Of what the model takes, in Hz.")
    window_seconds: float
    hop_seconds: float = Field(description="Distance of the windows where a request names none.")
    pooling: str = Field(description="From windows to the file.")
    label_set: str
    label_sets: list[str] = Field(description="What `labels` may name.")
    tentative: list[str] = Field(description="Labels that `labels=all` has besides the others, not reliable enough.")
    presets: list[str] = Field(
        description="Names that `thresholds` may have in it.", examples=[["sensitive", "strict"]]
    )
    formats: dict[str, str] = Field(description="The formats of results, and what each holds.")
    library: bool = Field(description="Whether a store is served at /v1/find.")
    limits: LimitsOfServer


class Found(BaseModel):
    """A recording of the store."""

    id: int
    name: str
    duration: float
    instruments: list[str]
    scores: dict[str, float]


class FoundPage(BaseModel):
    """The recordings of which a query is true."""

    query: str
    total: int
    recordings: list[Found]


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documentation of errors."""
    standard = {401, 403, 421, 422, *statuses}
    return {status: {"model": Error, "description": _RESPONSES[status]} for status in sorted(standard)}


def recognition_schema() -> dict[str, Any]:
    """The JSON Schema of one recognition, with its definitions inside."""
    whole = serialization.schema()
    return {"$defs": whole["$defs"], "$ref": "#/$defs/recording_line"}
