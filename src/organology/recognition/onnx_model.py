"""Model files: ONNX, waveform in, scores out, with everything a caller has to know in their metadata.

The contract is in `docs/architecture.md`: input `waveform` float32 (batch, samples), output `scores` float32
(batch, labels) with sigmoids inside, and a metadata property `organology` that holds `model_metadata.ModelMetadata` as
JSON. A model whose metadata have `frames` gives an output `frame_scores` float32 (batch, frames, labels), too. It may
give an output `embedding` float32 (batch, size).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.devices import AUTO, check_device, providers
from organology.errors import ModelError
from organology.labels import LabelSet, default_set
from organology.model_metadata import METADATA_KEY, ModelMetadata
from organology.recognition.pooling import check_pooling
from organology.recognition.runtime import onnxruntime
from organology.recognition.windows import ModelScores

SHIPPED = "organology.onnx"
"""Name of the shipped model, in `organology/recognition/models`."""

_INPUT, _OUTPUT, _FRAMES, _EMBEDDING = "waveform", "scores", "frame_scores", "embedding"


class ModelFile:
    """An open model; safe to use from several threads at once, and to pickle (it is read again).

    Parameters
    ----------
    model : path, optional
        Default: the shipped model.
    threads : int, optional
        Threads that one inference may use. Default: as many as this process may run on.
    device : str
        One of `organology.devices.DEVICE_NAMES`.

    Attributes
    ----------
    name : str
        As the metadata say, or else the file's name.
    embedding_size : int or None
        None: the model gives no embeddings.
    digest : str
        SHA-256 of the file, in hexadecimal: what tells models apart.
    metadata : ModelMetadata
        With labels and thresholds in the order of the label set; a model whose labels are those of the default set
        gives them in its order, whatever the order inside the file.
    order : list of int
        For each of these labels, its place in what the file's network gives.

    Raises
    ------
    ModelError
        "PATH: reason" if there is no such file or it is not a model of the contract.
    OptionError
        If onnxruntime cannot use the device.
    """

    def __init__(
        self, model: str | os.PathLike[str] | None = None, threads: int | None = None, device: str = AUTO
    ) -> None:
        self._model, self._threads, self._device = model, threads, device
        chosen = providers(device, onnxruntime.get_available_providers())
        self._source, content = read_model(model)
        self.digest: str = hashlib.sha256(content).hexdigest()
        try:
            session = onnxruntime.InferenceSession(content, _options(threads), providers=chosen)
        except Exception as error:  # onnxruntime's errors share no base of their own
            raise ModelError(f"{self._source}: not an ONNX model that can be run: {_first_line(error)}") from error
        check_device(device, session.get_providers())
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise ModelError(f"{self._source}: an ONNX model, but without the metadata property {METADATA_KEY!r}")
        metadata = ModelMetadata.from_json(text, self._source)
        _check(session, metadata, self._source)
        self._session: Any = session
        self.embedding_size = next(
            (_size(port) or None for port in session.get_outputs() if port.name == _EMBEDDING), None
        )
        self.order: list[int] = _order(metadata.label_set)
        self.metadata = _reordered(metadata, self.order)
        self.name: str = metadata.name or Path(self._source).name

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._model, self._threads, self.digest, self._device)

    def close(self) -> None:
        """Free the model's memory; nothing can be scored afterwards."""
        self._session = None

    def scores(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of windows.

        Parameters
        ----------
        waveforms : float32 array, shape (batch, metadata.window_frames)
            Mono, at `metadata.sample_rate`, full scale at ±1.

        Returns
        -------
        float32 array, shape (batch, n_labels)
            0 ... 1, in the order of `metadata.label_set`.

        Raises
        ------
        ModelError
            If the model gives scores that are not finite, or is closed.
        """
        return self._run([_OUTPUT], waveforms)[0]

    def all_scores(self, waveforms: NDArray[np.float32]) -> ModelScores:
        """Scores of windows, and of their frames where the model gives them; parameters and errors as of `scores`."""
        outputs = [_OUTPUT] if self.metadata.frames is None else [_OUTPUT, _FRAMES]
        return ModelScores(*self._run(outputs, waveforms))

    def _run(self, outputs: list[str], waveforms: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return [np.asarray(scores[..., self.order], dtype=np.float32) for scores in self._given(outputs, waveforms)]

    def _given(self, outputs: list[str], waveforms: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        session = self._session  # `close` may come from another thread
        if session is None:
            raise ModelError(f"{self._source}: the model is closed")
        given: list[NDArray[np.float32]] = session.run(
            outputs, {_INPUT: np.ascontiguousarray(waveforms, dtype=np.float32)}
        )
        if not all(np.isfinite(values).all() for values in given):
            raise ModelError(f"{self._source}: the model gives scores that are not finite")
        return given

    def embeddings(self, waveforms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings of windows, shape (batch, embedding_size); parameters and errors as of `scores`.

        Raises
        ------
        ModelError
            If the model gives none.
        """
        if self.embedding_size is None:
            raise ModelError(f"{self._source}: gives no embeddings; export it with --embedding")
        return self._given([_EMBEDDING], waveforms)[0]


def _reopened(model: str | os.PathLike[str] | None, threads: int | None, digest: str, device: str = AUTO) -> ModelFile:
    opened = ModelFile(model, threads, device)
    if opened.digest != digest:
        raise ModelError(f"{opened._source}: the model file must be the one that was pickled, got another content")
    return opened


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


def _check(session: Any, metadata: ModelMetadata, source: str) -> None:
    try:
        check_pooling(metadata.pooling)
    except ValueError as error:
        raise ModelError(f"{source}: bad model metadata: {error}") from None
    n_labels = len(metadata.labels)
    outputs: dict[str, tuple[str | int, ...]] = {_OUTPUT: ("batch", n_labels)}
    if metadata.frames is not None:
        n_frames = int(metadata.window_seconds / metadata.frames.seconds + 1e-6) + 1
        outputs[_FRAMES] = ("batch", n_frames, n_labels)
    _check_ports(session.get_inputs(), {_INPUT: ("batch", metadata.window_frames)}, source)
    outputs.update((_EMBEDDING, ("batch", _size(port))) for port in session.get_outputs() if port.name == _EMBEDDING)
    _check_ports(session.get_outputs(), outputs, source)


def _size(port: Any) -> int:
    """Length of an embedding; 0 where the port has another shape or leaves it open."""
    return port.shape[1] if len(port.shape) == 2 and isinstance(port.shape[1], int) else 0


def _check_ports(found: Any, wanted: dict[str, tuple[str | int, ...]], source: str) -> None:
    shapes = {port.name: (port.type, port.shape) for port in found}
    if set(shapes) != set(wanted):
        names = " and ".join(map(repr, wanted))
        raise ModelError(f"{source}: has {', '.join(sorted(shapes))} where a model has {names} alone")
    for name, dimensions in wanted.items():
        kind, shape = shapes[name]
        # A dimension is a number, or a name or None where it is free; that of the batch has to be.
        fits = len(shape) == len(dimensions) and not isinstance(shape[0], int)
        if (
            kind != "tensor(float)"
            or not fits
            or any(a not in (b, None) for a, b in zip(shape[1:], dimensions[1:], strict=True))
        ):
            raise ModelError(f"{source}: {name!r} is {kind} {shape}, and has to be tensor(float) {list(dimensions)}")


def _order(label_set: LabelSet) -> list[int]:
    """Columns of the model's output in the order in which scores are given."""
    default = default_set().labels
    if sorted(label_set.labels) == sorted(default):
        return [label_set.index(label) for label in default]
    return list(range(len(label_set)))


def _reordered(metadata: ModelMetadata, order: list[int]) -> ModelMetadata:
    if order == sorted(order):
        return metadata
    labels = [metadata.labels[i] for i in order]
    return replace(
        metadata,
        label_set=metadata.label_set.subset(labels),
        thresholds=tuple(metadata.thresholds[i] for i in order),
        calibration=metadata.calibration and metadata.calibration.columns(order),
        frames=metadata.frames and metadata.frames.columns(order),
        presets={name: tuple(of[i] for i in order) for name, of in metadata.presets.items()},
    )
