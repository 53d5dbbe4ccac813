"""What a network is made of: settings of the front end, backbone, head. Needs no torch, so that recipes are read fast.

Two presets of the front end. `PAPER` is that of Bradl, Huber and Pernkopf (2023), with what they leave open taken from
Won et al. (2020). `EFFICIENTAT` is the one that the AudioSet weights of EfficientAT (Schmid et al., 2023) were trained
with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from organology.config import FORBID
from organology.model.backbones import BACKBONES, CHANNELS, PUBLISHED_WIDTH
from organology.model.heads import HEADS

MelScale = Literal["htk", "slaney", "kaldi"]


MOST_FFT, MOST_MELS = 2**16, 2**12
"""A file that asks for more than any mel spectrogram has is damaged."""

MAX_GAIN_DB = 15.0
"""Enough for music at -50 dB where -35 is wanted; the noise of most recordings stays inaudible."""


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

    __pydantic_config__ = FORBID

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
        if not 0 < self.win_length <= self.n_fft <= MOST_FFT:
            raise ValueError(
                f"1 <= win_length <= n_fft <= {MOST_FFT} does not hold: got {self.win_length} and {self.n_fft}"
            )
        if self.hop_length < 1 or not 0 < self.n_mels <= MOST_MELS:
            raise ValueError(f"hop_length must be positive, n_mels between 1 and {MOST_MELS}")
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

JAMENDO = FrontendConfig(
    n_fft=1024, win_length=1024, hop_length=512, n_mels=96, f_max=8_000.0, offset=4e-10, mean=20 * math.log10(2)
)
"""96 bands (HTK, to 8 kHz), decibels; what the music taggers of Won et al. (2020) expect.

Theirs works at 16 kHz with an FFT of 512. One of 1024 at 32 kHz has its bins at the same frequencies and four times the
power, which floor and mean take back: nothing has to be resampled.
"""

FRONTENDS = {"paper": PAPER, "efficientat": EFFICIENTAT, "jamendo": JAMENDO}
"""The presets by name."""


def _known_backbone(name: str) -> str:
    return BACKBONES[name].name


def _known_head(name: str) -> str:
    return HEADS[name].name


@dataclass(frozen=True)
class ModelConfig:
    """What a network is made of.

    Attributes
    ----------
    backbone : str
        One of `backbones.BACKBONES`. "short-chunk": the paper's seven blocks, 512-d embedding. "mobilenet":
        MobileNetV3 as EfficientAT's `mn04_as`, 384-d.
    head : str
        One of `heads.HEADS`. "paper": two layers with batch norm and dropout. "linear": one. "anchored": one, added to
        what the published AudioSet classifier says of the same embedding (needs "mobilenet" of width 0.4).
    frontend : FrontendConfig, {"paper", "efficientat", "jamendo"} or None
        None: the one of the backbone ("paper" for "short-chunk", "efficientat" for "mobilenet", "jamendo" for the
        taggers of Won et al.).
    channels : tuple of int
        Of the blocks of "short-chunk".
    width : float
        Of "mobilenet".
    hidden_size : int or None
        Of the head "paper"; None: as the embedding.
    dropout : float
        Of the head "paper".
    head_norm : bool
        A layer norm before the linear layer of "linear" and "anchored".
    options : dict of str to Any
        Further settings of the backbone or head, by the names of their registration: `norm_momentum` of "mobilenet",
        "fcn-jamendo" and "musicnn-jamendo", the share of a batch in the running statistics of their batch norms.
    """

    __pydantic_config__ = FORBID

    backbone: Annotated[str, AfterValidator(_known_backbone)] = "short-chunk"
    head: Annotated[str, AfterValidator(_known_head)] = "paper"
    frontend: FrontendConfig | Literal["paper", "efficientat", "jamendo"] | None = None
    channels: tuple[int, ...] = CHANNELS
    width: float = PUBLISHED_WIDTH
    hidden_size: int | None = None
    dropout: float = 0.5
    head_norm: bool = False
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1 or self.width <= 0 or (self.hidden_size or 1) < 1:
            raise ValueError("channels, width and hidden_size must be positive")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {self.dropout}")
        backbone, head = BACKBONES[self.backbone], HEADS[self.head]
        known = {*backbone.settings.values(), *head.settings.values()}
        for name in self.options:
            if name not in known:
                raise ValueError(f"options.{name}: unknown key; neither {self.backbone!r} nor {self.head!r} has it")
        head.check(self)
        bands, least = self.frontend_config.n_mels, backbone.smallest(self)
        if bands < least:
            raise ValueError(f"the backbone {self.backbone!r} needs {least} bands, got {bands}")

    @property
    def frontend_config(self) -> FrontendConfig:
        """The settings of the front end, whichever way they were given."""
        if isinstance(self.frontend, FrontendConfig):
            return self.frontend
        return FRONTENDS[self.frontend or BACKBONES[self.backbone].frontend]

    @property
    def smallest_input(self) -> int:
        """How many frames of the front end the backbone needs."""
        return BACKBONES[self.backbone].smallest(self)

    def differs_by_level_only(self, other: ModelConfig) -> bool:
        """Whether nothing but `level_db` of the front ends differs, so that each can take the other's weights."""
        own, others = self.frontend_config, other.frontend_config
        leveled = replace(own, level_db=others.level_db, max_gain_db=others.max_gain_db)
        return replace(self, frontend=leveled) == replace(other, frontend=others)
