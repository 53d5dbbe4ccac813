"""Receiving one recording, as the raw body of a request or as a file of a form, into a file of the workspace."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from fastapi import Request
from starlette.requests import ClientDisconnect

from organology.serving.form import FormFile, boundary_of
from organology.serving.problems import Problem, one_line
from organology.serving.settings import Limits

_PIECE_BYTES = 2**20
_MOST_NAME = 200
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_UNNAMED = "recording"


@dataclass(frozen=True)
class Upload:
    """A recording that has arrived.

    Attributes
    ----------
    path : Path
    name : str
        As the client calls it, without folders.
    """

    path: Path
    name: str


def safe_name(name: str | None) -> str:
    r"""A client's name for a file, without folders, control characters and excess length.

    >>> safe_name("../../etc/pass\nwd"), safe_name("C:\\music\\a.wav"), safe_name(""), safe_name("..")
    ('pass wd', 'a.wav', 'recording', 'recording')
    """
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    printable = one_line("".join(sign if sign.isprintable() else " " for sign in last))
    if len(printable) > _MOST_NAME:
        suffix = Path(printable).suffix[:9]
        printable = printable[: _MOST_NAME - len(suffix)] + suffix
    return printable if printable.strip(". ") else _UNNAMED


async def receive(request: Request, folder: Path, limits: Limits, name: str | None = None) -> Upload:
    """Write the recording in a request into a folder.

    Parameters
    ----------
    request : Request
        With `multipart/form-data` and one file, or with the file itself as its body.
    folder : Path
    limits : Limits
    name : str, optional
        In place of the name in the form.

    Raises
    ------
    Problem
        413 if it is too large, 408 if it comes too slowly, 400 if there is none or the form is broken, 503 if it
        cannot be written.
    ClientDisconnect
        If the client goes away. In every case of an error nothing is left in the folder.
    """
    _check_declared(request, limits)
    boundary = boundary_of(request.headers.get("content-type", ""))
    target = _Target(folder / secrets.token_hex(16))
    async with target:
        pieces = _bounded(request, limits)
        if boundary is None:
            async for piece in pieces:
                await target.write(piece)
        else:
            form = FormFile(boundary)
            async for piece in pieces:
                await target.write(form.feed(piece))
            name = name or form.close()
        await target.flush()
        if not target.size:
            raise Problem(400, "the request holds no recording")
        shown = safe_name(name)
        # Decoders look at the suffix, too.
        suffix = Path(shown).suffix.lower()
        return Upload(target.keep(suffix if _SUFFIX.fullmatch(suffix) else ""), shown)


def _check_declared(request: Request, limits: Limits) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limits.upload_bytes + _PIECE_BYTES:
        raise _too_large(limits)


async def _bounded(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    """The pieces of a body; neither too many nor too slow."""
    began, size = time.monotonic(), 0
    stream = request.stream()
    while True:
        late = began + limits.upload_idle_seconds + size / limits.upload_bytes_per_second - time.monotonic()
        try:
            piece = await asyncio.wait_for(anext(stream), min(limits.upload_idle_seconds, late))
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Problem(408, "the recording comes too slowly") from None
        size += len(piece)
        if size > limits.upload_bytes:
            raise _too_large(limits)
        yield piece


def _too_large(limits: Limits) -> Problem:
    return Problem(413, f"larger than the {limits.upload_bytes} bytes that this server takes")


class _Target:
    """A file that is removed on leaving unless it is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._held = bytearray()
        self._is_kept = False
        self.size = 0

    async def __aenter__(self) -> Self:
        try:
            self._file = self._path.open("xb")
        except OSError as error:
            raise _cannot_write() from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if not self._is_kept:
            self._path.unlink(missing_ok=True)

    async def write(self, piece: bytes) -> None:
        self._held += piece
        self.size += len(piece)
        if len(self._held) >= _PIECE_BYTES:
            await self.flush()

    async def flush(self) -> None:
        held, self._held = self._held, bytearray()
        assert self._file is not None
        try:
            await asyncio.to_thread(self._file.write, held)
            self._file.flush()
        except OSError as error:
            raise _cannot_write() from error

    def keep(self, suffix: str) -> Path:
        self._path = self._path.rename(self._path.with_suffix(suffix)) if suffix else self._path
        self._is_kept = True
        return self._path


def _cannot_write() -> Problem:
    return Problem(503, "no room for the recording", retry_after=60)


__all__ = ["ClientDisconnect", "Upload", "receive", "safe_name"]
