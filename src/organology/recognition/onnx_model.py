"""Model files: ONNX, waveform in, scores out, with everything a caller has to know in their metadata.

The contract is in `docs/architecture.md`: input `waveform` float32 (batch, samples), output `scores` float32
(batch, labels) with sigmoids inside, and a metadata property `organology` that holds `metadata.ModelMetadata` as JSON.
"""

from __future__ import annotations

import hashlib
import os
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from organology.errors import ModelError
from organology.labels import default_set
from organology.model_metadata import METADATA_KEY, ModelMetadata
from organology.taxonomy import LABELS

SHIPPED = "organology.onnx"
"""Name of the shipped model, in `organology/recognition/models`."""

_INPUT, _OUTPUT = "waveform", "scores"


class ModelFile:
    """An open model; safe to use from several threads at once.

    Parameters
    ----------
    model : path, optional
        Default: the shipped model.
    threads : int, optional
        Threads that one inference may use. Default: as many as this process may run on.

    Attributes
    ----------
    name : str
        As the metadata say, or else the file's name.
    metadata : ModelMetadata
        With labels and thresholds in the order of `taxonomy.LABELS`.

    Raises
    ------
    ModelError
        "PATH: reason" if there is no such file or it is not a model of the contract.
    """

    def __init__(self, model: str | os.PathLike[str] | None = None, threads: int | None = None) -> None:
        source, content = read_model(model)
        try:
            self._session = onnxruntime.InferenceSession(content, _options(threads), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no base of their own
            raise ModelError(f"{source}: not an ONNX model that can be run: {_first_line(error)}") from error
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise ModelError(f"{source}: an ONNX model, but without the metadata property {METADATA_KEY!r}")
        metadata = ModelMetadata.from_json(text, source)
        _check_ports(self._session, metadata, source)
        self._order = _order(metadata.labels, source)
        self._source = source
        self.metadata = _reordered(metadata, self._order)
        self.name: str = metadata.name or Path(source).name

    def scores(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of windows.

        Parameters
        ----------
        waveforms : float32 array, shape (batch, metadata.window_frames)
            Mono, at `metadata.sample_rate`, full scale at ±1.

        Returns
        -------
        float32 array, shape (batch, 15)
            0 ... 1, in the order of `taxonomy.LABELS`.

        Raises
        ------
        ModelError
            If the model gives scores that are not finite.
        """
        (scores,) = self._session.run([_OUTPUT], {_INPUT: np.ascontiguousarray(waveforms, dtype=np.float32)})
        if not np.isfinite(scores).all():
            raise ModelError(f"{self._source}: the model gives scores that are not finite")
        return np.asarray(scores[:, self._order], dtype=np.float32)


def read_model(model: str | os.PathLike[str] | None = None) -> tuple[str, bytes]:
    """What a model file (default: the shipped one) is called in errors, and its content.

    Raises
    ------
    ModelError
        "PATH: reason" if it cannot be read.
    """
    if model is None:
        shipped = resources.files("organology.recognition") / "models" / SHIPPED
        if not shipped.is_file():
            raise ModelError(f"{SHIPPED}: this installation has no shipped model; name a model file")
        return SHIPPED, shipped.read_bytes()
    source = os.fspath(model)
    try:
        return source, Path(source).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{source}: no such file") from None
    except OSError as error:
        raise ModelError(f"{source}: {error.strerror or error}") from error


def digest(model: str | os.PathLike[str] | None = None) -> str:
    """SHA-256 of a model file (default: the shipped one), in hexadecimal: what tells models apart.

    Raises
    ------
    ModelError
        "PATH: reason" if it cannot be read.
    """
    return hashlib.sha256(read_model(model)[1]).hexdigest()


def _options(threads: int | None) -> Any:
    onnxruntime.set_default_logger_severity(4)  # else it warns on stderr of devices that it does not find
    options = onnxruntime.SessionOptions()
    # Said outright, else onnxruntime pins threads to cores, which fails noisily in containers.
    options.intra_op_num_threads = threads or available_cores()
    options.inter_op_num_threads = 1
    # Threads that wait for the next inference would otherwise spin, and take more time than the model itself.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return options


def available_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _check_ports(session: Any, metadata: ModelMetadata, source: str) -> None:
    ports = (
        (_INPUT, session.get_inputs(), metadata.window_frames),
        (_OUTPUT, session.get_outputs(), len(metadata.labels)),
    )
    for name, found, size in ports:
        shapes = {port.name: (port.type, port.shape) for port in found}
        if set(shapes) != {name}:
            raise ModelError(f"{source}: has {', '.join(sorted(shapes))} where a model has {name!r} alone")
        kind, shape = shapes[name]
        # A dimension is a number, or a name or None where it is free.
        if kind != "tensor(float)" or len(shape) != 2 or isinstance(shape[0], int) or shape[1] not in (size, None):
            raise ModelError(f"{source}: {name!r} is {kind} {shape}, and has to be tensor(float) ['batch', {size}]")


def _order(labels: tuple[str, ...], source: str) -> list[int]:
    if sorted(labels) != sorted(LABELS):
        different = sorted(set(labels) ^ set(LABELS)) or sorted({x for x in labels if labels.count(x) > 1})
        raise ModelError(f"{source}: its labels are not the {len(LABELS)} of organology: {', '.join(different)}")
    return [labels.index(label) for label in LABELS]


def _reordered(metadata: ModelMetadata, order: list[int]) -> ModelMetadata:
    from dataclasses import replace

    return replace(metadata, label_set=default_set(), thresholds=tuple(metadata.thresholds[i] for i in order))
