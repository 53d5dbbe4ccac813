"""`/`: the page, from the files of this package alone."""

from __future__ import annotations

import hashlib
import mimetypes

from fastapi import APIRouter, Request
from fastapi.responses import Response

from organology.serving.page.files import page_files
from organology.serving.problems import Problem
from organology.serving.service import service_of

router = APIRouter(include_in_schema=False)

_KINDS = {".js": "text/javascript; charset=utf-8", ".webmanifest": "application/manifest+json"}


@router.head("/")
@router.get("/")
async def index(request: Request) -> Response:
    """The page itself."""
    return _file(request, "index.html")


@router.head("/page/{name:path}")
@router.get("/page/{name:path}")
async def asset(request: Request, name: str) -> Response:
    """A file that the page loads."""
    return _file(request, f"page/{name}")


def _file(request: Request, name: str) -> Response:
    content = page_files("server", *service_of(request).page_labels).get(name)
    if content is None:
        raise Problem(404, "no such page")
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    suffix = name[name.rfind(".") :]
    kind = _KINDS.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    return Response(content, media_type=kind, headers=headers)
