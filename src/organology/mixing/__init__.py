"""Labelled mixtures of stems, made on the fly.

What comes in are prepared corpora (`stems.parquet` and its audio); what goes out is an endless row of mixtures:
float32 audio of `MixingConfig.chunk_seconds` with a label vector. Four things are kept apart:

* drawing (`draw`): what to mix. Pure numbers, no audio; gives a `MixturePlan`.
* effects (`effects`): their parameters are drawn with the plan, their audio is audiomentations'.
* adding up (`mixer`): reads the chunks, applies effects, sums, and sets the labels of what can be heard.
* the world (`world`): rooms, mastering, noise, codecs … that the labelled mixture then goes through, if wanted.

The method is section 2.3 of Bradl, Huber and Pernkopf, *Transfer Learning Using Musical/Non-Musical Mixtures for
Multi-Instrument Recognition*, 2023. Mixture `i` of seed `s` is a function of `(s, i)` alone.
"""

from organology.mixing.channel.channel import Treatment, World
from organology.mixing.channel.config import (
    AmpConfig,
    BandConfig,
    CodecConfig,
    CompressorConfig,
    EqualizerConfig,
    LoudnessConfig,
    MicrophoneConfig,
    NoiseConfig,
    RoomConfig,
    SaturationConfig,
    WorldConfig,
)
from organology.mixing.config import AudibilityConfig, MixingConfig
from organology.mixing.draw import MixturePlan, SourcePlan
from organology.mixing.effects.chain import Effect
from organology.mixing.effects.config import (
    EffectsConfig,
    GainConfig,
    HighShelfConfig,
    LowShelfConfig,
    PeakingConfig,
    PitchShiftConfig,
    TimeStretchConfig,
)
from organology.mixing.mixer import MixedSource, Mixer, Mixture
from organology.mixing.pool import Stem, StemPool

__all__ = [
    "AmpConfig",
    "AudibilityConfig",
    "BandConfig",
    "CodecConfig",
    "CompressorConfig",
    "Effect",
    "EffectsConfig",
    "EqualizerConfig",
    "GainConfig",
    "HighShelfConfig",
    "LoudnessConfig",
    "LowShelfConfig",
    "MicrophoneConfig",
    "MixedSource",
    "Mixer",
    "MixingConfig",
    "Mixture",
    "MixturePlan",
    "NoiseConfig",
    "PeakingConfig",
    "PitchShiftConfig",
    "RoomConfig",
    "SaturationConfig",
    "SourcePlan",
    "Stem",
    "StemPool",
    "TimeStretchConfig",
    "Treatment",
    "World",
    "WorldConfig",
]
