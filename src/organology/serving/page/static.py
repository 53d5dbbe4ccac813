"""The page as a folder for any static host: the model runs in the browser.

The runtime (onnxruntime-web) is not part of this package: see `runtime`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from pydantic import TypeAdapter

from organology.atomic import written_whole
from organology.errors import OrganologyError
from organology.labels import LabelSet, View, default_set
from organology.model_metadata import FrameSettings, ModelMetadata
from organology.recognition.onnx_model import ModelFile, read_model
from organology.recognition.views import ALL_LABELS, viewed
from organology.serving.describe import describe_labels, describe_model
from organology.serving.page.files import page_files
from organology.serving.page.runtime import runtime_files


def build(
    folder: str | os.PathLike[str], runtime: str | os.PathLike[str], model: str | os.PathLike[str] | None = None
) -> list[Path]:
    """Write the page into a folder.

    Parameters
    ----------
    folder : path
        Made where there is none; files of these names in it are replaced.
    runtime : path
        A folder with the files of onnxruntime-web, or its archive: see `organology.serving.page.runtime`.
    model : path, optional
        Default: the shipped model.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    OrganologyError
        If a file of the runtime is missing, the model cannot be used, or the folder cannot be written.
    """
    opened = ModelFile(model, threads=1)
    files = dict(page_files("static", opened.metadata.label_set, opened.metadata.tentative))
    files |= {f"page/ort/{name}": content for name, content in runtime_files(Path(runtime)).items()}
    files["page/model.onnx"] = read_model(model)[1]
    files["page/model.json"] = json.dumps(_about(opened), allow_nan=False).encode()
    files["sw.js"] = _service_worker(files)
    written = []
    for name, content in files.items():
        path = Path(folder, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as temporary:
                temporary.write_bytes(content)
        except OSError as error:
            raise OrganologyError(f"{path}: cannot be written: {error.strerror or error}") from error
        written.append(path)
    return written


def _about(model: ModelFile) -> dict[str, Any]:
    """The model, and the views of its scores that the page shows: without and with tentative labels."""
    shown = [None, ALL_LABELS] if model.metadata.tentative else [None]
    return {
        **describe_model(model.name, model.metadata),
        "n_labels": len(model.order),
        "views": [_view(*viewed(model.metadata, model.name, labels), model.order) for labels in shown],
    }


def _view(metadata: ModelMetadata, view: View[LabelSet] | None, order: Sequence[int]) -> dict[str, Any]:
    """Labels, the places of their scores in what the model gives, and what else a recognition of them needs."""
    places = range(len(order)) if view is None else [column for (column,) in view.columns]
    frames = metadata.frames and TypeAdapter(FrameSettings).dump_python(metadata.frames, mode="json")
    label_set = metadata.label_set
    return {
        "columns": [order[place] for place in places],
        "labels": describe_labels(metadata),
        "frames": frames,
        "label_set": None if label_set == default_set() else label_set.to_dict(),
    }


def _service_worker(files: dict[str, bytes]) -> bytes:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    text = (resources.files("organology.serving.page") / "assets" / "sw.js").read_text("utf-8")
    names = ["./", *(name for name in files if name != "index.html")]
    return Template(text).substitute(digest=digest.hexdigest()[:16], files=json.dumps(names, allow_nan=False)).encode()
