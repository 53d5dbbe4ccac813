"""Settings of mixing. Defaults are the paper's; where the paper is silent, the docstring says whose they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field

from organology.config import FORBID, to_plain
from organology.corpora.resplit import SplitConfig
from organology.mixing.audibility import AudibilityConfig
from organology.mixing.channel.registered import ChannelConfig
from organology.mixing.effects.registered import EffectsConfig
from organology.mixing.ranges import Range, check, check_probability, check_range

DRAWS = 2
"""How chance is drawn from a seed. 1, of organology 0.1: one generator for all effects of a source, chunks more often
from the beginning of a stem. 2: a generator for each choice by its name, starts of chunks drawn evenly."""

Level = Literal["as_is", "rms"]
Balance = Literal["songs", "labels"]
CorpusPer = Literal["mixture", "source"]


def _check_kinds(kinds: Iterable[str]) -> None:
    from organology.corpora.base import KINDS  # late: few configurations need it

    for kind in kinds:
        check(kind in KINDS, f"kind_weights must name kinds ({', '.join(filter(None, KINDS))}), got {kind!r}")


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
    channel : ChannelConfig
        The way from the band to the file: amplifiers of sources, rooms, mastering, noise, codecs … of the mixture; all
        off (the paper has none). In a recipe `world` is another name for it.
    audibility : AudibilityConfig or None
        When a source is heard in its mixture. None: every source adds its labels, heard or not (the paper).
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
    musical_songs : int or None
        Training: musical mixtures of several sources are of so many songs only, the same ones whatever the seed, and
        those of a smaller number among those of a larger. None: of all (the paper).
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
    draws : int
        How chance is drawn from a seed: `DRAWS`. Recipes can name it, so that they fail where their seeds would give
        other mixtures.
    """

    __pydantic_config__ = FORBID
    p_musical: float = 0.6
    p_single_source: float = 0.15
    sources_min: int = 2
    sources_max: int = 6
    chunk_seconds: float = 4.0
    sample_rate: int = 32_000
    effects: EffectsConfig = field(default_factory=EffectsConfig)
    channel: Annotated[ChannelConfig, Field(validation_alias=AliasChoices("channel", "world"))] = field(
        default_factory=ChannelConfig
    )
    audibility: AudibilityConfig | None = field(default_factory=AudibilityConfig)
    level: Level = "as_is"
    level_rms_db: float = -26.0
    level_offset_db: Range = (-6.0, 6.0)
    kind_weights: dict[str, float] = field(default_factory=dict)
    balance: Balance = "songs"
    corpus_weights: dict[str, float] = field(default_factory=dict)
    corpus_per: CorpusPer = "mixture"
    musical_songs: int | None = None
    peak: float | None = 1.0
    stretch_variants: int = 0
    cache_megabytes: int = 0
    split: SplitConfig | None = None
    draws: int = DRAWS

    def __post_init__(self) -> None:
        check_probability("p_musical", self.p_musical)
        check_probability("p_single_source", self.p_single_source)
        check(
            1 <= self.sources_min <= self.sources_max,
            f"sources_min must be within 1 … sources_max ({self.sources_max}), got {self.sources_min}",
        )
        check(self.sample_rate > 0, f"sample_rate must be above 0, got {self.sample_rate}")
        check(self.chunk_frames >= 1, f"chunk_seconds must be above 0, got {self.chunk_seconds}")
        check_range("level_offset_db", self.level_offset_db, -60, 60)
        for name, weights in (("kind_weights", self.kind_weights), ("corpus_weights", self.corpus_weights)):
            for key, weight in weights.items():
                check(0 <= weight < float("inf"), f"{name}.{key} must be 0 or more, got {weight}")
        if self.kind_weights:
            _check_kinds(self.kind_weights)
        few = self.musical_songs
        check(few is None or few >= 1, f"musical_songs must be 1 or more, or null, got {few}")
        check(self.peak is None or self.peak > 0, f"peak must be above 0, or null, got {self.peak}")
        check(self.stretch_variants >= 0, f"stretch_variants must be 0 or more, got {self.stretch_variants}")
        check(self.cache_megabytes >= 0, f"cache_megabytes must be 0 or more, got {self.cache_megabytes}")
        check(
            self.frame >= 1 and self.measure.clear_seconds <= self.chunk_seconds,
            "audibility: frame_seconds must hold a sample, and clear_seconds fit in the chunk",
        )
        for effect in self.effects.values():
            effect.check_sample_rate(self.sample_rate)
        check(
            self.draws == DRAWS,
            f"draws must be {DRAWS}, got {self.draws}: seeds give the mixtures of version {DRAWS}; those of version 1 "
            "need organology 0.1",
        )

    @property
    def chunk_frames(self) -> int:
        """Length of a mixture in samples."""
        return round(self.chunk_seconds * self.sample_rate)

    @property
    def measure(self) -> AudibilityConfig:
        """How sources are measured: `audibility`, or its defaults where labels do not depend on it."""
        return self.audibility or AudibilityConfig()

    @property
    def frame(self) -> int:
        """Samples of a frame in which sources are measured."""
        return round(self.measure.frame_seconds * self.sample_rate)

    @property
    def sounding_frames(self) -> int:
        """So many samples of a source must sound in its chunk."""
        return round(self.measure.clear_seconds * self.sample_rate)

    def to_key(self) -> dict[str, Any]:
        """All settings as plain values, for hashes of what is made with them.

        A setting of `split` that came later is left out where it changes nothing, so that hashes stay what they were.
        """
        plain: dict[str, Any] = to_plain(self)
        if self.split is not None and not self.split.at_most:
            del plain["split"]["at_most"]
        return plain

    def for_evaluation(self) -> MixingConfig:
        """The same settings for validation and test: musical mixtures only, no effects, no channel.

        The paper says "musical mixing only" and is silent on effects; they are left out, so that what is measured is
        the music as it was recorded and not how well effects are withstood.
        """
        return dataclasses.replace(
            self,
            p_musical=1.0,
            effects=EffectsConfig.none(),
            channel=ChannelConfig(),
            level="as_is",
            musical_songs=None,
        )
