"""Settings of mixing. Defaults are the paper's; where the paper is silent, the docstring says whose they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from organology.config import FORBID
from organology.corpora.resplit import SplitConfig
from organology.mixing.channel.config import WorldConfig
from organology.mixing.effects.config import EffectsConfig, Range, check, check_probability, check_range

Level = Literal["as_is", "rms"]
Balance = Literal["songs", "labels"]
CorpusPer = Literal["mixture", "source"]


def _check_kinds(kinds: Iterable[str]) -> None:
    from organology.corpora.base import KINDS  # late: few configurations need it

    for kind in kinds:
        check(kind in KINDS, f"kind_weights: {kind!r} is not a kind; the kinds are {', '.join(filter(None, KINDS))}")


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
        check(self.clear_db <= self.inaudible_db, "audibility.clear_db cannot be above inaudible_db")
        check(
            0 < self.inaudible_seconds <= self.clear_seconds,
            "audibility.inaudible_seconds has to be above 0 and not above clear_seconds",
        )
        check(self.frame_seconds > 0, "audibility.frame_seconds has to be above 0")


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
    world : WorldConfig
        Rooms, mastering, noise, codecs … of the mixture, amplifiers of sources; all off (the paper has none).
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
    stretch_variants : int
        0: every pitch shift and time stretch is drawn anew (the paper). Above 0: a stem has so many shifted or
        stretched chunks in all, fixed by the seed, and a non-musical source that is to be shifted or stretched is one
        of them; with `cache_megabytes` each is made once. Gain, filters and company are still drawn anew.
    cache_megabytes : int
        Decoded stems and `stretch_variants` are kept in memory, up to so much in each process. It changes nothing but
        the speed; 0 turns it off.
    split : SplitConfig or None
        Divide the songs of every corpus anew into train, validation and test; None: as they were prepared.
    """

    __pydantic_config__ = FORBID
    p_musical: float = 0.6
    p_single_source: float = 0.15
    sources_min: int = 2
    sources_max: int = 6
    chunk_seconds: float = 4.0
    sample_rate: int = 32_000
    effects: EffectsConfig = field(default_factory=EffectsConfig)
    world: WorldConfig = field(default_factory=WorldConfig)
    audibility: AudibilityConfig = field(default_factory=AudibilityConfig)
    level: Level = "as_is"
    level_rms_db: float = -26.0
    level_offset_db: Range = (-6.0, 6.0)
    kind_weights: dict[str, float] = field(default_factory=dict)
    balance: Balance = "songs"
    corpus_weights: dict[str, float] = field(default_factory=dict)
    corpus_per: CorpusPer = "mixture"
    position_candidates: int = 8
    peak: float | None = 1.0
    stretch_variants: int = 0
    cache_megabytes: int = 0
    split: SplitConfig | None = None

    def __post_init__(self) -> None:
        check_probability("p_musical", self.p_musical)
        check_probability("p_single_source", self.p_single_source)
        check(1 <= self.sources_min <= self.sources_max, "sources_min has to be 1 or more, and not above sources_max")
        check(self.sample_rate > 0, "sample_rate has to be above 0")
        check(self.chunk_frames >= 1, "chunk_seconds has to be above 0")
        check_range("level_offset_db", self.level_offset_db, -60, 60)
        for name, weights in (("kind_weights", self.kind_weights), ("corpus_weights", self.corpus_weights)):
            for key, weight in weights.items():
                check(0 <= weight < float("inf"), f"{name}.{key} has to be 0 or more, not {weight}")
        if self.kind_weights:
            _check_kinds(self.kind_weights)
        check(self.position_candidates >= 1, "position_candidates has to be 1 or more")
        check(self.peak is None or self.peak > 0, "peak has to be above 0, or null")
        check(self.stretch_variants >= 0, "stretch_variants has to be 0 or more")
        check(self.cache_megabytes >= 0, "cache_megabytes has to be 0 or more")
        check(
            self.audibility.frame_seconds * self.sample_rate >= 1
            and self.audibility.clear_seconds <= self.chunk_seconds,
            "audibility: frame_seconds has to hold a sample, and clear_seconds to fit in the chunk",
        )
        for effect in (self.effects.low_shelf, self.effects.high_shelf, self.effects.peaking):
            check_range("effects: center_hz", effect.center_hz, 1, self.sample_rate / 2)

    @property
    def chunk_frames(self) -> int:
        """Length of a mixture in samples."""
        return round(self.chunk_seconds * self.sample_rate)

    @property
    def sounding_frames(self) -> int:
        """So many samples have to sound in a chunk for its source to be clearly audible."""
        return round(self.audibility.clear_seconds * self.sample_rate)

    def for_evaluation(self) -> MixingConfig:
        """The same settings for validation and test: musical mixtures only, no effects, nothing of `world`.

        The paper says "musical mixing only" and is silent on effects; they are left out, so that what is measured is
        the music as it was recorded and not how well effects are withstood.
        """
        return dataclasses.replace(
            self, p_musical=1.0, effects=EffectsConfig.none(), world=WorldConfig(), level="as_is"
        )
