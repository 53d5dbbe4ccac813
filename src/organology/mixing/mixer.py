"""Adding up: a plan becomes audio and labels."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.mixing.audibility import Audibility, frame_powers, judge, mixture_labels, sounding_rms
from organology.mixing.cache import Cache
from organology.mixing.channel.channel import Treatment, apply_amp, apply_world, room_of
from organology.mixing.config import MixingConfig
from organology.mixing.draw import MixturePlan, SourcePlan, Strategy, draw
from organology.mixing.effects.chain import Effect, apply_effects, split_effects
from organology.mixing.pool import StemPool
from organology.mixing.reading import ChunkReader
from organology.taxonomy import LabelArray

log = logging.getLogger(__name__)

MAX_LEVEL_GAIN_DB = 40.0
"""With `level: rms` a source is raised by no more than this, so that noise in a rest does not become a source."""


@dataclass(frozen=True)
class MixedSource:
    """A source as it went into a mixture.

    Attributes
    ----------
    corpus, song, stem, word, kind : str
        As in `stems.parquet`.
    start, frames : int
        Frames of the stem that were read; `start` is below 0 where silence precedes it.
    effects : tuple of Effect
        In the order in which they were applied.
    level_gain_db : float
        Of `level: rms`, applied before the effects; 0 with `as_is`.
    audibility : {"audible", "uncertain", "inaudible"}
    amp : Treatment or None
        Its amplifier, after the effects.
    """

    corpus: str
    song: str
    stem: str
    word: str
    kind: str
    start: int
    frames: int
    effects: tuple[Effect, ...]
    level_gain_db: float
    audibility: Audibility
    amp: Treatment | None = None


@dataclass(frozen=True, eq=False)
class Mixture:
    """A labelled mixture.

    Attributes
    ----------
    audio : float32 array, shape (chunk_frames,)
    labels : int8 array, shape (15,)
        1 present, 0 absent, -1 unknown.
    strategy : {"musical", "non-musical"}
    sources : tuple of MixedSource
    songs : tuple of str
        `corpus/song` of each, once, in the order of the sources.
    gain_db : float
        Of the guard against peaks, before and after `world`: 0, or below it.
    seed, index : int
    world : tuple of Treatment
        What happened to the mixture after its labels were set, in order.
    """

    audio: NDArray[np.float32]
    labels: LabelArray
    strategy: Strategy
    sources: tuple[MixedSource, ...]
    songs: tuple[str, ...]
    gain_db: float
    seed: int
    index: int
    world: tuple[Treatment, ...] = ()


class Mixer:
    """Makes mixture after mixture; the same one for the same pool, configuration, seed and index.

    Picklable, and opens files when they are first read: hand it to as many worker processes as you like. Each process
    or thread needs one of its own.

    Parameters
    ----------
    pool : StemPool
    config : MixingConfig
    seed : int
        0 or more.

    Examples
    --------
    >>> config = MixingConfig()                                                    # doctest: +SKIP
    >>> pool = StemPool.load([Path("prepared/medleydb")], "train", config)         # doctest: +SKIP
    >>> mixture = Mixer(pool, config, seed=0).mix(17)                              # doctest: +SKIP
    >>> mixture.audio.shape, mixture.labels.shape                                  # doctest: +SKIP
    ((128000,), (15,))
    """

    def __init__(self, pool: StemPool, config: MixingConfig, seed: int = 0) -> None:
        if seed < 0:
            raise ValueError(f"seed has to be 0 or more, not {seed}")
        self.pool, self.config, self.seed = pool, config, seed
        self._cache = Cache(config.cache_megabytes * 2**20)
        self._reader = ChunkReader(config.sample_rate, cache=self._cache)
        if config.p_musical > 0 and not pool.musical:
            log.warning("no song with stems that share a time line: all mixtures are non-musical")

    def plan(self, index: int) -> MixturePlan:
        """Draw what goes into mixture number `index` (0 or more); no audio is read."""
        return draw(self.pool, self.config, self.seed, index)

    def mix(self, index: int) -> Mixture:
        """Make mixture number `index` (0 or more).

        Raises
        ------
        AudioError
            If a stem cannot be read.
        """
        return self.render(self.plan(index))

    def render(self, plan: MixturePlan) -> Mixture:
        """Make the mixture that a plan of this pool says."""
        config = self.config
        frame = round(config.audibility.frame_seconds * config.sample_rate)
        total = np.zeros(config.chunk_frames, dtype=np.float32)
        powers, gains = [], []
        amps = plan.world.amps or (None,) * len(plan.sources)
        room = room_of(plan.world, config.chunk_frames, config.sample_rate)
        for source, amp in zip(plan.sources, amps, strict=True):
            samples, gain_db = self._source(source, frame)
            samples = apply_amp(samples, amp, config.sample_rate)
            powers.append(frame_powers(samples, frame))
            gains.append(gain_db)
            total += samples
            if room is not None:
                room.add(samples)
        mixture_power = frame_powers(total, frame)
        heard = [judge(power, mixture_power, frame / config.sample_rate, config.audibility) for power in powers]
        labels = mixture_labels(self.pool.labels[[source.stem for source in plan.sources]], heard)
        if room is not None:
            total += room.reverberation()
        gain_db = self._guard(total)
        if plan.world.treatments:
            total = apply_world(total, plan.world, config.sample_rate)
            gain_db += self._guard(total)
        sources = tuple(map(self._describe, plan.sources, gains, heard, amps))
        songs = tuple(dict.fromkeys(f"{source.corpus}/{source.song}" for source in sources))
        return Mixture(
            total, labels, plan.strategy, sources, songs, gain_db, plan.seed, plan.index, plan.world.treatments
        )

    def _source(self, source: SourcePlan, frame: int) -> tuple[NDArray[np.float32], float]:
        """A source after level and effects, shape (chunk_frames,), and the gain of its level in dB."""
        stretched, rest = split_effects(source.effects) if source.variant is not None else ((), source.effects)
        samples = self._variant(source, stretched) if stretched else self._read(source)
        gain_db = 0.0
        if source.level_offset_db is not None:
            rms = sounding_rms(frame_powers(samples, frame))
            if rms > 0:
                wanted = self.config.level_rms_db + source.level_offset_db
                gain_db = min(wanted - 20 * float(np.log10(rms)), MAX_LEVEL_GAIN_DB)
                samples = samples * np.float32(10 ** (gain_db / 20))
        return self._fit(apply_effects(samples, rest, self.config.sample_rate)), gain_db

    def _read(self, source: SourcePlan) -> NDArray[np.float32]:
        return self._reader.read(self.pool.stems[source.stem].path, source.start, source.frames)

    def _variant(self, source: SourcePlan, effects: tuple[Effect, ...]) -> NDArray[np.float32]:
        """The shifted or stretched chunk that `source.variant` stands for, shape (chunk_frames,); not to be changed."""
        key = (self.seed, source.stem, source.variant)
        kept = self._cache.get(key)
        if kept is not None:
            return kept
        samples = self._fit(apply_effects(self._read(source), effects, self.config.sample_rate)).copy()
        self._cache.keep(key, samples)
        return samples

    def _fit(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut to the chunk, or filled up with silence."""
        missing = self.config.chunk_frames - len(samples)
        return np.pad(samples, (0, missing)) if missing > 0 else samples[: self.config.chunk_frames]

    def _guard(self, total: NDArray[np.float32]) -> float:
        """Scale `total` in place so that it does not peak above `peak`; the gain in dB."""
        if self.config.peak is None:
            return 0.0
        peak = max(float(total.max()), -float(total.min()))
        if peak <= self.config.peak:
            return 0.0
        total *= np.float32(self.config.peak / peak)
        np.clip(total, -self.config.peak, self.config.peak, out=total)
        return 20 * float(np.log10(self.config.peak / peak))

    def _describe(
        self, source: SourcePlan, gain_db: float, audibility: Audibility, amp: Treatment | None
    ) -> MixedSource:
        stem: Any = self.pool.stems[source.stem]
        return MixedSource(
            stem.corpus, stem.song, stem.stem, stem.word, stem.kind,
            source.start, source.frames, source.effects, gain_db, audibility, amp,
        )  # fmt: skip
