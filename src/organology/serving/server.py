"""The server process: uvicorn, with bounds on connections that it lacks."""

from __future__ import annotations

import asyncio
import functools
import json
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from organology.serving.app import create_app
from organology.serving.settings import Limits, Settings

_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 10
_BODY = json.dumps({"error": "too many connections"}, allow_nan=False).encode()
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP, which closes connections that do not send a whole request head in time, and refuses too many."""

    def __init__(self, *args: Any, limits: Limits, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limits = limits
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse it."""
        if len(self.connections) >= self._limits.connections:
            self.transport = transport
            transport.write(_FULL)
            transport.close()
            return
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_timer()
        elif self._head_timer is None and not self.transport.is_closing():
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        if self in self.connections:
            super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self._limits.head_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Server(uvicorn.Server):
    """Says on which port it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready(self.servers[0].sockets[0].getsockname()[1])


def configure(settings: Settings, host: str, port: int) -> uvicorn.Config:
    """What uvicorn is to do.

    Raises
    ------
    OrganologyError
        If the model or the store cannot be used.
    """
    return uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        http=functools.partial(BoundedProtocol, limits=settings.limits),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def serve(settings: Settings, host: str, port: int, ready: Callable[[int], None] = lambda port: None) -> None:
    """Serve until a signal ends it.

    Parameters
    ----------
    settings : Settings
    host : str
    port : int
    ready : callable, optional
        Called with the port when it listens; that of the system's choice if `port` is 0.

    Raises
    ------
    OrganologyError
        If the model or the store cannot be used.
    """
    Server(configure(settings, host, port), ready).run()
