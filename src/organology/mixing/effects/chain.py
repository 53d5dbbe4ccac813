"""Effects on sources: drawn from our generators, applied by audiomentations.

audiomentations draws from Python's and numpy's global generators. Here parameters are drawn with the plan of a
mixture and set on the transform, which is then frozen: its `apply` does the work, its `randomize_parameters` never
runs. The names of the parameters are audiomentations', and so are their distributions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.mixing.effects.config import EffectsConfig, FilterConfig

Samples = NDArray[np.float32]

METHOD = "signalsmith_stretch"
"""Of pitch shift and time stretch: as fast as audiomentations' other method, and of better quality."""


@dataclass(frozen=True)
class Effect:
    """One effect: the name of its setting in `EffectsConfig`, and the parameters that audiomentations gives it."""

    name: str
    parameters: dict[str, float]


def _uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(rng.uniform(*bounds))


def _draw_filter(rng: np.random.Generator, config: FilterConfig) -> dict[str, float]:
    low, high = (2595 * math.log10(1 + hz / 700) for hz in config.center_hz)
    return {
        "center_freq": float(700 * (10 ** (rng.uniform(low, high) / 2595) - 1)),
        "gain_db": _uniform(rng, config.gain_db),
        "q_factor": _uniform(rng, config.q),
    }


_DRAW: dict[str, Callable[[np.random.Generator, Any], dict[str, float]]] = {
    "gain": lambda rng, c: {"amplitude_ratio": 10 ** (_uniform(rng, c.gain_db) / 20)},
    "low_shelf": _draw_filter,
    "high_shelf": _draw_filter,
    "peaking": _draw_filter,
    "pitch_shift": lambda rng, c: {"num_semitones": _uniform(rng, c.semitones)},
    "time_stretch": lambda rng, c: {"rate": _uniform(rng, c.rate)},
}
NAMES = tuple(_DRAW)
CHANGE_PITCH_OR_TIME = ("pitch_shift", "time_stretch")


def draw_effects(rng: np.random.Generator, config: EffectsConfig, keep_time: bool) -> tuple[Effect, ...]:
    """Draw the effects of one source, in random order.

    Parameters
    ----------
    rng : numpy.random.Generator
    config : EffectsConfig
    keep_time : bool
        Leave out pitch shift and time stretch, as in musical mixtures.
    """
    drawn = []
    for place in rng.permutation(len(NAMES)):
        name = NAMES[place]
        settings = getattr(config, name)
        applies = rng.random() < settings.probability
        if applies and not (keep_time and name in CHANGE_PITCH_OR_TIME):
            drawn.append(Effect(name, _DRAW[name](rng, settings)))
    return tuple(drawn)


def split_effects(effects: tuple[Effect, ...]) -> tuple[tuple[Effect, ...], tuple[Effect, ...]]:
    """Pitch shift and time stretch, and the other effects; both in their order."""
    changes = tuple(effect for effect in effects if effect.name in CHANGE_PITCH_OR_TIME)
    return changes, tuple(effect for effect in effects if effect.name not in CHANGE_PITCH_OR_TIME)


def _parameter(effects: tuple[Effect, ...], name: str, parameter: str) -> float | None:
    return next((effect.parameters[parameter] for effect in effects if effect.name == name), None)


def input_frames(effects: tuple[Effect, ...], frames: int) -> int:
    """So many frames have to go into `effects` for `frames` to come out."""
    rate = _parameter(effects, "time_stretch", "rate")
    return frames if rate is None else math.ceil(frames * rate) + 1


def apply_effects(samples: Samples, effects: tuple[Effect, ...], sample_rate: int) -> Samples:
    """Apply effects in their order.

    Where a pitch shift and a time stretch are both there, one pass of the stretcher does both, at the place of the
    pitch shift: this halves the cost, and as a stretch leaves frequencies where they are, its place among gain and
    filters makes no difference.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    effects : tuple of Effect
    sample_rate : int
        In Hz.

    Returns
    -------
    float32 array, shape (n,), or near n / rate if stretched in time; the argument is left as it is
    """
    semitones = _parameter(effects, "pitch_shift", "num_semitones")
    rate = _parameter(effects, "time_stretch", "rate")
    both = semitones is not None and rate is not None
    for effect in effects:
        if both and effect.name == "pitch_shift":
            assert semitones is not None and rate is not None
            samples = _shift_and_stretch(samples, semitones, rate, sample_rate)
        elif not (both and effect.name == "time_stretch"):
            samples = _transform(effect)(samples, sample_rate)
    return samples


def _transform(effect: Effect) -> Callable[[Samples, int], Samples]:
    """The audiomentations transform with the parameters of `effect`, frozen."""
    import audiomentations

    transform: Any
    match effect.name:
        case "gain":
            transform = audiomentations.Gain(p=1.0)
        case "low_shelf":
            transform = audiomentations.LowShelfFilter(p=1.0)
        case "high_shelf":
            transform = audiomentations.HighShelfFilter(p=1.0)
        case "peaking":
            transform = audiomentations.PeakingFilter(p=1.0)
        case "pitch_shift":
            transform = audiomentations.PitchShift(method=METHOD, p=1.0)
        case "time_stretch":
            transform = audiomentations.TimeStretch(leave_length_unchanged=False, method=METHOD, p=1.0)
        case _:
            raise ValueError(f"not an effect: {effect.name!r}; the effects are {', '.join(NAMES)}")
    transform.parameters = {"should_apply": True, **effect.parameters}
    transform.freeze_parameters()
    return transform  # type: ignore[no-any-return]


def _shift_and_stretch(samples: Samples, semitones: float, rate: float, sample_rate: int) -> Samples:
    """What audiomentations' PitchShift and TimeStretch do with the same stretcher, in one pass."""
    import python_stretch

    stretch: Any = python_stretch.Signalsmith.Stretch()
    stretch.preset(1, sample_rate)
    stretch.setTransposeSemitones(semitones)
    stretch.setTimeFactor(rate)
    return np.asarray(stretch.process(samples[np.newaxis, :])[0], dtype=np.float32)
