"""The mel front end once more, written for onnxruntime on a CPU.

ONNX has an STFT operator, but in onnxruntime it takes several times as long as MobileNet itself. Here the discrete
Fourier transform is done as two stages of small matrix products (Cooley and Tukey, 1965), the first over every
`R2`-th sample, the second, with the twiddle factors in its matrices, over the results; only the half of the
spectrum that a real signal needs is computed. `docs/model.md` holds the timings.

The result equals `MelFrontend`'s up to rounding; a test holds this.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from organology.model.config import FrontendConfig
from organology.model.frontend import analysis_window, compress, leveled, mel_bank

_MOST_SLICES = 64


def _stages(n_fft: int) -> tuple[int, int]:
    """Two factors of `n_fft`, near each other, the second not the smaller: the transform's two stages."""
    first = max(r for r in range(1, math.isqrt(n_fft) + 1) if n_fft % r == 0)
    return first, n_fft // first


def _first_stage(first: int, rows: int) -> NDArray[np.float64]:
    """DFT of size `first` over `rows` of its inputs: for each frequency k1 a row of real and one of imaginary parts."""
    phase = 2 * np.pi * np.outer(np.arange(first // 2 + 1), np.arange(rows)) / first
    return np.stack([np.cos(phase), -np.sin(phase)], axis=1).reshape(-1, rows)


def _second_stage(first: int, second: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Twiddles and DFT of size `second` as one real matrix for each k1, and the bins that come out of it.

    Returns
    -------
    matrices : shape (first // 2 + 1, 2 * second, 2 * second)
        (real, imaginary) parts in and out.
    bins : shape (first // 2 + 1, second)
        Bins above the Nyquist frequency are given as their mirror image: the power is the same.
    """
    n_fft = first * second
    k = np.arange(first // 2 + 1)[:, None] + first * np.arange(second)
    phase = 2 * np.pi * np.arange(second)[:, None] * k[:, None, :] / n_fft
    c, s = np.cos(phase), np.sin(phase)
    matrices = np.concatenate([np.concatenate([c, -s], axis=2), np.concatenate([s, c], axis=2)], axis=1)
    return matrices, np.where(k > n_fft // 2, n_fft - k, k)


class ExportFrontend(nn.Module):
    """Waveform -> log-mel spectrogram, equal to `MelFrontend` of the same configuration.

    Parameters
    ----------
    config : FrontendConfig
    n_samples : int
        Length of the waveforms, fixed so that every shape in the graph but the batch is a constant.
    """

    window: Tensor
    stage_1: Tensor
    stage_2: Tensor
    bank: Tensor

    def __init__(self, config: FrontendConfig, n_samples: int = 128_000) -> None:
        super().__init__()
        self.config, self.n_frames = config, config.n_frames(n_samples)
        first, self.second = _stages(config.n_fft)
        left = (config.n_fft - config.win_length) // 2
        rows = math.ceil(config.win_length / self.second)
        self.length = rows * self.second
        self.skip = min(left, config.n_fft - self.length)
        matrices, bins = _second_stage(first, self.second)
        _, once = np.unique(bins, return_index=True)
        bank = np.zeros((bins.size, config.n_mels))
        bank[once] = mel_bank(config).T[bins.ravel()[once]]
        window = analysis_window(config)[self.skip : self.skip + self.length].reshape(rows, self.second)
        constants = {"window": window, "stage_1": _first_stage(first, rows), "stage_2": matrices, "bank": bank}
        for name, value in constants.items():
            self.register_buffer(name, torch.from_numpy(value).float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """(batch, n_samples) -> (batch, 1, n_mels, frames)."""
        second = self.second
        columns = self._frames(leveled(waveform, self.config)).reshape(-1, len(self.window), second) * self.window
        part = torch.matmul(self.stage_1, columns).reshape(-1, len(self.stage_2), 2 * second).transpose(0, 1)
        spectrum = torch.matmul(part, self.stage_2)
        squares = spectrum * spectrum
        power = (squares[..., :second] + squares[..., second:]).transpose(0, 1)
        mel = torch.matmul(power.reshape(-1, self.n_frames, len(self.bank)), self.bank)
        return compress(mel, self.config).transpose(1, 2).unsqueeze(1)

    def _frames(self, signal: Tensor) -> Tensor:
        """Windows of `length` samples, `hop_length` apart: (batch, samples) -> (batch, frames, length)."""
        c = self.config
        if c.preemphasis:
            signal = signal[:, 1:] - c.preemphasis * signal[:, :-1]
        padding = (c.n_fft // 2, c.n_fft // 2)
        signal = nn.functional.pad(signal.unsqueeze(1), padding, mode="reflect")[:, 0]
        used = (self.n_frames - 1) * c.hop_length + self.length
        signal = signal[:, self.skip : self.skip + used]
        size = math.gcd(c.hop_length, self.length)
        count, step = self.length // size, c.hop_length // size
        if count > _MOST_SLICES:
            identity = torch.eye(self.length)[:, None]
            return nn.functional.conv1d(signal[:, None], identity, stride=c.hop_length).transpose(1, 2)
        blocks = signal.reshape(-1, used // size, size)
        end = (self.n_frames - 1) * step + 1
        return torch.cat([blocks[:, i : i + end : step] for i in range(count)], dim=-1)
