"""The effects that there are. A new one is a class in a file of its own, and a line here."""

from __future__ import annotations

from organology.mixing.effects.base import Effect
from organology.mixing.effects.gain import Gain
from organology.mixing.effects.high_shelf import HighShelf
from organology.mixing.effects.low_shelf import LowShelf
from organology.mixing.effects.peaking import Peaking
from organology.mixing.effects.pitch_shift import PitchShift
from organology.mixing.effects.time_stretch import TimeStretch
from organology.mixing.registry import Registry, RegistryConfig

EFFECTS: Registry[Effect] = Registry("effect")
for _effect in (Gain, LowShelf, HighShelf, Peaking, PitchShift, TimeStretch):
    EFFECTS.register(_effect)


class EffectsConfig(RegistryConfig[Effect]):
    """The effects on each source, each with its own probability; order and parameters are random.

    The paper names the effects and no numbers. The probabilities are ours: 0.5 for the gain and 0.3 for the others.
    """

    registry = EFFECTS
