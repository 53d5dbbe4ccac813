"""Heads: embedding (batch, size) -> logits (batch, n_labels).

Each ends in a linear layer: `features(embedding)` is what goes into it, and `blend` mixes another such layer in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from organology.model.taggers.audioset import AudioSetClassifier, ZeroShot


class PaperHead(nn.Sequential):
    """Linear, batch norm, ReLU, dropout, linear: the paper's fully connected layers, sizes as in Won et al. (2020).

    Parameters
    ----------
    embedding_size, n_labels : int
    hidden_size : int or None
        None: as the embedding.
    dropout : float
    """

    def __init__(
        self, embedding_size: int, n_labels: int, hidden_size: int | None = None, dropout: float = 0.5
    ) -> None:
        hidden_size = hidden_size or embedding_size
        super().__init__(
            nn.Linear(embedding_size, hidden_size),
            nn.BatchNorm1d(hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, n_labels),
        )

    def features(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> (batch, hidden_size)."""
        return _features(self, embedding)

    def blend(self, weight: Tensor, bias: Tensor, share: Tensor) -> None:
        """Logits become `(1 - share) * logits + share * (features @ weight.T + bias)`, with a share for each label."""
        _blend(self[-1], weight, bias, share)


class LinearHead(nn.Sequential):
    """A linear layer, after a layer norm of the embedding or none."""

    def __init__(self, embedding_size: int, n_labels: int, norm: bool = False) -> None:
        super().__init__(
            nn.LayerNorm(embedding_size) if norm else nn.Identity(),
            nn.Linear(embedding_size, n_labels),
        )

    def features(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> the same, normed or not."""
        return _features(self, embedding)

    def blend(self, weight: Tensor, bias: Tensor, share: Tensor) -> None:
        """As `PaperHead.blend`."""
        _blend(self[-1], weight, bias, share)


class AnchoredHead(nn.Module):
    """A linear layer on top of what the published AudioSet classifier says.

    ``logits = linear(embedding) + scale * zero_shot(classifier(embedding)) + bias``, where `zero_shot` is the highest
    logit of the AudioSet classes of each label and `scale` one number per label. The linear layer begins at nought
    and the scales at one, so that learning begins at the published tagger; the classifier is frozen (it learns
    nothing and stays in eval mode) and is filled by `InstrumentNet.load_pretrained`.

    Parameters
    ----------
    embedding_size : int
        384: the published classifier's.
    labels : sequence of str
        Of `taxonomy.LABELS`.
    norm : bool
        A layer norm before the linear layer.
    """

    def __init__(self, embedding_size: int, labels: Sequence[str], norm: bool = False) -> None:
        super().__init__()
        self.linear = LinearHead(embedding_size, len(labels), norm)
        self.scale = nn.Parameter(torch.ones(len(labels)))
        self.classifier = AudioSetClassifier(embedding_size).requires_grad_(False)
        self.to_labels = ZeroShot(labels)
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
        """As `PaperHead.blend`."""
        self.linear.blend(weight, bias, share)
        self.scale.mul_(1 - share)


def _features(head: nn.Sequential, embedding: Tensor) -> Tensor:
    features = embedding
    for layer in list(head)[:-1]:
        features = layer(features)
    return features


@torch.no_grad()
def _blend(layer: nn.Module, weight: Tensor, bias: Tensor, share: Tensor) -> None:
    assert isinstance(layer, nn.Linear)
    layer.weight.lerp_(weight, share[:, None])
    layer.bias.lerp_(bias, share)
