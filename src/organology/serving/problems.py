"""Errors as answers: a status, one line, and when to try again."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class Problem(Exception):  # noqa: N818
    """An error that is answered.

    Attributes
    ----------
    status : int
    line : str
        What is wrong, without any path of this machine.
    retry_after : float, optional
        Seconds after which it may be otherwise.
    """

    def __init__(self, status: int, line: str, retry_after: float | None = None) -> None:
        super().__init__(line)
        self.status, self.line, self.retry_after = status, one_line(line), retry_after


def one_line(text: str) -> str:
    r"""Text as one line that is valid Unicode.

    >>> one_line("a\n b\udcff")
    'a b\\udcff'
    """
    return " ".join(text.split()).encode("utf-8", "backslashreplace").decode("utf-8")


def answer(problem: Problem) -> JSONResponse:
    """The response of a problem."""
    headers = {} if problem.retry_after is None else {"Retry-After": str(max(1, math.ceil(problem.retry_after)))}
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": problem.line}, problem.status, headers)


def install(app: FastAPI) -> None:
    """Answer every error of an application in this form."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return answer(error)

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return answer(Problem(422, _invalid_line(error.errors()[0])))

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        response = answer(Problem(error.status_code, str(error.detail)))
        response.headers.update(error.headers or {})
        return response

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        return answer(Problem(500, "internal error"))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)


def _invalid_line(fault: Mapping[str, object]) -> str:
    place = fault.get("loc")
    name = place[-1] if isinstance(place, tuple) and place else "request"
    return f"{name}: {fault.get('msg')}"
