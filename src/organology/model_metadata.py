"""What travels inside a model file: labels, thresholds, windows, front end, provenance.

One schema for the ONNX file (a metadata property named `organology`, JSON) and for the JSON beside a checkpoint's
safetensors. It imports neither torch nor onnxruntime, so that both sides can read and write it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, InstanceOf, PlainSerializer, TypeAdapter, ValidationError

from organology import lineage
from organology.errors import ModelError
from organology.labels import LabelSet, default_set

METADATA_KEY = "organology"
METADATA_VERSION = 2
_VERSION_WITHOUT_SETS = 1  # labels by name alone
_OPTIONAL = ("frames", "presets", "tentative")  # left out of the text where a model has none of them

_HIGHEST_RATE, _LONGEST_WINDOW = 1_000_000, 600.0

MOST_TERM_LOGIT, MOST_TERM_CHANGE = 8.0, 6.0

DEFAULT_HOP_SECONDS = 1.0
"""Distance of the windows of a model without frames."""


def label_set_of(labels: Iterable[str]) -> LabelSet:
    """The label set that bare names mean: the default set in their order, else a flat set of them."""
    names = tuple(labels)
    default = default_set()
    if names == default.labels:
        return default
    return default.subset(names) if set(names) == set(default.labels) else LabelSet("model", names)


def preset_of(presets: Mapping[str, tuple[float, ...]], name: str) -> tuple[float, ...]:
    """The thresholds of a preset of a model.

    Raises
    ------
    ValueError
        If there is none of this name; says which there are.
    """
    if name not in presets:
        raise ValueError(
            f"this model has no thresholds {name!r}; it has {', '.join(sorted(presets)) or 'its own alone'}"
        )
    return presets[name]


def _as_set(value: Any) -> Any:
    return LabelSet.from_dict(value) if isinstance(value, Mapping) else value


_LabelSet = Annotated[
    InstanceOf[LabelSet], BeforeValidator(_as_set), PlainSerializer(LabelSet.to_dict, return_type=dict[str, Any])
]


@dataclass(frozen=True)
class FrameTerms:
    """What some labels together say of each of them in a frame: terms added to its calibrated logit there.

    The sum is `offset + of_frame @ logits of the frame + of_window @ logits of the window`, these logits cut at
    `MOST_TERM_LOGIT` and the sum at `MOST_TERM_CHANGE` either way.

    Attributes
    ----------
    labels : tuple of str
        Those that have terms, and of whose logits they are.
    offsets : tuple of float
        One of each.
    of_frame, of_window : tuple of tuple of float
        A row of each: a weight of each.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    labels: tuple[str, ...]
    offsets: tuple[float, ...]
    of_frame: tuple[tuple[float, ...], ...]
    of_window: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        rows = (*self.of_frame, *self.of_window)
        if any(len(part) != len(self.labels) for part in (self.offsets, self.of_frame, self.of_window, *rows)):
            raise ValueError(f"frame_terms of {len(self.labels)} labels: as many offsets, rows and weights in each")
        if not all(map(math.isfinite, (*self.offsets, *(weight for row in rows for weight in row)))):
            raise ValueError("frame_terms must be finite")


