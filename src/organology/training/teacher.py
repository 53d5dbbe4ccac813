"""The published AudioSet tagger as a teacher."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from organology.errors import ModelError
from organology.model import AudioSetTagger
from organology.model.audioset import ZeroShot
from organology.taxonomy import LABELS, Vocabulary
from organology.training.layout import channels_last


@cache
def audioset_labels() -> tuple[str, ...]:
    """Names of the 527 AudioSet labels, in the order of the tagger's scores."""
    return tuple(Vocabulary.load("audioset").entries)


class AudioSetTeacher:
    """Scores of the 527 AudioSet labels from the published weights; it never learns and is in no checkpoint.

    It computes in float32, under autocast too.

    Parameters
    ----------
    path : path-like
        The published `.pt` file of EfficientAT mn04_as.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._tagger = AudioSetTagger.from_published(path).requires_grad_(False)
        channels_last(self._tagger.backbone)

    @torch.no_grad()
    def logits(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at 32 kHz -> (batch, 527), on the waveform's device."""
        self._tagger.to(waveform.device).eval()
        with torch.autocast(waveform.device.type, enabled=False):
            logits: Tensor = self._tagger(waveform.float())
        return logits

    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) at 32 kHz -> (batch, 527), on the waveform's device."""
        return self.logits(waveform).sigmoid()

    def describe(self) -> dict[str, Any]:
        """What it is, for the provenance: model, file and its hash, number of labels."""
        return {
            "model": "EfficientAT mn04_as (Schmid, Koutini and Widmer, 2023), AudioSet",
            "file": self.path.name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "labels": len(audioset_labels()),
        }


class Teacher:
    """Scores of our labels from the published weights; see `AudioSetTeacher`.

    Parameters
    ----------
    path : path-like
        The published `.pt` file of EfficientAT mn04_as.
    labels : sequence of str
        The student's outputs, in order.

    Raises
    ------
    ModelError
        If the file cannot be used, or a label is not one that the tagger can be read for.
    """

    def __init__(self, path: str | os.PathLike[str], labels: Sequence[str] = LABELS) -> None:
        unknown = [label for label in labels if label not in LABELS]
        if unknown:
            raise ModelError(f"{path}: the teacher knows nothing of {unknown[0]!r}")
        self._teacher = AudioSetTeacher(path)
        self._read = ZeroShot(labels)

    @torch.no_grad()
    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) -> (batch, n_labels), on the waveform's device."""
        scores: Tensor = self._read.to(waveform.device)(self._teacher.scores(waveform))
        return scores
