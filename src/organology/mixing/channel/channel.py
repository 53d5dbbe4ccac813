"""What happens to music on its way to a listener: drawn with the plan of a mixture, applied when it is made.

Amplifiers act on sources before they are added up; a room, mastering, microphone, noise, narrow channels, loudness and
codecs on the mixture once its labels are set, in the order of `MIXTURE`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from organology.mixing.effects.config import Range

Samples = NDArray[np.float32]
Parameters = dict[str, Any]

MIXTURE = ("room", "equalizer", "compressor", "saturation", "microphone", "noise", "band", "loudness", "codec")
GROUPS = tuple(field.name for field in fields(WorldConfig))
DISTORTED_WORDS = ("distort", "overdriv", "fuzz", "crunch", "high gain", "power chord")


@dataclass(frozen=True)
class Treatment:
    """One treatment: the name of its setting in `WorldConfig`, and plain values that say all that was drawn."""

    name: str
    parameters: Parameters


@dataclass(frozen=True)
class World:
    """What was drawn for a mixture: per source its amplifier or None, and the treatments of the whole in order."""

    amps: tuple[Treatment | None, ...] = ()
    treatments: tuple[Treatment, ...] = ()


def _even(rng: np.random.Generator, bounds: Range) -> float:
    return float(rng.uniform(*bounds))


def _octaves(rng: np.random.Generator, bounds: Range) -> float:
    """Drawn evenly in the logarithm."""
    return float(math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1]))))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))


def _peaks(rng: np.random.Generator, count: int, hz: Range, gain_db: float) -> list[list[float]]:
    return [[_octaves(rng, hz), _even(rng, (-gain_db, gain_db)), _even(rng, (0.7, 4.0))] for _ in range(count)]


def _room(rng: np.random.Generator, c: RoomConfig, sources: int) -> Parameters:
    rt60 = _octaves(rng, c.rt60_seconds)
    ratio = _even(rng, c.direct_to_reverb_db)
    return {
        "rt60_seconds": rt60,
        "slope": _even(rng, (0.0, 0.4)),
        "predelay_ms": _even(rng, (2.0, 10.0 + 30.0 * min(rt60, 1.0))),
        "direct_to_reverb_db": [ratio + float(rng.uniform(-1, 1)) * c.spread_db for _ in range(sources)],
        "seed": _seed(rng),
    }


def _equalizer(rng: np.random.Generator, c: EqualizerConfig, _: int) -> Parameters:
    return {
        "low_hz": _octaves(rng, c.low_hz), "low_db": _even(rng, c.gain_db),
        "high_hz": _octaves(rng, c.high_hz), "high_db": _even(rng, c.gain_db),
    }  # fmt: skip


def _compressor(rng: np.random.Generator, c: CompressorConfig, _: int) -> Parameters:
    return {
        "threshold_db": _even(rng, c.threshold_db), "ratio": _octaves(rng, c.ratio),
        "attack_ms": _octaves(rng, c.attack_ms), "release_ms": _octaves(rng, c.release_ms),
    }  # fmt: skip


def _saturation(rng: np.random.Generator, c: SaturationConfig, _: int) -> Parameters:
    return {"drive_db": _even(rng, c.drive_db), "hardness": float(rng.random())}


def _microphone(rng: np.random.Generator, c: MicrophoneConfig, _: int) -> Parameters:
    low, high = _octaves(rng, c.low_hz), _octaves(rng, c.high_hz)
    return {"low_hz": low, "high_hz": high, "peaks": _peaks(rng, 3, (2 * low, high), c.ripple_db)}


def _noise(rng: np.random.Generator, c: NoiseConfig, _: int) -> Parameters:
    kind = c.kinds[int(rng.integers(len(c.kinds)))]
    drawn = {"kind": kind, "snr_db": _even(rng, c.snr_db), "seed": _seed(rng)}
    match kind:
        case "hiss":
            low, high = _octaves(rng, (20.0, 500.0)), _octaves(rng, (3000.0, 16_000.0))
            return drawn | {"color": _even(rng, (0.0, 2.0)), "low_hz": low, "high_hz": high}
        case "hum":
            return drawn | {"mains_hz": float(rng.choice([50.0, 60.0])) * _even(rng, (0.998, 1.002))}
        case _:
            return drawn | {"clicks_per_second": _octaves(rng, (0.5, 40.0))}


def _band(rng: np.random.Generator, c: BandConfig, _: int) -> Parameters:
    kind = c.kinds[int(rng.integers(len(c.kinds)))]
    hz = c.rates[int(rng.integers(len(c.rates)))]
    return {"kind": kind, "hz": hz} if kind == "resample" else {"kind": kind}


def _loudness(rng: np.random.Generator, c: LoudnessConfig, _: int) -> Parameters:
    return {"lufs": _even(rng, c.lufs)}


def _codec(rng: np.random.Generator, c: CodecConfig, _: int) -> Parameters:
    return {"codec": c.formats[int(rng.integers(len(c.formats)))], "kbps": _octaves(rng, c.kbps)}


_DRAW: dict[str, Callable[[np.random.Generator, Any, int], Parameters]] = {
    "room": _room, "equalizer": _equalizer, "compressor": _compressor, "saturation": _saturation,
    "microphone": _microphone, "noise": _noise, "band": _band, "loudness": _loudness, "codec": _codec,
}  # fmt: skip


def draw_world(rng: np.random.Generator, config: WorldConfig, instruments: Sequence[str]) -> World:
    """Draw the treatments of a mixture.

    Parameters
    ----------
    rng : numpy.random.Generator
        Each setting draws from one spawned from it, so that none disturbs the others.
    config : WorldConfig
    instruments : sequence of str
        What each source has an amplifier for: `guitar`, `bass`, or ``""``; see `amplified`.
    """
    generators = dict(zip(GROUPS, rng.spawn(len(GROUPS)), strict=True))
    treatments = []
    for name in MIXTURE:
        settings = getattr(config, name)
        if settings.probability and generators[name].random() < settings.probability:
            treatments.append(Treatment(name, _DRAW[name](generators[name], settings, len(instruments))))
    per_source = generators["amp"].spawn(len(instruments))
    amps = [_amp(g, config.amp, instrument) for g, instrument in zip(per_source, instruments, strict=True)]
    return World(tuple(amps), tuple(treatments))


def amplified(instruments: set[str], word: str) -> str:
    """The amplifier for a source: `guitar`, `bass`, or "" for none.

    Parameters
    ----------
    instruments : set of str
        The labels that the source has, families left out.
    word : str
        What its corpus calls it; a word that says "distorted" has an amplifier already.
    """
    if any(said in word.lower().replace("_", " ") for said in DISTORTED_WORDS):
        return ""
    if len(instruments) != 1:
        return ""
    return {"electric_guitar": "guitar", "electric_bass": "bass"}.get(next(iter(instruments)), "")


def _amp(rng: np.random.Generator, c: AmpConfig, instrument: str) -> Treatment | None:
    if not instrument or rng.random() >= (c.guitar_probability if instrument == "guitar" else c.bass_probability):
        return None
    guitar = instrument == "guitar"
    parameters = {
        "drive_db": _even(rng, c.guitar_drive_db if guitar else c.bass_drive_db),
        "shape": str(rng.choice(["tanh", "diode"])),
        "bias": _even(rng, (0.0, 0.4)),
        "tight_hz": _octaves(rng, (70.0, 400.0) if guitar else (20.0, 50.0)),
        "mid_db": _even(rng, (0.0, 9.0) if guitar else (0.0, 4.0)),
        "cabinet_hz": _octaves(rng, c.cabinet_hz),
        "cabinet_low_hz": _octaves(rng, (60.0, 110.0) if guitar else (25.0, 45.0)),
        "peaks": _peaks(rng, 4, (120.0, 4000.0), 6.0 if guitar else 4.0),
    }
    return Treatment("amp", parameters)


def apply_amp(samples: Samples, amp: Treatment | None, rate: int) -> Samples:
    """A source after its amplifier, if it has one: float32, shape (n,)."""
    if amp is None:
        return samples
    from organology.mixing.channel.amplifier import amplify

    return amplify(samples, rate, **amp.parameters)


def room_of(world: World, frames: int, rate: int) -> Any:
    """The `world_room.Room` of a mixture of `frames` samples, or None."""
    drawn = next((t.parameters for t in world.treatments if t.name == "room"), None)
    if drawn is None:
        return None
    from organology.mixing.channel.room import Room

    return Room(frames, rate, **drawn)


def apply_world(samples: Samples, world: World, rate: int) -> Samples:
    """A mixture after its treatments but for the room, which the mixer adds.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    world : World
    rate : int
        In Hz.

    Returns
    -------
    float32 array, shape (n,)
    """
    for treatment in world.treatments:
        if treatment.name != "room":
            samples = _apply(samples, treatment, rate)
    return samples


def _apply(samples: Samples, treatment: Treatment, rate: int) -> Samples:
    from organology.mixing.channel import codec, dynamics, filters, noise

    parameters = treatment.parameters
    match treatment.name:
        case "equalizer":
            return filters.equalize(samples, rate, **parameters)
        case "compressor":
            return dynamics.compress(samples, rate, **parameters)
        case "saturation":
            return dynamics.saturate(samples, **parameters)
        case "microphone":
            return filters.microphone(samples, rate, **parameters)
        case "noise":
            return noise.add_noise(samples, rate, **parameters)
        case "band":
            return filters.narrow(samples, rate, **parameters)
        case "loudness":
            return dynamics.to_loudness(samples, rate, **parameters)
        case "codec":
            return codec.round_trip(samples, rate, **parameters)
    raise ValueError(f"not a treatment: {treatment.name!r}; they are {', '.join(MIXTURE)}")
