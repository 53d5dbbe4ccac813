"""Guitar and bass amplifiers: filters, an oversampled waveshaper, a loudspeaker in its cabinet."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy import fft  # type: ignore[import-untyped]

from organology.config import FORBID
from organology.labels import concept_tree
from organology.mixing.audibility import frame_powers, sounding_rms
from organology.mixing.channel.base import Player, Samples, SourceTransform, draw_peaks
from organology.mixing.ranges import Range, check_probability, check_range, log_uniform, uniform
from organology.mixing.registry import Parameters

Response = NDArray[np.complex64]
Shape = Literal["tanh", "diode"]

OVERSAMPLING = 2
RING_OUT = 4096
FRAME_SECONDS = 0.05
FRONT_LOW_PASS_HZ = 9000.0
DISTORTED_WORDS = ("distort", "overdriv", "fuzz", "crunch", "high gain", "power chord")


@dataclass(frozen=True)
class Amplifier(SourceTransform):
    """On sources that play an electric guitar or an electric bass and nothing else: an amplifier and its loudspeaker.

    Attributes
    ----------
    guitar_probability, bass_probability : float
        Of a source that plays an electric guitar (electric bass) and nothing else; a stem whose word says that it is
        distorted already is left alone.
    guitar_drive_db, bass_drive_db : (float, float)
        How far above the knee of the waveshaper the RMS of the source lies: at 0 it only colors, at 40 a note is a
        square wave as long as it rings.
    cabinet_hz : (float, float)
        Range of the upper edge of the loudspeaker.
    """

    __pydantic_config__ = FORBID
    name = "amp"
    guitar_probability: float = 0.0
    bass_probability: float = 0.0
    guitar_drive_db: Range = (0.0, 36.0)
    bass_drive_db: Range = (-6.0, 12.0)
    cabinet_hz: Range = (3500.0, 7000.0)

    def __post_init__(self) -> None:
        check_probability("amp.guitar_probability", self.guitar_probability)
        check_probability("amp.bass_probability", self.bass_probability)
        check_range("amp.guitar_drive_db", self.guitar_drive_db, -40, 80)
        check_range("amp.bass_drive_db", self.bass_drive_db, -40, 80)
        check_range("amp.cabinet_hz", self.cabinet_hz, 500, 15_000)

    @property
    def is_on(self) -> bool:
        """Whether it can be drawn."""
        return self.guitar_probability + self.bass_probability > 0

    def disabled(self) -> Self:
        """The same settings with both probabilities 0."""
        return dataclasses.replace(self, guitar_probability=0.0, bass_probability=0.0)

    def draw(self, rng: np.random.Generator, player: Player) -> Parameters | None:
        """Parameters of `amplify`; None for what is played through no amplifier, or through one already."""
        kind = amplifier_for(player)
        if not kind or rng.random() >= (self.guitar_probability if kind == "guitar" else self.bass_probability):
            return None
        guitar = kind == "guitar"
        return {
            "drive_db": uniform(rng, self.guitar_drive_db if guitar else self.bass_drive_db),
            "shape": str(rng.choice(["tanh", "diode"])),
            "bias": uniform(rng, (0.0, 0.4)),
            "tight_hz": log_uniform(rng, (70.0, 400.0) if guitar else (20.0, 50.0)),
            "mid_db": uniform(rng, (0.0, 9.0) if guitar else (0.0, 4.0)),
            "cabinet_hz": log_uniform(rng, self.cabinet_hz),
            "cabinet_low_hz": log_uniform(rng, (60.0, 110.0) if guitar else (25.0, 45.0)),
            "peaks": draw_peaks(rng, 4, (120.0, 4000.0), 6.0 if guitar else 4.0),
        }

    @staticmethod
    def apply(samples: Samples, sample_rate: int, **parameters: Any) -> Samples:
        """See `Transform.apply`."""
        return amplify(samples, sample_rate, **parameters)


def amplifier_for(player: Player) -> str:
    """The amplifier of a source: `guitar`, `bass`, or "" for none.

    A source that plays anything else beside has none, nor one whose word says that it is distorted already.
    """
    if any(word in player.word.lower().replace("_", " ") for word in DISTORTED_WORDS) or not player.instruments:
        return ""
    for amplifier, concept in (("guitar", "electric_guitar"), ("bass", "electric_bass")):
        if player.instruments <= concept_tree().below(concept):
            return amplifier
    return ""


def _low_pass(ratio: Response, q: float = 0.7071) -> Response:
    """Response of an analog low pass of second order; `ratio` = i f / f0."""
    return np.asarray(1 / (1 + ratio / np.float32(q) + ratio * ratio), dtype=np.complex64)


def _high_pass(ratio: Response, q: float = 0.7071) -> Response:
    square = ratio * ratio
    return np.asarray(square / (1 + ratio / np.float32(q) + square), dtype=np.complex64)


def _peak(ratio: Response, gain_db: float, q: float) -> Response:
    a = np.float32(10 ** (gain_db / 40))
    square = 1 + ratio * ratio
    return np.asarray((square + ratio * (a / np.float32(q))) / (square + ratio / (a * np.float32(q))), np.complex64)


def _shape(samples: Samples, shape: Shape, bias: float) -> Samples:
    """The waveshaper: slope 1 at 0, bounded; `bias` makes it uneven, so that even harmonics come out too."""
    moved = samples + np.float32(bias)
    if shape == "tanh":
        return np.asarray(np.tanh(moved) - np.tanh(np.float32(bias)), dtype=np.float32)
    # two diodes to ground, bounded by a logarithm's slow rise: rounder than tanh at first, never quite flat
    return np.asarray(np.arcsinh(moved) - np.arcsinh(np.float32(bias)), dtype=np.float32)


def amplify(
    samples: Samples,
    rate: int,
    *,
    drive_db: float,
    shape: Shape,
    bias: float,
    tight_hz: float,
    mid_db: float,
    cabinet_low_hz: float,
    cabinet_hz: float,
    peaks: Sequence[tuple[float, float, float]],
) -> Samples:
    """An instrument through an amplifier, at the level at which it came.

    High pass and mid boost before the waveshaper, as pedals and preamplifiers have them; after it the loudspeaker:
    24 dB an octave above, 12 below, with a few resonances. All filters are analog prototypes of minimum phase, taken
    in the frequency domain, so that nothing comes late. The waveshaper works at twice the sample rate.

    Parameters
    ----------
    samples : float32 array, shape (n,)
    rate : int
        In Hz.
    drive_db : float
        RMS of the source, where it sounds, above the waveshaper's knee.
    shape : {"tanh", "diode"}
    bias : float
        Unevenness, 0 to about 0.5.
    tight_hz : float
        High pass before the waveshaper.
    mid_db : float
        Boost at 800 Hz before it.
    cabinet_low_hz, cabinet_hz : float
        Edges of the loudspeaker.
    peaks : sequence of (float, float, float)
        Its resonances: Hz, dB, quality factor.

    Returns
    -------
    float32 array, shape (n,)
    """
    frame = round(FRAME_SECONDS * rate)
    before = sounding_rms(frame_powers(samples, frame))
    if before <= 0:
        return samples
    size = fft.next_fast_len(len(samples) + RING_OUT, real=True)
    size += size % 2
    spectrum = fft.rfft(samples, size)
    ihertz = (1j * np.linspace(0, rate / 2, len(spectrum))).astype(np.complex64)
    front = spectrum * _high_pass(ihertz / np.float32(tight_hz)) * _peak(ihertz / np.float32(800), mid_db, 0.7)
    front *= _low_pass(ihertz / np.float32(FRONT_LOW_PASS_HZ))
    wide = fft.irfft(front, OVERSAMPLING * size) * np.float32(OVERSAMPLING)
    loud = sounding_rms(frame_powers(wide[: OVERSAMPLING * len(samples)], OVERSAMPLING * frame))
    if loud <= 0:
        return samples
    shaped = fft.rfft(_shape(wide * np.float32(10 ** (drive_db / 20) / loud), shape, bias))[: len(spectrum)]
    edge = _low_pass(ihertz / np.float32(cabinet_hz), 0.54) * _low_pass(ihertz / np.float32(cabinet_hz), 1.31)
    shaped *= edge * _high_pass(ihertz / np.float32(cabinet_low_hz), 0.9)
    for hz, gain_db, q in peaks:
        shaped *= _peak(ihertz / np.float32(hz), gain_db, q)
    out = fft.irfft(shaped, size)[: len(samples)]
    after = sounding_rms(frame_powers(np.ascontiguousarray(out, dtype=np.float32), frame))
    return np.asarray(out * np.float32(before / max(after, 1e-9)), dtype=np.float32)
