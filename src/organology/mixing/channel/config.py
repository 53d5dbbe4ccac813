"""Settings of what happens to music on its way to a listener. None of it is in the paper; every probability is 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from organology.config import FORBID
from organology.mixing.effects.config import Range, check, check_probability, check_range

NoiseKind = Literal["hiss", "hum", "crackle"]
BandKind = Literal["resample", "telephone", "am"]
CodecFormat = Literal["mp3", "aac", "opus"]


@dataclass(frozen=True)
class AmpConfig:
    """Guitar and bass amplifiers on single sources: electric guitars and electric basses.

    Attributes
    ----------
    guitar_probability, bass_probability : float
        Of a source that plays an electric guitar (electric bass) and nothing else; a stem whose word says that it is
        distorted already is left alone.
    guitar_drive_db, bass_drive_db : (float, float)
        How far above the knee of the waveshaper the RMS of the source lies: at 0 it only colors, at 40 a note is a
        square wave as long as it rings.
    cabinet_hz : (float, float)
        Range of the upper edge of the loudspeaker.
    """

    __pydantic_config__ = FORBID
    guitar_probability: float = 0.0
    bass_probability: float = 0.0
    guitar_drive_db: Range = (0.0, 36.0)
    bass_drive_db: Range = (-6.0, 12.0)
    cabinet_hz: Range = (3500.0, 7000.0)

    def __post_init__(self) -> None:
        check_probability("amp.guitar_probability", self.guitar_probability)
        check_probability("amp.bass_probability", self.bass_probability)
        check_range("amp.guitar_drive_db", self.guitar_drive_db, -40, 80)
        check_range("amp.bass_drive_db", self.bass_drive_db, -40, 80)
        check_range("amp.cabinet_hz", self.cabinet_hz, 500, 15_000)


@dataclass(frozen=True)
class RoomConfig:
    """One room for all sources of a mixture, each at its own distance.

    Attributes
    ----------
    probability : float
    rt60_seconds : (float, float)
        Range of the reverberation time at 1 kHz, drawn evenly in its logarithm.
    direct_to_reverb_db : (float, float)
        Range of the ratio of direct to reverberant energy, drawn once a mixture.
    spread_db : float
        Each source's ratio differs from the mixture's by at most this.
    """

    __pydantic_config__ = FORBID
    probability: float = 0.0
    rt60_seconds: Range = (0.15, 2.0)
    direct_to_reverb_db: Range = (-3.0, 18.0)
    spread_db: float = 5.0

    def __post_init__(self) -> None:
        check_probability("room.probability", self.probability)
        check_range("room.rt60_seconds", self.rt60_seconds, 0.01, 10)
        check_range("room.direct_to_reverb_db", self.direct_to_reverb_db, -40, 80)
        check(0 <= self.spread_db <= 40, f"room.spread_db has to lie within 0 … 40, not {self.spread_db:g}")


@dataclass(frozen=True)
class EqualizerConfig:
    """A low and a high shelf on the mixture (a tilt where they differ in sign): ranges of gains and corners."""

    __pydantic_config__ = FORBID
    probability: float = 0.0
    gain_db: Range = (-6.0, 6.0)
    low_hz: Range = (80.0, 400.0)
    high_hz: Range = (2000.0, 8000.0)

    def __post_init__(self) -> None:
        check_probability("equalizer.probability", self.probability)
        check_range("equalizer.gain_db", self.gain_db, -40, 40)
        check_range("equalizer.low_hz", self.low_hz, 10, 4000)
        check_range("equalizer.high_hz", self.high_hz, 500, 15_000)


@dataclass(frozen=True)
class CompressorConfig:
    """Compression of the mixture, made up so that its RMS stays.

    Attributes
    ----------
    probability : float
    threshold_db : (float, float)
        Relative to the RMS of the mixture.
    ratio : (float, float)
        So many dB of input above the threshold give one of output.
    attack_ms, release_ms : (float, float)
        Time constants.
    """

    __pydantic_config__ = FORBID
    probability: float = 0.0
    threshold_db: Range = (-12.0, 3.0)
    ratio: Range = (1.5, 10.0)
    attack_ms: Range = (1.0, 40.0)
    release_ms: Range = (40.0, 500.0)

    def __post_init__(self) -> None:
        check_probability("compressor.probability", self.probability)
        check_range("compressor.threshold_db", self.threshold_db, -60, 40)
        check_range("compressor.ratio", self.ratio, 1, 1000)
        check_range("compressor.attack_ms", self.attack_ms, 0.1, 1000)
        check_range("compressor.release_ms", self.release_ms, 1, 10_000)


@dataclass(frozen=True)
class SaturationConfig:
    """Soft or hard clipping of the mixture: `drive_db` of its peak above the level where it clips."""

    __pydantic_config__ = FORBID
    probability: float = 0.0
    drive_db: Range = (0.0, 12.0)

    def __post_init__(self) -> None:
        check_probability("saturation.probability", self.probability)
        check_range("saturation.drive_db", self.drive_db, -20, 60)


@dataclass(frozen=True)
class MicrophoneConfig:
    """Frequency response of a microphone, or of a loudspeaker that is recorded.

    Attributes
    ----------
    probability : float
    low_hz, high_hz : (float, float)
        Ranges of the edges; 12 dB an octave.
    ripple_db : float
        Three resonances between the edges, each of at most so much.
    """

    __pydantic_config__ = FORBID
    probability: float = 0.0
    low_hz: Range = (30.0, 250.0)
    high_hz: Range = (4000.0, 14_000.0)
    ripple_db: float = 6.0

    def __post_init__(self) -> None:
        check_probability("microphone.probability", self.probability)
        check_range("microphone.low_hz", self.low_hz, 5, 2000)
        check_range("microphone.high_hz", self.high_hz, 2000, 15_500)
        check(0 <= self.ripple_db <= 40, f"microphone.ripple_db has to lie within 0 … 40, not {self.ripple_db:g}")


@dataclass(frozen=True)
class NoiseConfig:
    """Noise under the mixture: one of `kinds`.

    Attributes
    ----------
    probability : float
    snr_db : (float, float)
        Range of the ratio of the mixture to the noise, both as RMS.
    kinds : tuple of {"hiss", "hum", "crackle"}
        Colored noise of a drawn band; mains hum of 50 or 60 Hz; a record's crackle over its surface noise.
    """

    __pydantic_config__ = FORBID
    probability: float = 0.0
    snr_db: Range = (15.0, 50.0)
    kinds: tuple[NoiseKind, ...] = get_args(NoiseKind)

    def __post_init__(self) -> None:
        check_probability("noise.probability", self.probability)
        check_range("noise.snr_db", self.snr_db, -20, 120)
        check(bool(self.kinds), "noise.kinds is empty")


@dataclass(frozen=True)
class BandConfig:
    """Narrow channels: one of `kinds`.

    Attributes
    ----------
    probability : float
    kinds : tuple of {"resample", "telephone", "am"}
        To one of `rates` and back; 300 to 3400 Hz with the 8-bit mu-law of ITU-T G.711; 50 to 5000 Hz.
    rates : tuple of int
        In Hz; those not below the mixture's do nothing.
    """

    __pydantic_config__ = FORBID
    probability: float = 0.0
    kinds: tuple[BandKind, ...] = get_args(BandKind)
    rates: tuple[int, ...] = (8000, 11_025, 16_000, 22_050)

    def __post_init__(self) -> None:
        check_probability("band.probability", self.probability)
        check(bool(self.kinds), "band.kinds is empty")
        check(bool(self.rates) and min(self.rates) >= 2000, "band.rates: at least one, none below 2000")


@dataclass(frozen=True)
class LoudnessConfig:
    """Loudness of the mixture (ITU-R BS.1770-4), with a limiter where peaks would pass full scale."""

    __pydantic_config__ = FORBID
    probability: float = 0.0
    lufs: Range = (-30.0, -8.0)

    def __post_init__(self) -> None:
        check_probability("loudness.probability", self.probability)
        check_range("loudness.lufs", self.lufs, -70, 0)


@dataclass(frozen=True)
class CodecConfig:
    """Encoded and decoded again: one of `formats`, at a bit rate drawn evenly in its logarithm (mono, in kbit/s)."""

    __pydantic_config__ = FORBID
    probability: float = 0.0
    formats: tuple[CodecFormat, ...] = get_args(CodecFormat)
    kbps: Range = (24.0, 128.0)

    def __post_init__(self) -> None:
        check_probability("codec.probability", self.probability)
        check(bool(self.formats), "codec.formats is empty")
        check_range("codec.kbps", self.kbps, 8, 160)


@dataclass(frozen=True)
class WorldConfig:
    """What happens to music on its way to a listener, in the order in which it is applied; all off by default.

    `amp` acts on sources before they are added up and judged; the others on the mixture, after its labels are set.
    Each draws from a generator of its own: turning one on or off leaves the others as they were.
    """

    __pydantic_config__ = FORBID
    amp: AmpConfig = AmpConfig()
    room: RoomConfig = RoomConfig()
    equalizer: EqualizerConfig = EqualizerConfig()
    compressor: CompressorConfig = CompressorConfig()
    saturation: SaturationConfig = SaturationConfig()
    microphone: MicrophoneConfig = MicrophoneConfig()
    noise: NoiseConfig = NoiseConfig()
    band: BandConfig = BandConfig()
    loudness: LoudnessConfig = LoudnessConfig()
    codec: CodecConfig = CodecConfig()

    @property
    def is_on(self) -> bool:
        """Whether anything of it can happen."""
        names = (name for name in self.__dataclass_fields__ if name != "amp")
        return self.amp.guitar_probability + self.amp.bass_probability > 0 or any(
            getattr(self, name).probability > 0 for name in names
        )
