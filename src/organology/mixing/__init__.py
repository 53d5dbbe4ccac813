"""Labelled mixtures of stems, made on the fly.

What comes in are prepared corpora (`stems.parquet` and its audio); what goes out is an endless row of mixtures:
float32 audio of `MixingConfig.chunk_seconds` with a label vector. Four things are kept apart:

* drawing (`draw`): what to mix. Pure numbers, no audio; gives a `MixturePlan`.
* effects (`effects`): their parameters are drawn with the plan, their audio is audiomentations'.
* adding up (`mixer`): reads the chunks, applies effects, sums, and sets the labels of what can be heard.
* the channel (`channel`): rooms, mastering, noise, codecs … that the labelled mixture then goes through, if wanted.

The method is section 2.3 of Bradl, Huber and Pernkopf, *Transfer Learning Using Musical/Non-Musical Mixtures for
Multi-Instrument Recognition*, 2023. Mixture `i` of seed `s` is a function of `(s, i)` alone.
"""

from organology.mixing.audibility import AudibilityConfig
from organology.mixing.channel.chain import ChannelPlan
from organology.mixing.channel.registered import TRANSFORMS, ChannelConfig
from organology.mixing.config import MixingConfig
from organology.mixing.draw import MixturePlan, SourcePlan
from organology.mixing.effects.registered import EFFECTS, EffectsConfig
from organology.mixing.mixer import MixedSource, Mixer, Mixture
from organology.mixing.pool import Stem, StemPool
from organology.mixing.registry import Applied

__all__ = [
    "EFFECTS",
    "TRANSFORMS",
    "Applied",
    "AudibilityConfig",
    "ChannelConfig",
    "ChannelPlan",
    "EffectsConfig",
    "MixedSource",
    "Mixer",
    "MixingConfig",
    "Mixture",
    "MixturePlan",
    "SourcePlan",
    "Stem",
    "StemPool",
]
