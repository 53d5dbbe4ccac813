"""The published AudioSet tagger as a teacher."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from organology.labels import LabelSet, Vocabulary
from organology.model.taggers.audioset import AudioSetTagger, ZeroShot
from organology.training.compute.memory_format import channels_last


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

    knows = "AudioSet scores"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._tagger = AudioSetTagger.from_published(path).requires_grad_(False)
        channels_last(self._tagger.backbone)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the 527 labels, in the order of the scores."""
        return audioset_labels()

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


class LabelTeacher:
    """Scores of the labels of a set from the published weights; see `AudioSetTeacher`.

    Parameters
    ----------
    path : path-like
        The published `.pt` file of EfficientAT mn04_as.
    label_set : LabelSet
        The student's.

    Attributes
    ----------
    knows : bool tensor, shape (n_labels,)
        The labels that AudioSet has a class for.

    Raises
    ------
    ModelError
        If the file cannot be used, or AudioSet has a class for none of the labels.
    """

    def __init__(self, path: str | os.PathLike[str], label_set: LabelSet) -> None:
        self._read = ZeroShot(label_set)
        self._teacher = AudioSetTeacher(path)
        self.knows = torch.tensor(self._read.known)

    @torch.no_grad()
    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) -> (batch, n_labels), on the waveform's device."""
        scores: Tensor = self._read.to(waveform.device)(self._teacher.scores(waveform))
        return scores
