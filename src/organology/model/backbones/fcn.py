"""The fully convolutional network of Choi, Fazekas and Sandler (2016), as Won et al. (2020) trained it on tags.

Five blocks of 3x3 convolution, batch norm, ReLU and max pooling. The published network takes 29 s: its pools leave one
value a channel. Here the last two pools are changed for windows of a few seconds: the fourth leaves time as it is, the
fifth is the maximum over all that remains. The weights are the published ones, of the 50 top tags of MTG-Jamendo
(`jamendo_fcn.pth` of sota-music-tagging-models), which the paper's backbone learned from too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from organology.model.backbones.published_tags import parts_of
from organology.model.weights import read_state

CHANNELS = (64, 128, 128, 128, 64)
FIRST_POOLS = ((2, 4), (2, 4), (2, 4))
LAST_POOLS = ((3, 1), (4, 1))
"""Over bands and frames; what the last one leaves is reduced to its maximum."""
PUBLISHED_LAST_POOLS = ((3, 5), (4, 4))
"""For 29 s."""


class Block(nn.Module):
    """Convolution 3x3, batch norm, ReLU, max pooling. Its parts have the names of the published file."""

    def __init__(self, channels: int, out: int, pool: tuple[int, int], norm_momentum: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)
        self.bn = nn.BatchNorm2d(out, momentum=norm_momentum)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, bands, frames) -> (batch, out, bands / pool, frames / pool)."""
        maps = self.conv(x)
        pooled: Tensor = self.bn(self.pool(maps)) if self._pools_first() else self.pool(self.bn(maps))
        return pooled.relu()

    def _pools_first(self) -> bool:
        """Whether pooling may come before a norm that keeps its statistics: it then has an eighth of the work.

        A norm of factors above 0 changes no order, nor does the ReLU, so that the maximum may be taken before or after.
        Graphs for export and compilation have the order of the publication.
        """
        fixed = torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
        return not self.bn.training and not fixed and bool((self.bn.weight.detach() > 0).all())


class FCN(nn.Module):
    """Spectrogram -> embedding.

    Parameters
    ----------
    last_pools : sequence of (int, int)
        Bands and frames of the fourth and the fifth pool.
    norm_momentum : float
        Share of a batch in the running statistics of the batch norms.

    Attributes
    ----------
    embedding_size : int
        64.
    """

    def __init__(self, last_pools: Sequence[tuple[int, int]] = LAST_POOLS, norm_momentum: float = 0.1) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1, momentum=norm_momentum)
        sizes, pools = (1, *CHANNELS), (*FIRST_POOLS, *last_pools)
        blocks = [Block(sizes[i], sizes[i + 1], pools[i], norm_momentum) for i in range(len(CHANNELS))]
        self.layer1, self.layer2, self.layer3, self.layer4, self.layer5 = blocks
        self.embedding_size = sizes[-1]

    def stages(self) -> tuple[nn.Module, ...]:
        """Its parts from input to output, 6 in all."""
        return (self.spec_bn, self.layer1, self.layer2, self.layer3, self.layer4, self.layer5)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embeddings: (batch, 1, 96, frames) -> (batch, 64); at least 64 frames."""
        maps = spectrogram
        for stage in self.stages():
            maps = stage(maps)
        return maps.amax((2, 3))


def read_published(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """State dict of the published file, `backbone.…` and `classifier.…` (50 tags).

    Raises
    ------
    ModelError
        As `weights.read_state`.
    """
    return parts_of(read_state(path), "dense")
