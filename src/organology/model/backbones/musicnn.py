"""musicnn (Pons and Serra, 2019), as Won et al. (2020) trained it on tags.

Filters over many bands (timbre) and over many frames (rhythm), three convolutions over time with residuals, maximum and
mean over time, and a dense layer, whose output is the embedding. The weights are the published ones of the 50 top tags
of MTG-Jamendo (`jamendo_musicnn.pth` of sota-music-tagging-models). Modules have the names of the published files.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from organology.model.backbones.published_tags import parts_of
from organology.model.weights import read_state

TALL, WIDE, MIDDLE, DENSE = 204, 51, 64, 200
"""Channels."""


class Tall(nn.Module):
    """Filters over many bands and 7 frames, the highest over the bands: timbre."""

    def __init__(self, channels: int, bands: int, norm_momentum: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels, (bands, 7), padding=(0, 3))
        self.bn = nn.BatchNorm2d(channels, momentum=norm_momentum)

    def forward(self, mel: Tensor) -> Tensor:
        """(batch, 1, bands, frames) -> (batch, channels, frames)."""
        high: Tensor = F.relu(self.bn(self.conv(mel))).amax(2)
        return high


class Wide(nn.Module):
    """Filters over many frames of the mean band: rhythm."""

    def __init__(self, channels: int, length: int, norm_momentum: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, channels, length, padding=length // 2)
        self.bn = nn.BatchNorm1d(channels, momentum=norm_momentum)

    def forward(self, mel: Tensor) -> Tensor:
        """(batch, 1, bands, frames) -> (batch, channels, frames)."""
        out: Tensor = F.relu(self.bn(self.conv(mel.mean(2))))
        return out


class Block(nn.Module):
    """Convolution over 7 frames, batch norm, ReLU."""

    def __init__(self, channels: int, out: int, norm_momentum: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, out, 7, padding=3)
        self.bn = nn.BatchNorm1d(out, momentum=norm_momentum)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, frames) -> (batch, out, frames)."""
        out: Tensor = F.relu(self.bn(self.conv(x)))
        return out


class Musicnn(nn.Module):
    """Spectrogram -> embedding.

    Parameters
    ----------
    norm_momentum : float
        Share of a batch in the running statistics of the batch norms.

    Attributes
    ----------
    embedding_size : int
        200.
    """

    def __init__(self, norm_momentum: float = 0.1) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1, momentum=norm_momentum)
        tall = [Tall(TALL, bands, norm_momentum) for bands in (67, 38)]
        wide = [Wide(WIDE, length, norm_momentum) for length in (129, 65, 33)]
        self.layers = nn.ModuleList([*tall, *wide])
        front = len(tall) * TALL + len(wide) * WIDE
        self.layer1 = Block(front, MIDDLE, norm_momentum)
        self.layer2 = Block(MIDDLE, MIDDLE, norm_momentum)
        self.layer3 = Block(MIDDLE, MIDDLE, norm_momentum)
        self.dense1 = nn.Linear(2 * (front + 3 * MIDDLE), DENSE)
        self.bn = nn.BatchNorm1d(DENSE, momentum=norm_momentum)
        self.embedding_size = DENSE

    def stages(self) -> tuple[nn.Module, ...]:
        """Its parts from input to output, 7 in all."""
        return (self.spec_bn, self.layers, self.layer1, self.layer2, self.layer3, self.dense1, self.bn)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embeddings: (batch, 1, 96, frames) -> (batch, 200)."""
        mel = self.spec_bn(spectrogram)
        front = torch.cat([layer(mel) for layer in self.layers], 1)
        first: Tensor = self.layer1(front)
        second = self.layer2(first) + first
        third = self.layer3(second) + second
        middle = torch.cat([front, first, second, third], 1)
        pooled = torch.cat([middle.amax(-1), middle.mean(-1)], 1)
        embedding: Tensor = F.relu(self.bn(self.dense1(pooled)))
        return embedding


def read_published(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """State dict of the published file, `backbone.…` and `classifier.…` (50 tags).

    Raises
    ------
    ModelError
        As `weights.read_state`.
    """
    return parts_of(read_state(path), "dense2")
