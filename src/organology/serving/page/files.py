"""The files of the page: its own, and those that it shares with the HTML report."""

from __future__ import annotations

import html
import io
import json
from functools import cache
from importlib import resources
from string import Template
from typing import Any, Literal

from organology._version import __version__
from organology.labels import LabelSet
from organology.outputs.html.parts import colors, label_rows
from organology.outputs.html.report import HtmlWriter
from organology.serving.page.policy import PAGE_POLICY

Kind = Literal["server", "static"]

_OWN = (
    "app.css",
    "app.js",
    "capture.js",
    "formats.js",
    "frames.js",
    "icon.svg",
    "library.js",
    "live.js",
    "picture.js",
    "recognition.js",
    "report-file.js",
    "resample.js",
    "segments.js",
    "sound.js",
)
_OF_KIND: dict[Kind, tuple[str, ...]] = {"server": ("server-engine.js",), "static": ("browser-engine.js", "worker.js")}
_OF_REPORT = ("report.css", "timeline.js")
_ABOUT = {
    "server": "Drop a recording. It is sent to this server and deleted when it has been recognized.",
    "static": "Drop a recording. The model runs in this browser: nothing is sent anywhere.",
}
_CREDITS = {"server": "", "static": 'The model runs on <a href="page/ort/LICENSE">onnxruntime-web</a>.'}


@cache
def page_files(kind: Kind, label_set: LabelSet, tentative: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Every file by its path relative to the page.

    Parameters
    ----------
    kind : {"server", "static"}
        With the model behind the API, or in the browser (without the model and its runtime: see `static`).
    label_set : LabelSet
        All that the page may show.
    tentative : tuple of str
        Those of its labels that it shows only when asked to.
    """
    own = resources.files("organology.serving.page") / "assets"
    shared = resources.files("organology.outputs.html") / "assets"
    files = {f"page/{name}": (own / name).read_bytes() for name in _OWN + _OF_KIND[kind]}
    files |= {f"page/{name}": (shared / name).read_bytes() for name in _OF_REPORT}
    files["page/report-shell.json"] = json.dumps(_report_shell(label_set), allow_nan=False).encode()
    files["page/labels.json"] = json.dumps(_rows(label_set, tentative), allow_nan=False).encode()
    files["page/colors.css"] = colors(label_set).encode()
    policy = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(PAGE_POLICY.in_page)}">\n'
    page = Template((own / "index.html").read_text("utf-8")).substitute(
        mode=kind,
        policy=policy if kind == "static" else "",
        about=_ABOUT[kind],
        credits=_CREDITS[kind],
        version=__version__,
    )
    return {"index.html": page.encode(), **files}


def _rows(label_set: LabelSet, tentative: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{**row, "tentative": row["label"] in tentative} for row in label_rows(label_set, label_set.labels)]


def _report_shell(label_set: LabelSet) -> dict[str, str]:
    """The HTML report before and after its recordings."""
    stream = io.StringIO()
    with HtmlWriter(stream, label_set=label_set):
        head = stream.getvalue()
    tail = stream.getvalue().removeprefix(head)
    return {"head": head, "tail": tail.replace("0 recordings, 0:00, 0 that could not be read. ", "")}
