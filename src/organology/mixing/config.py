"""Settings of mixing. Defaults are the paper's; where the paper is silent, the docstring says whose they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from organology.config import FORBID

Range = tuple[float, float]
Level = Literal["as_is", "rms"]
Balance = Literal["songs", "labels"]
CorpusPer = Literal["mixture", "source"]


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _check_probability(name: str, value: float) -> None:
    _check(0 <= value <= 1, f"{name} is a probability, not {value}")


def _check_range(name: str, value: Range, low: float = float("-inf"), high: float = float("inf")) -> None:
    _check(low <= value[0] <= value[1] <= high, f"{name} has to rise within {low:g} … {high:g}, not {list(value)}")


def _check_kinds(kinds: Iterable[str]) -> None:
    from organology.corpora.table import KINDS  # loads polars, which few configurations need

    for kind in kinds:
        _check(kind in KINDS, f"kind_weights: {kind!r} is not a kind; the kinds are {', '.join(filter(None, KINDS))}")


@dataclass(frozen=True)
class GainConfig:
    """Amplitude scaling: `probability`, and the range of the gain in dB (audiomentations' own)."""

    __pydantic_config__ = FORBID
    probability: float = 0.5
    gain_db: Range = (-12.0, 12.0)

    def __post_init__(self) -> None:
        _check_probability("gain.probability", self.probability)
        _check_range("gain.gain_db", self.gain_db, -120, 120)


@dataclass(frozen=True)
class FilterConfig:
    """What the three filters have in common; the ranges are audiomentations' own.

    Attributes
    ----------
    probability : float
    center_hz : (float, float)
        Range of the center frequency, drawn evenly on the mel scale as audiomentations does.
    gain_db : (float, float)
    q : (float, float)
        Range of the quality factor.
    """

    __pydantic_config__ = FORBID
    probability: float = 0.3
    center_hz: Range = (50.0, 4000.0)
    gain_db: Range = (-18.0, 18.0)
    q: Range = (0.1, 0.999)

    def __post_init__(self) -> None:
        _check_probability("probability", self.probability)
        _check_range("center_hz", self.center_hz, 1)
        _check_range("gain_db", self.gain_db, -120, 120)
        _check_range("q", self.q, 1e-3, 100)


@dataclass(frozen=True)
class LowShelfConfig(FilterConfig):
    """Low shelf filter; see `FilterConfig`."""

    __pydantic_config__ = FORBID

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range("low_shelf.q", self.q, 1e-3, 1)


@dataclass(frozen=True)
class HighShelfConfig(FilterConfig):
    """High shelf filter; see `FilterConfig`."""

    __pydantic_config__ = FORBID
    center_hz: Range = (300.0, 7500.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range("high_shelf.q", self.q, 1e-3, 1)


@dataclass(frozen=True)
class PeakingConfig(FilterConfig):
    """Peaking filter; see `FilterConfig`."""

    __pydantic_config__ = FORBID
    center_hz: Range = (50.0, 7500.0)
    gain_db: Range = (-24.0, 24.0)
    q: Range = (0.5, 5.0)


@dataclass(frozen=True)
class PitchShiftConfig:
    """Pitch shift: `probability`, and the range in semitones (audiomentations' own). Non-musical mixtures only."""

    __pydantic_config__ = FORBID
    probability: float = 0.3
    semitones: Range = (-4.0, 4.0)

    def __post_init__(self) -> None:
        _check_probability("pitch_shift.probability", self.probability)
        _check_range("pitch_shift.semitones", self.semitones, -24, 24)


@dataclass(frozen=True)
class TimeStretchConfig:
    """Time stretch: `probability`, and the range of the rate, above 1 faster (audiomentations' own).

    Non-musical mixtures only. Below a rate of 0.5 the stretcher draws phases from a random device of its own, so
    that a seed would no longer give the same mixture; such rates are refused.
    """

    __pydantic_config__ = FORBID
    probability: float = 0.3
    rate: Range = (0.8, 1.25)

    def __post_init__(self) -> None:
        _check_probability("time_stretch.probability", self.probability)
        _check_range("time_stretch.rate", self.rate, 0.5, 10)


@dataclass(frozen=True)
class EffectsConfig:
    """The effects on each source, each with its own probability; order and parameters are random.

    The paper names the effects and no numbers. Probabilities here are 0.5 for the gain and 0.3 for the others.
    """

    __pydantic_config__ = FORBID
    gain: GainConfig = GainConfig()
    low_shelf: LowShelfConfig = LowShelfConfig()
    high_shelf: HighShelfConfig = HighShelfConfig()
    peaking: PeakingConfig = PeakingConfig()
    pitch_shift: PitchShiftConfig = PitchShiftConfig()
    time_stretch: TimeStretchConfig = TimeStretchConfig()

    @classmethod
    def none(cls) -> EffectsConfig:
        """No effects: every probability 0."""
        return cls(
            GainConfig(0), LowShelfConfig(0), HighShelfConfig(0), PeakingConfig(0), PitchShiftConfig(0),
            TimeStretchConfig(0),
        )  # fmt: skip


@dataclass(frozen=True)
class AudibilityConfig:
    """When a source is heard in its mixture, and so adds its labels. Not in the paper.

    Source and mixture are measured in frames. In a frame a source is heard at Y dB where it is above `floor_db` and
    not more than Y dB below the mixture. It is *audible* if it is heard at `clear_db` for `clear_seconds` in all: its
    labels are set. It is *inaudible* if it is heard at `inaudible_db` for less than `inaudible_seconds`: it adds no
    label. Between the two it is *uncertain*: its labels become unknown.

    Attributes
    ----------
    clear_db, clear_seconds : float
    inaudible_db, inaudible_seconds : float
    floor_db : float
        RMS level of a frame, in dB of full scale, below which nothing sounds.
    frame_seconds : float
    """

    __pydantic_config__ = FORBID
    clear_db: float = 20.0
    clear_seconds: float = 0.3
    inaudible_db: float = 40.0
    inaudible_seconds: float = 0.1
    floor_db: float = -60.0
    frame_seconds: float = 0.05

    def __post_init__(self) -> None:
        _check(self.clear_db <= self.inaudible_db, "audibility.clear_db cannot be above inaudible_db")
        _check(
            0 < self.inaudible_seconds <= self.clear_seconds,
            "audibility.inaudible_seconds has to be above 0 and not above clear_seconds",
        )
        _check(self.frame_seconds > 0, "audibility.frame_seconds has to be above 0")


@dataclass(frozen=True)
class MixingConfig:
    """How mixtures are made.

    Attributes
    ----------
    p_musical : float
        Probability of a musical mixture (all sources from one song and one position); else non-musical (every
        source from a different song). The paper uses 0.6 for its table 1 and finds 0.4 best.
    p_single_source : float
        Probability of a mixture of one source. Ours: the paper gives no number.
    sources_min, sources_max : int
        Else the number of sources is drawn evenly from this range, both ends included. Ours.
    chunk_seconds : float
        Length of a mixture.
    sample_rate : int
        In Hz; that of the prepared corpora.
    effects : EffectsConfig
    audibility : AudibilityConfig
    level : {"as_is", "rms"}
        "as_is": sources as they are recorded (the paper). "rms": before its effects each source is brought to
        `level_rms_db`, measured where it sounds, plus an offset drawn from `level_offset_db`; in both strategies.
    level_rms_db : float
        In dB of full scale.
    level_offset_db : (float, float)
    kind_weights : dict of str to float
        Weight of a stem of each kind (`performance`, `notes` …) in being drawn; 1 where not named, 0 leaves out. A
        song weighs the mean of its stems' weights.
    balance : {"songs", "labels"}
        Non-musical sources. "songs": a song, then one of its sources (the paper). "labels": one of the labels that
        the corpus has, each with the same probability, then a song with it, then a source of it.
    corpus_weights : dict of str to float
        Weight of a corpus in being drawn; 1 where not named (the paper: all the same), 0 leaves out.
    corpus_per : {"mixture", "source"}
        The corpus is drawn once a mixture (the paper), or anew for each source of a non-musical mixture.
    position_candidates : int
        Musical mixtures: so many positions where the first source sounds are drawn, and the one where most of the
        drawn sources sound is taken. 1: no preference.
    peak : float or None
        A mixture that peaks above it is scaled down to it. None: no guard.
    cache_megabytes : int
        Decoded stems are kept in memory, up to so much in each process, and read from there. It changes nothing but
        the speed; 0 turns it off.
    """

    __pydantic_config__ = FORBID
    p_musical: float = 0.6
    p_single_source: float = 0.15
    sources_min: int = 2
    sources_max: int = 6
    chunk_seconds: float = 4.0
    sample_rate: int = 32_000
    effects: EffectsConfig = EffectsConfig()
    audibility: AudibilityConfig = AudibilityConfig()
    level: Level = "as_is"
    level_rms_db: float = -26.0
    level_offset_db: Range = (-6.0, 6.0)
    kind_weights: dict[str, float] = field(default_factory=dict)
    balance: Balance = "songs"
    corpus_weights: dict[str, float] = field(default_factory=dict)
    corpus_per: CorpusPer = "mixture"
    position_candidates: int = 8
    peak: float | None = 1.0
    cache_megabytes: int = 0

    def __post_init__(self) -> None:
        _check_probability("p_musical", self.p_musical)
        _check_probability("p_single_source", self.p_single_source)
        _check(1 <= self.sources_min <= self.sources_max, "sources_min has to be 1 or more, and not above sources_max")
        _check(self.sample_rate > 0, "sample_rate has to be above 0")
        _check(self.chunk_frames >= 1, "chunk_seconds has to be above 0")
        _check_range("level_offset_db", self.level_offset_db, -60, 60)
        for name, weights in (("kind_weights", self.kind_weights), ("corpus_weights", self.corpus_weights)):
            for key, weight in weights.items():
                _check(0 <= weight < float("inf"), f"{name}.{key} has to be 0 or more, not {weight}")
        if self.kind_weights:
            _check_kinds(self.kind_weights)
        _check(self.position_candidates >= 1, "position_candidates has to be 1 or more")
        _check(self.peak is None or self.peak > 0, "peak has to be above 0, or null")
        _check(self.cache_megabytes >= 0, "cache_megabytes has to be 0 or more")
        _check(
            self.audibility.frame_seconds * self.sample_rate >= 1
            and self.audibility.clear_seconds <= self.chunk_seconds,
            "audibility: frame_seconds has to hold a sample, and clear_seconds to fit in the chunk",
        )
        for effect in (self.effects.low_shelf, self.effects.high_shelf, self.effects.peaking):
            _check_range("effects: center_hz", effect.center_hz, 1, self.sample_rate / 2)

    @property
    def chunk_frames(self) -> int:
        """Length of a mixture in samples."""
        return round(self.chunk_seconds * self.sample_rate)

    def for_evaluation(self) -> MixingConfig:
        """The same settings for validation and test: musical mixtures only, and no effects.

        The paper says "musical mixing only" and is silent on effects; they are left out, so that what is measured is
        the music as it was recorded and not how well effects are withstood.
        """
        return dataclasses.replace(self, p_musical=1.0, effects=EffectsConfig.none(), level="as_is")
