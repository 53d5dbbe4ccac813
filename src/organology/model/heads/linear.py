"""The head "linear", and what heads that end in a linear layer have in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from organology.labels import LabelSet


class LinearHead(nn.Sequential):
    """A linear layer, after a layer norm of the embedding or none.

    Parameters
    ----------
    embedding_size : int
    label_set : LabelSet
    norm : bool
    """

    def __init__(self, embedding_size: int, label_set: LabelSet, norm: bool = False) -> None:
        super().__init__(
            nn.LayerNorm(embedding_size) if norm else nn.Identity(),
            nn.Linear(embedding_size, len(label_set)),
        )

    def features(self, embedding: Tensor) -> Tensor:
        """(batch, embedding_size) -> the same, normed or not."""
        return before_last(self, embedding)

    def blend(self, weight: Tensor, bias: Tensor, share: Tensor) -> None:
        """Logits become `(1 - share) * logits + share * (features @ weight.T + bias)`, with a share for each label."""
        blend_linear(self[-1], weight, bias, share)


def before_last(head: nn.Sequential, embedding: Tensor) -> Tensor:
    """What the layers of a head but the last one make of an embedding."""
    features = embedding
    for layer in list(head)[:-1]:
        features = layer(features)
    return features


@torch.no_grad()
def blend_linear(layer: nn.Module, weight: Tensor, bias: Tensor, share: Tensor) -> None:
    """Mix weight and bias into those of a linear layer; see `LinearHead.blend`."""
    assert isinstance(layer, nn.Linear)
    layer.weight.lerp_(weight, share[:, None])
    layer.bias.lerp_(bias, share)
