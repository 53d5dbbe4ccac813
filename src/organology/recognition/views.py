"""Which labels a recognizer gives, and what of the model's metadata holds for them."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from organology.errors import ModelError
from organology.labels import LabelSet, View
from organology.model_metadata import FrameSettings, ModelMetadata
from organology.recognition.logits import logits_of

ALL_LABELS = "all"
"""In place of the name of a label set: every label of the model's own, tentative ones included."""


def viewed(
    metadata: ModelMetadata, model: str, labels: LabelSet | str | os.PathLike[str] | None
) -> tuple[ModelMetadata, View[LabelSet] | None]:
    """The metadata of what is given out, and how it is read from the model's scores.

    Parameters
    ----------
    metadata : ModelMetadata
    model : str
        Its name.
    labels : LabelSet, str or path, optional
        As `Recognizer` takes them.

    Returns
    -------
    metadata : ModelMetadata
    view : View or None
        None: the scores are given as they are.

    Raises
    ------
    ModelError
        If the model can tell no label of the set.
    ConfigError
        If there is no such label set.
    """
    own = metadata.label_set
    if labels == ALL_LABELS or (labels == own.name and metadata.tentative):
        return metadata, None
    if labels is None:
        return _reliable(metadata) if metadata.tentative else (metadata, None)
    wanted = labels if isinstance(labels, LabelSet) else LabelSet.load(labels)
    if wanted == own:
        return metadata, None
    view = wanted.view_of(own)
    if not view.labels:
        raise ModelError(f"{model}: this model can tell no label of {wanted.name}")
    return _metadata_of(view, metadata), view


def _reliable(metadata: ModelMetadata) -> tuple[ModelMetadata, View[LabelSet]]:
    """The model's set without its tentative labels; the scores of the others, families among them, stay as they are."""
    own = metadata.label_set
    kept = tuple(i for i, label in enumerate(own.labels) if label not in metadata.tentative)
    view = View(own.subset(own.labels[i] for i in kept), (), tuple((i,) for i in kept), len(own))
    return _metadata_of(view, metadata), view


def _metadata_of(view: View[LabelSet], metadata: ModelMetadata) -> ModelMetadata:
    def lowest(thresholds: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(view.apply_thresholds(thresholds).tolist())

    return replace(
        metadata,
        label_set=view.label_set,
        thresholds=lowest(metadata.thresholds),
        calibration=None,
        frames=metadata.frames and _frames_of(view, metadata.frames, metadata.thresholds),
        presets={name: lowest(thresholds) for name, thresholds in metadata.presets.items()},
        tentative=(),
    )


def _frames_of(view: View[LabelSet], frames: FrameSettings, thresholds: tuple[float, ...]) -> FrameSettings:
    """Shifts with which whatever the model's own labels report is reported here, too."""
    of_model = logits_of(np.array(thresholds))
    of_view = logits_of(view.apply_thresholds(thresholds))

    def shifts(own: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(np.round(view.apply_thresholds(of_model + own) - of_view, 6).tolist())

    return replace(frames, frame_shifts=shifts(frames.frame_shifts), window_shifts=shifts(frames.window_shifts))
