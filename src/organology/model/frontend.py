"""Mel spectrograms, computed from the waveform inside the network.

One module, `MelFrontend`, built from one frozen `FrontendConfig`.

Nothing is taken from more than the waveform that is given, a window, so that its scores don't hang on what it is cut
from; and unless `level_db` is set, nothing is taken from more than a frame (no peak, no `top_db`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from organology.model.config import PAPER, FrontendConfig, MelScale


def _hz_to_mel(hz: NDArray[Any], scale: MelScale) -> NDArray[Any]:
    if scale == "slaney":
        log_part = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
        return np.asarray(np.where(hz < 1000, hz * 3 / 200, log_part))
    return np.asarray(2595 * np.log10(1 + hz / 700))


def _mel_to_hz(mel: NDArray[Any], scale: MelScale) -> NDArray[Any]:
    if scale == "slaney":
        return np.asarray(np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) * (mel - 15) / 27)))
    return np.asarray(700 * (10 ** (mel / 2595) - 1))


def mel_bank(config: FrontendConfig) -> NDArray[np.float64]:
    """Weights of the mel bands over the bins of the power spectrum.

    Returns
    -------
    float64 array, shape (n_mels, n_fft // 2 + 1)
    """
    scale = config.mel_scale
    hz = np.arange(config.n_fft // 2 + 1) * (config.sample_rate / config.n_fft)
    low, high = _hz_to_mel(np.array([config.f_min, config.f_max]), scale)
    edges: NDArray[Any] = np.linspace(low, high, config.n_mels + 2)
    axis = _hz_to_mel(hz, scale)
    if scale != "kaldi":
        axis, edges = hz, _mel_to_hz(edges, scale)
    left, center, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bank = np.maximum(0, np.minimum((axis - left) / (center - left), (right - axis) / (right - center)))
    if scale == "slaney":
        bank *= 2 / (right - left)
    if scale == "kaldi":
        bank[:, -1] = 0
    return np.asarray(bank)


def analysis_window(config: FrontendConfig) -> NDArray[np.float64]:
    """The Hann window, centered in `n_fft` samples; shape (n_fft,)."""
    size = config.win_length
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / max(1, size - (not config.periodic_window)))
    left = (config.n_fft - size) // 2
    return np.pad(window, (left, config.n_fft - size - left))


def leveled(waveform: Tensor, config: FrontendConfig) -> Tensor:
    """Waveforms (batch, samples) at the level that the configuration asks for."""
    if config.level_db is None:
        return waveform
    level = 10 ** (config.level_db / 20)
    rms = waveform.square().mean(-1, keepdim=True).sqrt()
    return waveform * (level / torch.clamp(rms, min=level / 10 ** (config.max_gain_db / 20)))


def compress(power: Tensor, config: FrontendConfig) -> Tensor:
    """Log and normalization of mel powers, of any shape."""
    if config.log == "db":
        spectrum = 10 * torch.log10(torch.clamp(power, min=config.offset))
    else:
        spectrum = torch.log(power + config.offset)
    return (spectrum - config.mean) / config.std


class MelFrontend(nn.Module):
    """Waveform -> log-mel spectrogram.

    It holds nothing that learns and adds nothing to a state dict: window and bank follow from the configuration.
    It computes in float32 under autocast too.

    Parameters
    ----------
    config : FrontendConfig
    """

    window: Tensor
    bank: Tensor

    def __init__(self, config: FrontendConfig = PAPER) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("window", torch.from_numpy(analysis_window(config)).float(), persistent=False)
        self.register_buffer("bank", torch.from_numpy(mel_bank(config)).float(), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Log-mel spectrogram of a batch.

        Parameters
        ----------
        waveform : tensor, shape (batch, samples)
            More than n_fft / 2 samples, at `config.sample_rate`.

        Returns
        -------
        tensor, shape (batch, 1, n_mels, frames)
            Frames are centered: frame `i` lies around sample `i * hop_length`; the ends are padded by reflection.
        """
        c = self.config
        if waveform.ndim != 2 or waveform.shape[1] <= c.n_fft // 2 + 1:
            raise ValueError(
                f"waveform: shape (batch, samples) with more than {c.n_fft // 2 + 1} samples wanted, "
                f"not {tuple(waveform.shape)}"
            )
        with torch.autocast(waveform.device.type, enabled=False):
            signal = leveled(waveform.float(), c)
            if c.preemphasis:
                signal = signal[:, 1:] - c.preemphasis * signal[:, :-1]
            spectrum = torch.stft(
                signal, c.n_fft, c.hop_length, window=self.window, center=True, pad_mode="reflect", return_complex=True
            )
            power = spectrum.real.square() + spectrum.imag.square()
            return compress(torch.matmul(self.bank, power), c).unsqueeze(1)
