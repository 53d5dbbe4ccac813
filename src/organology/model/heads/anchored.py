"""The head "anchored"."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from organology.labels import LabelSet
from organology.model.heads.linear import LinearHead
from organology.model.taggers.audioset import AudioSetClassifier, ZeroShot


class AnchoredHead(nn.Module):
    """A linear layer on top of what the published AudioSet classifier says.

    ``logits = linear(embedding) + scale * zero_shot(classifier(embedding)) + bias``, where `zero_shot` is the highest
    logit of the AudioSet classes of each label and `scale` one number per label. The linear layer begins at zero
    and the scales at one, so that learning begins at the published tagger; the classifier is frozen (it learns
    nothing and stays in eval mode) and is filled by `InstrumentNet.load_pretrained`.

    Parameters
    ----------
    embedding_size : int
        384: the published classifier's.
    label_set : LabelSet
        A label that no AudioSet class holds has no anchor: its logit is the linear layer's alone.
    norm : bool
        A layer norm before the linear layer.

    Raises
    ------
    ModelError
        If no AudioSet class holds any of the labels.
    """

    def __init__(self, embedding_size: int, label_set: LabelSet, norm: bool = False) -> None:
        super().__init__()
        self.linear = LinearHead(embedding_size, label_set, norm)
        self.scale = nn.Parameter(torch.ones(len(label_set)))
        self.classifier = AudioSetClassifier(embedding_size).requires_grad_(False)
        self.to_labels = ZeroShot(label_set)
        for parameter in self.linear[-1].parameters():
            nn.init.zeros_(parameter)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As of any module, but the classifier stays in eval mode."""
        super().train(mode)
        self.classifier.eval()
        return self

    def forward(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> (batch, n_labels)."""
        anchor: Tensor = self.to_labels(self.classifier(embedding))
        logits: Tensor = self.linear(embedding) + self.scale * anchor
        return logits

    def features(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> the same, normed or not."""
        return self.linear.features(embedding)

    @torch.no_grad()
    def blend(self, weight: Tensor, bias: Tensor, share: Tensor) -> None:
        """As `LinearHead.blend`."""
        self.linear.blend(weight, bias, share)
        self.scale.mul_(1 - share)
