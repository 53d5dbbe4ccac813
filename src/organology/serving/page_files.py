"""The files of the page: its own, and those that it shares with the HTML report."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

_OWN = ("app.js",)


@cache
def page_files(kind: Literal["server", "static"]) -> dict[str, bytes]:
    """Every file by its path relative to the page."""
    folder = resources.files("organology.serving") / "page"
    return {"index.html": (folder / "index.html").read_bytes()} | {
        f"page/{name}": (folder / name).read_bytes() for name in _OWN
    }
