"""The Short-chunk CNN: the backbone of Bradl, Huber and Pernkopf (2023).

Seven blocks of 3x3 convolution, batch norm, ReLU and 2x2 max pooling, then the maximum over time. What that paper
leaves open (channels, a batch norm of the spectrogram) is taken from Won et al. (2020), who named the network.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from organology.model.backbones import CHANNELS


class Block(nn.Sequential):
    """Convolution 3x3, batch norm, ReLU, max pooling 2x2: halves bands and frames."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(
            nn.Conv2d(channels, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )


class ShortChunk(nn.Module):
    """Spectrogram -> embedding.

    Parameters
    ----------
    channels : sequence of int
        Of each block; the last is the size of the embedding.

    Attributes
    ----------
    embedding_size : int
        512 with the default channels.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1)
        sizes = (1, *channels)
        self.blocks = nn.Sequential(*(Block(i, o) for i, o in itertools.pairwise(sizes)))
        self.embedding_size = sizes[-1]

    def stages(self) -> tuple[nn.Module, ...]:
        """Its parts from input to output, 8 in all with the default channels."""
        return (self.input_norm, *self.blocks)

    def forward(self, spectrogram: Tensor) -> Tensor:
        """Embeddings.

        Parameters
        ----------
        spectrogram : tensor, shape (batch, 1, bands, frames)
            At least 2 ** len(channels) bands and frames; with 128 bands, seven blocks leave one.

        Returns
        -------
        tensor, shape (batch, embedding_size)
            The maximum of the last maps over time, and over bands should more than one be left.
        """
        maps: Tensor = self.blocks(self.input_norm(spectrogram))
        return maps.amax((2, 3))
