"""The published music tagger musicnn: tags of whole recordings, learned from real music.

The network of Pons and Serra ("musicnn: pre-trained convolutional neural networks for music audio tagging", 2019) as
Won, Ferraro, Bogdanov and Serra (2020) trained it in PyTorch on the 50 top tags of MTG-Jamendo. It is a teacher; none
of its weights are in a model of ours.
"""

from __future__ import annotations

import math
import os

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from organology.model.weights import load_state, read_state

N_TAGS = 50
N_MELS = 96
FFT_SIZE = 512
"""At 16 kHz."""


class MusicTagger(nn.Module):
    """Waveform at 32 kHz -> logits of 50 tags.

    The published front end works at 16 kHz. A Fourier transform of twice the length at 32 kHz has bins at the same
    frequencies, of which those up to 8 kHz are used: nothing has to be resampled.

    Modules have the names of the published files.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spec = _Spectrogram()
        self.spec_bn = nn.BatchNorm2d(1)
        tall = [_Tall(204, 67), _Tall(204, 38)]
        wide = [_Wide(51, length) for length in (129, 65, 33)]
        self.layers = nn.ModuleList([*tall, *wide])
        front = 2 * 204 + 3 * 51
        self.layer1 = _Conv1d(front, 64)
        self.layer2 = _Conv1d(64, 64)
        self.layer3 = _Conv1d(64, 64)
        self.dense1 = nn.Linear(2 * (front + 3 * 64), 200)
        self.bn = nn.BatchNorm1d(200)
        self.dense2 = nn.Linear(200, N_TAGS)

    @classmethod
    def from_published(cls, path: str | os.PathLike[str]) -> MusicTagger:
        """The tagger with published weights (`musicnn.pth` of sota-music-tagging-models), in eval mode.

        Raises
        ------
        ModelError
            If the file cannot be read or does not fit.
        """
        tagger = cls()
        load_state(tagger, read_state(path), path)
        return tagger.eval()

    def forward(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at 32 kHz, best about 3 s -> (batch, 50)."""
        mel = self.spec_bn(self.spec(waveform)[:, None])
        front = torch.cat([layer(mel) for layer in self.layers], 1)
        first: Tensor = self.layer1(front)
        second = self.layer2(first) + first
        third = self.layer3(second) + second
        middle = torch.cat([front, first, second, third], 1)
        pooled = torch.cat([middle.amax(-1), middle.mean(-1)], 1)
        logits: Tensor = self.dense2(F.relu(self.bn(self.dense1(pooled))))
        return logits


class _Spectrogram(nn.Module):
    """Mel spectrogram in dB: (batch, samples) -> (batch, 96, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrogram = _Named("window", FFT_SIZE)
        self.mel_scale = _Named("fb", FFT_SIZE // 2 + 1, N_MELS)
        self.register_buffer("long_window", torch.hann_window(2 * FFT_SIZE), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        window: Tensor = self.get_buffer("long_window")
        spectrum = torch.stft(waveform, 2 * FFT_SIZE, FFT_SIZE, window=window, return_complex=True)
        # Twice the samples under the window: four times the power.
        power = spectrum[:, : FFT_SIZE // 2 + 1].abs().square() / 4
        mel = self.mel_scale.get_buffer("fb").T @ power
        return 10 / math.log(10) * mel.clamp(min=1e-10).log()


class _Named(nn.Module):
    """A buffer under a name of the published files."""

    def __init__(self, name: str, *shape: int) -> None:
        super().__init__()
        self.register_buffer(name, torch.zeros(shape))


class _Tall(nn.Module):
    """Filters over many bands and 7 frames, the highest over the bands: timbre."""

    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels, (bands, 7), padding=(0, 3))
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, mel: Tensor) -> Tensor:
        high: Tensor = F.relu(self.bn(self.conv(mel))).amax(2)
        return high


class _Wide(nn.Module):
    """Filters over many frames of the mean band: rhythm."""

    def __init__(self, channels: int, length: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, channels, length, padding=length // 2)
        self.bn = nn.BatchNorm1d(channels)

    def forward(self, mel: Tensor) -> Tensor:
        out: Tensor = F.relu(self.bn(self.conv(mel.mean(2))))
        return out


class _Conv1d(nn.Module):
    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels, 7, padding=3)
        self.bn = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = F.relu(self.bn(self.conv(x)))
        return out
