"""The effects of one source: drawn in random order, and applied in it."""

from __future__ import annotations

from organology.mixing.effects.base import Samples
from organology.mixing.effects.registered import EFFECTS, EffectsConfig
from organology.mixing.effects.stretcher import shift_and_stretch
from organology.mixing.registry import Applied
from organology.mixing.seeds import Seed


def draw_effects(seed: Seed, config: EffectsConfig, keep_time: bool) -> tuple[Applied, ...]:
    """Draw the effects of one source, in random order.

    Every effect draws from a generator of its own name: first whether it is applied, then its place among the others
    (effects are applied in the order of these numbers), then its parameters. So a new one changes nothing of the rest.

    Parameters
    ----------
    seed : Seed
        Of the source's effects.
    config : EffectsConfig
    keep_time : bool
        Leave out effects that change pitch or time, as in musical mixtures.
    """
    drawn = []
    for name, effect in config.items():
        if not effect.is_on or (keep_time and effect.changes_pitch_or_time):
            continue
        rng = seed.child(name).generator()
        applies, place = rng.random(2)
        if applies < effect.probability:
            drawn.append((place, Applied(name, effect.draw(rng))))
    return tuple(applied for _, applied in sorted(drawn, key=lambda each: each[0]))


def split_effects(effects: tuple[Applied, ...]) -> tuple[tuple[Applied, ...], tuple[Applied, ...]]:
    """Effects that change pitch or time, and the others; both in their order."""
    changes = tuple(effect for effect in effects if EFFECTS[effect.name].changes_pitch_or_time)
    return changes, tuple(effect for effect in effects if not EFFECTS[effect.name].changes_pitch_or_time)


def input_frames(effects: tuple[Applied, ...], frames: int) -> int:
    """So many frames have to go into `effects` for `frames` to come out."""
    for effect in reversed(effects):
        frames = EFFECTS[effect.name].input_frames(frames, **effect.parameters)
    return frames


def apply_effects(samples: Samples, effects: tuple[Applied, ...], sample_rate: int) -> Samples:
    """Apply effects in their order.

    Where a pitch shift and a time stretch are both there, one pass of the stretcher does both, at the place of the
    pitch shift: this halves the cost, and as a stretch leaves frequencies where they are, its place among gain and
    filters makes no difference.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    effects : tuple of Applied
    sample_rate : int
        In Hz.

    Returns
    -------
    float32 array, shape (n,), or near n / rate if stretched in time; the argument is left as it is
    """
    parameters = {effect.name: effect.parameters for effect in effects}
    both = {"pitch_shift", "time_stretch"} <= parameters.keys()
    for effect in effects:
        if both and effect.name == "pitch_shift":
            semitones, rate = effect.parameters["num_semitones"], parameters["time_stretch"]["rate"]
            samples = shift_and_stretch(samples, semitones, rate, sample_rate)
        elif not (both and effect.name == "time_stretch"):
            samples = EFFECTS[effect.name].apply(samples, sample_rate, **effect.parameters)
    return samples
