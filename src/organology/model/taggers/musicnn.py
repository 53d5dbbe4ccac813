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

from organology.model.backbones.musicnn import Musicnn
from organology.model.weights import load_state, read_state

N_TAGS = 50
N_MELS = 96
FFT_SIZE = 512
"""At 16 kHz."""


class MusicTagger(Musicnn):
    """Waveform at 32 kHz -> logits of 50 tags.

    The published front end works at 16 kHz. A Fourier transform of twice the length at 32 kHz has bins at the same
    frequencies, of which those up to 8 kHz are used: nothing has to be resampled.

    Modules have the names of the published files.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spec = _Spectrogram()
        self.dense2 = nn.Linear(self.embedding_size, N_TAGS)

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
        logits: Tensor = self.dense2(super().forward(self.spec(waveform)[:, None]))
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
