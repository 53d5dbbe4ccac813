"""Models as something that gives scores: checkpoints, model files, published weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from organology.errors import ModelError
from organology.labels import LabelSet, View, default_set
from organology.model.checkpoint import load_checkpoint
from organology.model.config import EFFICIENTAT
from organology.model.taggers.audioset import AudioSetTagger
from organology.training.compute.memory_format import channels_last
from organology.training.compute.precision import autocast
from organology.training.config import Precision

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Scorer:
    """A model as something that gives scores.

    Attributes
    ----------
    name : str
    label_set : LabelSet
    score : callable
        float32 tensor (batch, samples) on the CPU -> float32 array (batch, n_labels), in the order of `label_set`.
    sample_rate : int
    window_seconds : float or None
        Length of the waveform it takes; None: any.
    thresholds : dict
        By name, one number or one for each label; empty where the model carries none.
    provenance : dict
    pooling : str
        How the scores of a file's windows become those of the file.
    """

    name: str
    label_set: LabelSet
    score: Callable[[Tensor], Scores]
    sample_rate: int
    window_seconds: float | None
    thresholds: dict[str, Any]
    provenance: dict[str, Any]
    pooling: str = "mean"

    def view(self, label_set: LabelSet) -> View[LabelSet]:
        """How another label set is read from the scores.

        Raises
        ------
        ModelError
            If none of its labels can be told.
        """
        view = label_set.view_of(self.label_set)
        if not view.labels:
            raise ModelError(f"{self.name}: its labels ({self.label_set.name}) tell none of those of {label_set.name}")
        return view

    def viewed(self, view: View[LabelSet]) -> Scorer:
        """The model with the labels of a view in place of its own."""

        def score(waveform: Tensor) -> Scores:
            return np.asarray(view.apply(self.score(waveform)))

        thresholds = {name: view.apply_thresholds(t) if np.ndim(t) else t for name, t in self.thresholds.items()}
        return replace(self, label_set=view.label_set, score=score, thresholds=thresholds)


def load_scorer(
    path: str | os.PathLike[str],
    device: str = "cpu",
    precision: Precision = "32-true",
    label_set: LabelSet | None = None,
) -> Scorer:
    """Open a model.

    Parameters
    ----------
    path : path-like
        A checkpoint folder, a model file (`.onnx`), or the published AudioSet weights (`.pt`), whose scores are then
        those of no training of ours.
    device : str
        Of torch; a model file runs on the CPU.
    precision : {"32-true", "16-mixed", "bf16-mixed"}
        Of a checkpoint's network; model files and published weights compute in float32.
    label_set : LabelSet, optional
        What published weights are read for; default: `default_set()`. Other models have their own.

    Raises
    ------
    ModelError
        If it cannot be used.
    """
    if Path(path).suffix == ".onnx":
        return _model_file(path)
    if Path(path).suffix == ".pt":
        return _published(path, device, label_set or default_set())
    network, metadata = load_checkpoint(path)
    channels_last(network.to(device).backbone)

    @torch.inference_mode()
    def score(waveform: Tensor) -> Scores:
        with autocast(device, precision):
            logits = network(waveform.to(device))
        return np.asarray(network.to_scores(logits.float()).cpu().numpy())

    return Scorer(
        metadata.name or Path(path).name,
        metadata.label_set,
        score,
        metadata.sample_rate,
        metadata.window_seconds,
        _carried(np.array(metadata.thresholds), metadata.provenance),
        metadata.provenance,
        metadata.pooling,
    )


def _model_file(path: str | os.PathLike[str]) -> Scorer:
    from organology.recognition.onnx_model import ModelFile

    model = ModelFile(path)
    metadata = model.metadata
    return Scorer(
        model.name,
        metadata.label_set,
        lambda waveform: model.scores(waveform.numpy()),
        metadata.sample_rate,
        metadata.window_seconds,
        _carried(np.array(metadata.thresholds), metadata.provenance),
        metadata.provenance,
        metadata.pooling,
    )


def _published(path: str | os.PathLike[str], device: str, label_set: LabelSet) -> Scorer:
    tagger = AudioSetTagger.from_published(path, label_set).to(device)
    known = [label for label, there in zip(label_set.labels, tagger.to_labels.known, strict=True) if there]
    columns = [label_set.index(label) for label in known]

    @torch.inference_mode()
    def score(waveform: Tensor) -> Scores:
        scores = tagger.zero_shot(waveform.to(device)).sigmoid().float()
        return np.asarray(scores.cpu().numpy()[:, columns])

    name = f"{Path(path).stem} (no training of ours)"
    return Scorer(name, label_set.subset(known), score, EFFICIENTAT.sample_rate, None, {}, {})


def _carried(thresholds: NDArray[Any], provenance: dict[str, Any]) -> dict[str, Any]:
    """Thresholds that a model carries: those that it uses, and the single one of its provenance."""
    named: dict[str, Any] = {"checkpoint": thresholds}
    single = (provenance.get("thresholds") or {}).get("single")
    if single is not None and not np.allclose(thresholds, single):
        named["checkpoint single"] = float(single)
    return named
