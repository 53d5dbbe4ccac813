"""Pseudo-labels of recordings: the scores of a finished model, mixed with those of a music tagger."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from organology.errors import ModelError
from organology.labels import LabelSet
from organology.model.checkpoint import load_checkpoint
from organology.training.compute.memory_format import channels_last
from organology.training.teachers.config import SelfTraining
from organology.training.teachers.tags import TagTeacher

RECORDING_FLOOR_DB = -45.0
"""Chunks of recordings below are drawn anew."""


def match_spread(
    model: NDArray[np.float64], tagger: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and offsets, shape (n_labels,), that give `tagger` mean and spread of `model`, both (n, n_labels)."""
    slope = model.std(0) / tagger.std(0).clip(min=1e-6)
    return slope, model.mean(0) - slope * tagger.mean(0)


class PseudoLabeler:
    """Targets for recordings: the logits of a finished model, mixed with those of a music tagger.

    The tagger's logits are brought to the mean and the spread that the model's have, label by label, over some
    recordings (`compare`); then `target = sigmoid((1 - share) * model + share * tagger)` for the labels that it has
    tags for, and `sigmoid(model)` for the others. So the tagger moves the order of recordings, not how often a
    label is present.

    Parameters
    ----------
    config : SelfTraining
    label_set : LabelSet
        Of the network that learns.

    Raises
    ------
    ModelError
        If the model or the tagger cannot be used, or the model has other labels.
    """

    def __init__(self, config: SelfTraining, label_set: LabelSet) -> None:
        self._network, metadata = load_checkpoint(config.model)
        if metadata.label_set != label_set:
            raise ModelError(f"{config.model}: its labels are not those of the network that learns")
        self._network.requires_grad_(False)
        channels_last(self._network.backbone)
        self._tagger = TagTeacher(config.tagger, label_set, config.tagger_labels) if config.tagger else None
        knows = self._tagger.knows if self._tagger else torch.zeros(len(label_set), dtype=torch.bool)
        self._share = config.tagger_share * knows.float()
        self._slope, self._offset = torch.ones(len(label_set)), torch.zeros(len(label_set))

    def compare(self, batches: Iterable[Tensor]) -> None:
        """Bring the tagger to the model's mean and spread over waveforms, each (batch, samples) at 32 kHz."""
        if self._tagger is None:
            return
        both = [(self._model(waveform), self._tagger.logits(waveform)) for waveform in batches]
        model, tagger = (torch.cat(parts).double().cpu().numpy() for parts in zip(*both, strict=True))
        slope, offset = match_spread(model, tagger)
        self._slope, self._offset = torch.from_numpy(slope).float(), torch.from_numpy(offset).float()

    def scores(self, waveform: Tensor) -> Tensor:
        """Targets: waveform (batch, samples) at 32 kHz -> (batch, n_labels), in 0 ... 1."""
        logits = self._model(waveform)
        if self._tagger is not None:
            share, slope, offset = (x.to(waveform.device) for x in (self._share, self._slope, self._offset))
            logits = (1 - share) * logits + share * (slope * self._tagger.logits(waveform) + offset)
        return logits.sigmoid()

    @torch.no_grad()
    def _model(self, waveform: Tensor) -> Tensor:
        self._network.to(waveform.device).eval()
        with torch.autocast(waveform.device.type, enabled=False):
            logits: Tensor = self._network(waveform.float())
        return logits
