"""MobileNetV3 for spectrograms, of the layout of EfficientAT's published `mn04_as`.

The network is MobileNetV3-Large (Howard et al., 2019, table 1) with one input channel, squeeze-and-excitation with
a plain sigmoid, and its channels scaled by a width (0.4: 384-d embedding, 0.5 M parameters). EfficientAT (Schmid,
Koutini and Widmer, 2023) trained it on AudioSet; `PUBLISHED_NAMES` maps the names of its state dict to ours.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from organology.model.backbones import PUBLISHED_WIDTH
from organology.model.weights import read_state


class _Row(NamedTuple):
    """One inverted residual of MobileNetV3-Large at width 1."""

    kernel: int
    expanded: int
    out: int
    gated: bool
    hard: bool
    stride: int


_STEM = 16
_ROWS = (
    _Row(3, 16, 16, False, False, 1),
    _Row(3, 64, 24, False, False, 2),
    _Row(3, 72, 24, False, False, 1),
    _Row(5, 72, 40, True, False, 2),
    _Row(5, 120, 40, True, False, 1),
    _Row(5, 120, 40, True, False, 1),
    _Row(3, 240, 80, False, True, 2),
    _Row(3, 200, 80, False, True, 1),
    _Row(3, 184, 80, False, True, 1),
    _Row(3, 184, 80, False, True, 1),
    _Row(3, 480, 112, True, True, 1),
    _Row(3, 672, 112, True, True, 1),
    _Row(5, 672, 160, True, True, 2),
    _Row(5, 960, 160, True, True, 1),
    _Row(5, 960, 160, True, True, 1),
)


def round_channels(channels: float, divisor: int = 8) -> int:
    """The multiple of `divisor` next to `channels`, at least `divisor`, not more than 10 % below."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


class ConvNorm(nn.Sequential):
    """Convolution without bias that keeps the size (at stride 1), batch norm, activation."""

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        activation: type[nn.Module] | None = None,
    ) -> None:
        super().__init__(
            nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out, eps=1e-3, momentum=0.01),
        )
        if activation is not None:
            self.append(activation())


class ChannelGate(nn.Module):
    """Squeeze-and-excitation over the channels (Hu et al., 2018)."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        squeezed = round_channels(channels // reduction)
        self.reduce = nn.Linear(channels, squeezed)
        self.restore = nn.Linear(squeezed, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Scale each channel; shape (batch, channels, bands, frames) is kept."""
        gate: Tensor = self.restore(self.reduce(x.mean((2, 3))).relu()).sigmoid()
        return x * gate[:, :, None, None]


class InvertedResidual(nn.Module):
    """Expand (1x1), filter each channel, gate, project (1x1); the input is added where shapes allow."""

    def __init__(self, row: _Row, channels: int, width: float) -> None:
        super().__init__()
        expanded, self.out_channels = round_channels(row.expanded * width), round_channels(row.out * width)
        self.residual = row.stride == 1 and channels == self.out_channels
        activation: type[nn.Module] = nn.Hardswish if row.hard else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != channels:
            layers.append(ConvNorm(channels, expanded, activation=activation))
        layers.append(ConvNorm(expanded, expanded, row.kernel, row.stride, groups=expanded, activation=activation))
        if row.gated:
            layers.append(ChannelGate(expanded))
        layers.append(ConvNorm(expanded, self.out_channels))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, bands, frames) -> (batch, out_channels, bands / stride, frames / stride)."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class MobileNet(nn.Module):
    """Spectrogram -> embedding: MobileNetV3-Large up to its global average pooling.

    Parameters
    ----------
    width : float
        Factor of all channel counts; the published weights have 0.4.

    Attributes
    ----------
    embedding_size : int
        384 at width 0.4.
    """

    def __init__(self, width: float = PUBLISHED_WIDTH) -> None:
        super().__init__()
        channels = round_channels(_STEM * width)
        self.stem = ConvNorm(1, channels, 3, 2, activation=nn.Hardswish)
        blocks = []
        for row in _ROWS:
            blocks.append(InvertedResidual(row, channels, width))
            channels = blocks[-1].out_channels
        self.blocks = nn.Sequential(*blocks)
        self.embedding_size = 6 * channels
        self.tail = ConvNorm(channels, self.embedding_size, activation=nn.Hardswish)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def stages(self) -> tuple[nn.Module, ...]:
        """Its parts from input to output, 17 in all."""
        return (self.stem, *self.blocks, self.tail)

    def features(self, spectrogram: Tensor) -> Tensor:
        """Feature maps: (batch, 1, bands, frames) -> (batch, embedding_size, bands / 32, frames / 32)."""
        maps: Tensor = self.tail(self.blocks(self.stem(spectrogram)))
        return maps

    def frames(self, spectrogram: Tensor) -> Tensor:
        """Embeddings over time: (batch, 1, bands, frames) -> (batch, frames / 32, embedding_size).

        Each is the mean of the feature maps over the bands; their mean over time is the embedding of the whole.
        """
        return self.features(spectrogram).mean(2).transpose(1, 2)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embeddings: (batch, 1, bands, frames) -> (batch, embedding_size), the mean of the feature maps."""
        return self.features(spectrogram).mean((2, 3))


PUBLISHED_NAMES: tuple[tuple[str, str], ...] = (
    (r"^features\.0\.", "backbone.stem."),
    (r"^features\.16\.", "backbone.tail."),
    (r"^features\.(\d+)\.block\.", "backbone.blocks.{}.layers."),
    (r"\.conc_se_layers\.0\.fc1\.", ".reduce."),
    (r"\.conc_se_layers\.0\.fc2\.", ".restore."),
    (r"^classifier\.2\.", "classifier.hidden."),
    (r"^classifier\.5\.", "classifier.output."),
)
"""Patterns of names in EfficientAT's state dicts and what they become; `{}` is the block's number less one."""


def rename_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of EfficientAT under our names, `backbone.…` and `classifier.…`.

    Names that no pattern knows stay as they are, so that loading refuses them by name.
    """
    renamed = {}
    for name, value in state.items():
        for pattern, ours in PUBLISHED_NAMES:
            name = re.sub(pattern, lambda m, o=ours: o.format(int(m[1]) - 1) if "{}" in o else o, name)  # type: ignore[misc]
        renamed[name] = value
    return renamed


def read_published(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """State dict of a file of EfficientAT under our names, `backbone.…` and `classifier.…`.

    Raises
    ------
    ModelError
        As `weights.read_state`.
    """
    return rename_published(read_state(path))