@dataclass(frozen=True)
class Calibration:
    """What makes probabilities of a network's scores: sigmoid(slope * logit + offset), a number of each per label.

    Attributes
    ----------
    slopes : tuple of float
        Above 0, so that no order changes.
    offsets : tuple of float
    frame_terms : FrameTerms or None
        Added in frames, and there alone.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    slopes: tuple[float, ...]
    offsets: tuple[float, ...]
    frame_terms: FrameTerms | None = None

    def __post_init__(self) -> None:
        if len(self.slopes) != len(self.offsets):
            raise ValueError(f"{len(self.slopes)} slopes and {len(self.offsets)} offsets")
        if not all(slope > 0 for slope in self.slopes):
            raise ValueError("slopes are above 0")
        if not all(map(math.isfinite, (*self.slopes, *self.offsets))):
            raise ValueError("slopes and offsets must be finite")

    def columns(self, which: Sequence[int]) -> Calibration:
        """The same for a model whose labels stand in another order."""
        slopes, offsets = (tuple(part[i] for i in which) for part in (self.slopes, self.offsets))
        return replace(self, slopes=slopes, offsets=offsets)


@dataclass(frozen=True)
class FrameSettings:
    """Scores of frames, which a model may give besides those of windows, and how a timeline is made from them.

    Frame k of a window is the instant `k * seconds` after the window's start. A label plays at an instant where the
    logit of its frame reaches that of its threshold plus its frame shift, and the best window over the instant reaches
    that of its threshold plus its window shift.

    Attributes
    ----------
    frame_shifts, window_shifts : tuple of float
        One per label, in logits.
    seconds : float
        Distance of the frames.
    hop_seconds : float
        Distance of the windows where the caller names none.
    low_logits : float
        Hysteresis: a segment goes on down to so many logits below what begins it.
    median_seconds, max_gap_seconds, min_seconds : float
        As in `recognition.SegmentSettings`, where the caller sets none.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    frame_shifts: tuple[float, ...]
    window_shifts: tuple[float, ...]
    seconds: float = 0.32
    hop_seconds: float = 1.92
    low_logits: float = 2.0
    median_seconds: float = 0.9
    max_gap_seconds: float = 0.7
    min_seconds: float = 1.0

    def __post_init__(self) -> None:
        if len(self.frame_shifts) != len(self.window_shifts):
            raise ValueError(f"{len(self.frame_shifts)} frame_shifts and {len(self.window_shifts)} window_shifts")
        if not all(map(math.isfinite, (*self.frame_shifts, *self.window_shifts))):
            raise ValueError("frame_shifts and window_shifts must be finite")
        for name in ("seconds", "hop_seconds"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("low_logits", "median_seconds", "max_gap_seconds", "min_seconds"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")

    def columns(self, which: Iterable[int]) -> FrameSettings:
        """The settings of some of the labels, by their places, in the order given."""
        kept = tuple(which)
        return replace(
            self,
            frame_shifts=tuple(self.frame_shifts[i] for i in kept),
            window_shifts=tuple(self.window_shifts[i] for i in kept),
        )


@dataclass(frozen=True)
class ModelMetadata:
    """Everything that a caller has to know of a model, so that it has nothing to configure.

    Attributes
    ----------
    label_set : LabelSet
        The outputs, in order, and what they mean.
    thresholds : tuple of float
        One per label: a score at or above it means "plays".
    sample_rate : int
        Of the waveform the model takes, in Hz.
    window_seconds : float
        Length of the window the model takes.
    pooling : str
        How the scores of a file's windows become the scores of the file: one of `recognition.pooling.POOLINGS`.
    frontend : dict
        Settings of the mel spectrogram (inside the model; told for the record).
    network : dict
        Settings of backbone and head (likewise), from which `organology import` makes a network again.
    calibration : Calibration or None
        Inside the model, too, whose scores are calibrated already. None: they are the network's own.
    provenance : dict
        How the model was made: data, command, versions, metrics, licence; parents by name and SHA-256.
    name : str
    frames : FrameSettings or None
        None: the model gives scores of windows alone.
    presets : mapping of str to tuple of float
        Other thresholds of all labels that a caller may ask for by name, such as "strict" and "sensitive".
    tentative : tuple of str
        Labels that the model scores, but not reliably enough for their names to be given unless they are asked for.
    version : int
        Of this schema.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    label_set: _LabelSet
    thresholds: tuple[float, ...]
    sample_rate: int = 32_000
    window_seconds: float = 4.0
    pooling: str = "top_stretch"
    frontend: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    frames: FrameSettings | None = None
    presets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    tentative: tuple[str, ...] = ()
    version: int = METADATA_VERSION

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.thresholds):
            raise ValueError(f"{len(self.labels)} labels and {len(self.thresholds)} thresholds")
        if self.calibration is not None and len(self.calibration.slopes) != len(self.labels):
            raise ValueError(f"{len(self.labels)} labels and a calibration of {len(self.calibration.slopes)}")
        if self.calibration is not None and self.calibration.frame_terms is not None:
            self.label_set.check(self.calibration.frame_terms.labels)
        if not all(map(math.isfinite, self.thresholds)):
            raise ValueError("thresholds must be finite")
        if not 0 < self.sample_rate <= _HIGHEST_RATE or not 0 < self.window_seconds <= _LONGEST_WINDOW:
            raise ValueError(
                f"sample_rate must be between 1 and {_HIGHEST_RATE}, window_seconds at most {_LONGEST_WINDOW:g}"
            )
        if self.window_frames < 1:
            raise ValueError(f"window_seconds must be a sample or more, got {self.window_seconds}")
        if self.frames is not None and len(self.frames.frame_shifts) != len(self.labels):
            raise ValueError(f"{len(self.labels)} labels and {len(self.frames.frame_shifts)} frame_shifts")
        for name, thresholds in self.presets.items():
            if len(thresholds) != len(self.labels):
                raise ValueError(f"{len(self.labels)} labels and {len(thresholds)} thresholds of the preset {name!r}")
            if not all(0 <= threshold <= 1 for threshold in thresholds):
                raise ValueError(f"thresholds of the preset {name!r} must be between 0 and 1")
        if not set(self.labels) - set(self.label_set.check(self.tentative)):
            raise ValueError("tentative must leave at least one label")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        return self.label_set.labels

    @property
    def window_frames(self) -> int:
        """Length of the window in samples."""
        return round(self.window_seconds * self.sample_rate)

    @property
    def hop_seconds(self) -> float:
        """Distance of the windows where the caller names none."""
        return DEFAULT_HOP_SECONDS if self.frames is None else self.frames.hop_seconds

    def preset(self, name: str | None) -> tuple[float, ...]:
        """The thresholds of a preset; the model's own for None.

        Raises
        ------
        ValueError
            If the model has no such preset.
        """
        return self.thresholds if name is None else preset_of(self.presets, name)

    def to_json(self) -> str:
        """The metadata as JSON text."""
        values = TypeAdapter(ModelMetadata).dump_python(self, mode="json")
        kept = {key: value for key, value in values.items() if key not in _OPTIONAL or value}
        if self.calibration is not None and self.calibration.frame_terms is None:
            del kept["calibration"]["frame_terms"]
        return json.dumps(kept, ensure_ascii=False, allow_nan=False)

    @staticmethod
    def from_json(text: str, source: str) -> ModelMetadata:
        """Read metadata written by `to_json`, in this version or an earlier one.

        Raises
        ------
        ModelError
            If the text is not such metadata, or of a version that this organology does not read; `source` is named.
        """
        try:
            values = json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
            metadata = TypeAdapter(ModelMetadata).validate_python(_current(values))
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            raise ModelError(f"{source}: bad model metadata: {place} {fault['msg']}") from error
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{source}: bad model metadata: {error}") from error
        if metadata.version != METADATA_VERSION:
            raise ModelError(f"{source}: metadata version {metadata.version}, this reads {METADATA_VERSION}")
        try:
            whole = lineage.unfold(metadata.provenance)
        except ValueError as error:
            raise ModelError(f"{source}: bad model metadata: provenance: {error}") from error
        return replace(metadata, provenance=lineage.parents_only(whole))


def _finite(digits: str) -> float | None:
    """A number of JSON, None where it is beyond those that a float can hold."""
    value = float(digits)
    return value if math.isfinite(value) else None


def _current(values: Any) -> Any:
    """Plain values of an earlier version as those of this one."""
    if not isinstance(values, dict) or values.get("version", _VERSION_WITHOUT_SETS) != _VERSION_WITHOUT_SETS:
        return values
    labels = values.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        return values
    rest = {key: value for key, value in values.items() if key != "labels"}
    return {**rest, "label_set": label_set_of(labels), "version": METADATA_VERSION}
