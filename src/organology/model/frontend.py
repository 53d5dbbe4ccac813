"""Mel spectrograms, computed from the waveform inside the network.

One module, `MelFrontend`, built from one frozen `FrontendConfig`; two presets. `PAPER` is the front end of Bradl,
Huber and Pernkopf (2023), with what they leave open taken from Won et al. (2020). `EFFICIENTAT` is the one that the
AudioSet weights of EfficientAT (Schmid et al., 2023) were trained with.

Nothing is taken from more than the waveform that is given, a window, so that its scores don't hang on what it is cut
from; and unless `level_db` is set, nothing is taken from more than a frame (no peak, no `top_db`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict
from torch import Tensor, nn

MelScale = Literal["htk", "slaney", "kaldi"]


MAX_GAIN_DB = 15.0
"""Enough for music at -50 dB where -35 is wanted; the noise of most recordings stays below what is heard."""


@dataclass(frozen=True)
class FrontendConfig:
    """Settings of a mel spectrogram.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    n_fft, win_length, hop_length : int
        In samples. A window shorter than `n_fft` is centered in it.
    n_mels : int
        Number of bands.
    f_min, f_max : float
        Lower edge of the first and upper edge of the last band, in Hz.
    mel_scale : {"htk", "slaney", "kaldi"}
        "htk": HTK's scale, triangles straight over Hz. "slaney": Slaney's scale, triangles over Hz, each of unit
        area (librosa's default). "kaldi": HTK's scale, triangles straight over mel, the bin at the Nyquist frequency
        left out (Kaldi's).
    log : {"db", "log"}
        "db": 10 log10(max(power, offset)). "log": ln(power + offset).
    offset : float
        Floor of "db" (torchaudio's `amin`) or summand of "log", as a power.
    preemphasis : float
        y[t] = x[t + 1] - preemphasis * x[t], which costs one sample; 0 leaves the signal as it is.
    periodic_window : bool
        Periodic (for spectra) or symmetric Hann window.
    mean, std : float
        The result is (log spectrum - mean) / std.
    level_db : float or None
        Root mean square, in dB re full scale, that each waveform is brought to first; None: it stays as it is. The
        lower, the more of its quiet parts is below `offset`.
    max_gain_db : float
        By which `level_db` amplifies at most, so that pauses stay quiet.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    sample_rate: int = 32_000
    n_fft: int = 512
    win_length: int = 512
    hop_length: int = 256
    n_mels: int = 128
    f_min: float = 0.0
    f_max: float = 16_000.0
    mel_scale: MelScale = "htk"
    log: Literal["db", "log"] = "db"
    offset: float = 1e-6
    preemphasis: float = 0.0
    periodic_window: bool = True
    mean: float = 0.0
    std: float = 1.0
    level_db: float | None = None
    max_gain_db: float = MAX_GAIN_DB

    def __post_init__(self) -> None:
        if not 0 < self.win_length <= self.n_fft:
            raise ValueError(f"win_length is between 1 and n_fft, not {self.win_length}")
        if self.hop_length < 1 or self.n_mels < 1:
            raise ValueError("hop_length and n_mels are positive")
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ValueError(
                f"0 <= f_min < f_max <= {self.sample_rate / 2:g} does not hold: {self.f_min}, {self.f_max}"
            )
        if self.offset <= 0 or self.std <= 0:
            raise ValueError("offset and std are positive")

    def n_frames(self, n_samples: int) -> int:
        """Number of frames of a waveform of `n_samples` samples."""
        return 1 + (n_samples - bool(self.preemphasis) - self.n_fft % 2) // self.hop_length


PAPER = FrontendConfig()
"""128 bands (HTK, to 16 kHz), window 512, hop 256, decibels; six of the bands hold no bin (n_fft is small for them).

The floor of -60 dB is ours (Won et al. have -100). It lies 100 dB below a tone of full scale and above the rounding
noise of 16-bit audio (-77 dB in a band), so that a recorded rest and a rendered one look alike. Far below it float32
is noise too: beside loud bands, two correct implementations differ by 0.1 dB at -100 dB.
`dataclasses.replace(PAPER, offset=1e-10)` is theirs.
"""

EFFICIENTAT = FrontendConfig(
    n_fft=1024,
    win_length=800,
    hop_length=320,
    f_max=15_000.0,
    mel_scale="kaldi",
    log="log",
    offset=1e-5,
    preemphasis=0.97,
    periodic_window=False,
    mean=-4.5,
    std=5.0,
)
"""128 bands (Kaldi, to 15 kHz), window 25 ms in an FFT of 1024, hop 10 ms; what EfficientAT's weights expect."""


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
