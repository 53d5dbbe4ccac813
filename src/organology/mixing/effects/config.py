"""Settings of the effects. The ranges are audiomentations' own; the probabilities ours, as the paper gives none."""

from __future__ import annotations

from dataclasses import dataclass

from organology.config import FORBID

Range = tuple[float, float]


def check(condition: bool, message: str) -> None:
    """Raise ValueError with `message` unless `condition` holds."""
    if not condition:
        raise ValueError(message)


def check_probability(name: str, value: float) -> None:
    """Raise ValueError unless `value` lies within 0 … 1."""
    check(0 <= value <= 1, f"{name} is a probability, not {value}")


def check_range(name: str, value: Range, low: float = float("-inf"), high: float = float("inf")) -> None:
    """Raise ValueError unless the range rises, and lies within `low` … `high`."""
    check(low <= value[0] <= value[1] <= high, f"{name} has to rise within {low:g} … {high:g}, not {list(value)}")


@dataclass(frozen=True)
class GainConfig:
    """Amplitude scaling: `probability`, and the range of the gain in dB (audiomentations' own)."""

    __pydantic_config__ = FORBID
    probability: float = 0.5
    gain_db: Range = (-12.0, 12.0)

    def __post_init__(self) -> None:
        check_probability("gain.probability", self.probability)
        check_range("gain.gain_db", self.gain_db, -120, 120)


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
        check_probability("probability", self.probability)
        check_range("center_hz", self.center_hz, 1)
        check_range("gain_db", self.gain_db, -120, 120)
        check_range("q", self.q, 1e-3, 100)


@dataclass(frozen=True)
class LowShelfConfig(FilterConfig):
    """Low shelf filter; see `FilterConfig`."""

    __pydantic_config__ = FORBID

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("low_shelf.q", self.q, 1e-3, 1)


@dataclass(frozen=True)
class HighShelfConfig(FilterConfig):
    """High shelf filter; see `FilterConfig`."""

    __pydantic_config__ = FORBID
    center_hz: Range = (300.0, 7500.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("high_shelf.q", self.q, 1e-3, 1)


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
        check_probability("pitch_shift.probability", self.probability)
        check_range("pitch_shift.semitones", self.semitones, -24, 24)


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
        check_probability("time_stretch.probability", self.probability)
        check_range("time_stretch.rate", self.rate, 0.5, 10)


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
