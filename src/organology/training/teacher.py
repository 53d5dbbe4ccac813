"""The published AudioSet tagger as a teacher."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor

from organology.errors import ModelError
from organology.model import AudioSetTagger
from organology.taxonomy import LABELS
from organology.training.layout import channels_last


class Teacher:
    """Scores of our labels from the published weights; it never learns and is in no checkpoint.

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
        self._columns = [LABELS.index(label) for label in labels]
        self._tagger = AudioSetTagger.from_published(path).requires_grad_(False)
        channels_last(self._tagger.backbone)

    @torch.no_grad()
    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) -> (batch, n_labels), on the waveform's device."""
        self._tagger.to(waveform.device).eval()
        return self._tagger.zero_shot(waveform)[:, self._columns].sigmoid()
