"""What every request passes: who may ask, what browsers may do with the answer, and the count of it."""

from __future__ import annotations

import hmac
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from organology.serving.metrics import Metrics
from organology.serving.page.policy import PAGE_POLICY
from organology.serving.problems import Problem, answer
from organology.serving.settings import Settings

_DATA_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_GUARDED = ("/v1", "/metrics")
_OPEN = ("/v1/openapi.json",)


class Guard:
    """ASGI middleware.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    metrics : Metrics
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._settings.root_path:
            scope["root_path"] = self._settings.root_path
        began, status = time.monotonic(), 0
        path = _path(scope)
        guarded = path.startswith(_GUARDED)

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _harden(MutableHeaders(scope=message), guarded)
            await send(message)

        try:
            self._check(Headers(scope=scope), scope["method"], guarded and path not in _OPEN)
        except Problem as problem:
            await answer(problem)(scope, receive, finish)
        else:
            await self._app(scope, receive, finish)
        finally:
            route = scope.get("route")
            template = getattr(route, "path", "other")
            self._metrics.answered(scope["method"], template, status, time.monotonic() - began)

    def _check(self, headers: Headers, method: str, guarded: bool) -> None:
        settings = self._settings
        host = headers.get("host", "").rpartition("@")[2]
        name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        if settings.hosts and name.lower() not in settings.hosts:
            raise Problem(421, "this server is not asked under this name")
        if not guarded:
            return
        # A page of another site may send a form here without asking; the browser says so.
        foreign = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        if foreign and headers.get("origin") not in settings.origins and "*" not in settings.origins:
            raise Problem(403, "pages of other sites may not ask this server")
        if settings.token is not None and method != "OPTIONS":
            kind, _, token = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(token.encode(), settings.token.encode()):
                raise Problem(401, "a token is needed: Authorization: Bearer TOKEN")


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root else path


def _harden(headers: MutableHeaders, is_data: bool) -> None:
    standard: MutableMapping[str, Any] = {
        "Content-Security-Policy": _DATA_POLICY if is_data else PAGE_POLICY.in_header,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if is_data:
        standard["Cache-Control"] = "no-store"
    for name, value in standard.items():
        headers.setdefault(name, value)
