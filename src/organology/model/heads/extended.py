"""The head "extended"."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from organology.labels import LabelSet, default_set
from organology.model.heads.linear import blend_linear
from organology.model.taggers.audioset import AudioSetClassifier, ZeroShot


class ExtendedHead(nn.Module):
    """As "anchored", for labels of which some were learned with the backbone and others on top of it.

    ``logits = linear(layer_norm(embedding)) + scale * anchor`` with ``anchor = zero_shot(classifier(embedding))``, the
    highest logit of the AudioSet classes of each label. Then terms between labels: ``logits += contrast(anchor) +
    exchange(logits)``, by which one label speaks against another that is mistaken for it (a saxophone for brass), and
    each label leans on the highest of its children by its share `lean`. Labels that the default set does not have, and
    that have no children, are capped: never above their parents, where others raise them. It begins at the published
    tagger: layer and terms at zero, scales at one. The classifier and the terms are frozen.

    Parameters
    ----------
    embedding_size : int
        384: the published classifier's.
    label_set : LabelSet

    Raises
    ------
    ModelError
        If no AudioSet class holds any of the labels.
    """

    children_table: Tensor
    capped: Tensor

    def __init__(self, embedding_size: int, label_set: LabelSet) -> None:
        super().__init__()
        n = len(label_set)
        self.norm = nn.LayerNorm(embedding_size)
        self.linear = nn.Linear(embedding_size, n)
        self.scale = nn.Parameter(torch.ones(n))
        self.contrast = nn.Linear(n, n).requires_grad_(False)
        self.exchange = nn.Linear(n, n).requires_grad_(False)
        self.lean = nn.Parameter(torch.zeros(n), requires_grad=False)
        self.classifier = AudioSetClassifier(embedding_size).requires_grad_(False)
        self.to_labels = ZeroShot(label_set)
        for layer in (self.linear, self.contrast, self.exchange):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.register_buffer("children_table", _children_table(label_set), persistent=False)
        known = default_set().labels
        finer = [label not in known and not label_set.children(label) for label in label_set.labels]
        self.register_buffer("capped", torch.tensor(finer).float(), persistent=False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As of any module, but the classifier stays in eval mode."""
        super().train(mode)
        self.classifier.eval()
        return self

    def forward(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> (batch, n_labels)."""
        anchor: Tensor = self.to_labels(self.classifier(embedding))
        logits = self.linear(self.norm(embedding)) + self.scale * anchor
        logits = logits + self.contrast(anchor) + self.exchange(logits)
        highest = logits[:, self.children_table].amax(-1)
        leaned: Tensor = logits + self.lean * (highest - logits)
        return leaned

    def features(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> the same, normed: what goes into the layer that `blend` mixes into."""
        normed: Tensor = self.norm(embedding)
        return normed

    @torch.no_grad()
    def blend(self, weight: Tensor, bias: Tensor, share: Tensor) -> None:
        """As `LinearHead.blend`, on the logits before the terms between labels."""
        blend_linear(self.linear, weight, bias, share)
        self.scale.mul_(1 - share)


def _children_table(label_set: LabelSet) -> Tensor:
    """For each label the columns of its children, padded; its own where it has none."""
    rows = [
        [label_set.index(child) for child in label_set.children(label)] or [i]
        for i, label in enumerate(label_set.labels)
    ]
    longest = max(map(len, rows))
    return torch.tensor([row + row[:1] * (longest - len(row)) for row in rows])
