"""Lossy codecs: a mixture encoded and decoded again in memory, by FFmpeg through PyAV, its delay taken out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import fft  # type: ignore[import-untyped]

from organology.config import FORBID
from organology.errors import AudioError
from organology.mixing.channel.base import MixtureTransform, Samples
from organology.mixing.ranges import Range, check, check_range, log_uniform
from organology.mixing.registry import Parameters

CodecFormat = Literal["mp3", "aac", "opus"]


class _Codec(NamedTuple):
    encoder: str
    decoder: str
    sample_format: str
    rates: tuple[int, ...]
    options: dict[str, str]


# the fastest setting of each encoder: what it costs in quality lies within the range of bit rates
_CODECS = {
    "mp3": _Codec("libmp3lame", "mp3float", "fltp", (32_000, 44_100, 48_000), {"compression_level": "9"}),
    "aac": _Codec("aac", "aac", "fltp", (32_000, 44_100, 48_000), {"aac_coder": "fast"}),
    "opus": _Codec("libopus", "opus", "flt", (48_000,), {"compression_level": "0"}),
}
CALIBRATION_KBPS = 96.0
"""The delay of a codec does not depend on its bit rate; it is measured at this one."""


@dataclass(frozen=True)
class Codec(MixtureTransform):
    """Encoded and decoded again by FFmpeg in memory, its delay taken out; kbit/s of the mono signal."""

    __pydantic_config__ = FORBID
    name = "codec"
    formats: tuple[CodecFormat, ...] = get_args(CodecFormat)
    kbps: Range = (24.0, 128.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(bool(self.formats), "codec.formats must name at least one format, got none")
        check_range("codec.kbps", self.kbps, 8, 160)

    def draw(self, rng: np.random.Generator, n_sources: int) -> Parameters:
        """The codec and its bit rate in kbit/s."""
        return {"codec": self.formats[int(rng.integers(len(self.formats)))], "kbps": log_uniform(rng, self.kbps)}

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return round_trip(samples, sample_rate, **parameters)


def round_trip(samples: Samples, rate: int, *, codec: str, kbps: float) -> Samples:
    """Samples after a codec.

    Parameters
    ----------
    samples : float32 array, shape (n,)
        Above full scale they are clipped, as an encoder's integer input is.
    rate : int
        In Hz. Where the codec does not have it, the next higher one is used, and the sound resampled.
    codec : {"mp3", "aac", "opus"}
    kbps : float
        Bit rate of the mono signal.

    Returns
    -------
    float32 array, shape (n,)

    Raises
    ------
    AudioError
        If this build of FFmpeg lacks the codec.
    """
    at = next((r for r in _CODECS[codec].rates if r >= rate), _CODECS[codec].rates[-1])
    there = np.clip(samples, -1, 1) if at == rate else np.asarray(soxr.resample(np.clip(samples, -1, 1), rate, at))
    delay = _delay(codec, at)
    decoded = _code(there, at, codec, kbps)[delay : delay + len(there)]
    back = decoded if at == rate else np.asarray(soxr.resample(decoded, at, rate), dtype=np.float32)
    back = np.clip(back, -1, 1)  # a codec overshoots loud peaks; players cut that off
    return np.pad(back[: len(samples)], (0, max(0, len(samples) - len(back))))


@lru_cache
def _delay(codec: str, rate: int) -> int:
    """Samples by which decoded sound comes late; measured once a process, on a noise burst."""
    burst = np.zeros(rate, dtype=np.float32)
    noise = np.random.default_rng(0).standard_normal(rate // 10)
    burst[rate // 2 : rate // 2 + len(noise)] = 0.2 * np.convolve(noise, np.full(4, 0.5), "same")
    decoded = _code(burst, rate, codec, CALIBRATION_KBPS)
    size = fft.next_fast_len(len(burst) + len(decoded), real=True)
    likeness = fft.irfft(fft.rfft(decoded, size) * np.conj(fft.rfft(burst, size)), size)
    return int(likeness[: rate // 4].argmax())


def _code(samples: Samples, rate: int, codec: str, kbps: float) -> Samples:
    """Encoded and decoded, with the codec's delay, and at least as long as the input and that delay."""
    import av

    settings = _CODECS[codec]
    try:
        encoder: Any = av.CodecContext.create(settings.encoder, "w")
        decoder: Any = av.CodecContext.create(settings.decoder, "r")
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioError(f"codec {codec}: this FFmpeg has no {settings.encoder} ({error})") from error
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", settings.sample_format
    encoder.bit_rate, encoder.options = round(kbps * 1000), settings.options
    encoder.time_base = Fraction(1, rate)
    encoder.thread_count = decoder.thread_count = 1
    encoder.open()
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    decoder.sample_rate, decoder.layout = rate, "mono"
    step = encoder.frame_size
    padded = np.pad(samples, (0, 4 * step - len(samples) % step))
    out: list[NDArray[np.float32]] = []
    for first in range(0, len(padded) + 1, step):
        frame = None
        if first < len(padded):
            frame = av.AudioFrame.from_ndarray(padded[np.newaxis, first : first + step], settings.sample_format, "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, first, encoder.time_base
        for packet in encoder.encode(frame):
            out += [decoded.to_ndarray()[0] for decoded in decoder.decode(packet)]
    out += [decoded.to_ndarray()[0] for decoded in decoder.decode(None)]
    return np.asarray(np.concatenate(out), dtype=np.float32)
