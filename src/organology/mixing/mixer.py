"""Adding up: a plan becomes audio and labels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelArray
from organology.mixing.audibility import Audibility, Powers, frame_powers, judge, mixture_labels, sounding_rms
from organology.mixing.cache import Cache
from organology.mixing.channel.chain import apply_transforms, needs_sources
from organology.mixing.config import MixingConfig
from organology.mixing.draw import MixturePlan, SourcePlan, Strategy, draw
from organology.mixing.effects.chain import apply_effects, split_effects
from organology.mixing.pool import StemPool
from organology.mixing.reading import ChunkReader
from organology.mixing.registry import Applied

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
    effects : tuple of Applied
        In the order in which they were applied.
    level_gain_db : float
        Of `level: rms`, applied before the effects; 0 with `as_is`.
    audibility : {"audible", "uncertain", "inaudible"} or None
        None where labels do not depend on it.
    transforms : tuple of Applied
        After the effects.
    """

    corpus: str
    song: str
    stem: str
    word: str
    kind: str
    start: int
    frames: int
    effects: tuple[Applied, ...]
    level_gain_db: float
    audibility: Audibility | None
    transforms: tuple[Applied, ...] = ()


@dataclass(frozen=True, eq=False)
class Mixture:
    """A labelled mixture.

    Attributes
    ----------
    audio : float32 array, shape (chunk_frames,)
    labels : int8 array, shape (n_labels,)
        1 present, 0 absent, -1 unknown.
    strategy : {"musical", "non-musical"}
    sources : tuple of MixedSource
    songs : tuple of str
        `corpus/song` of each, once, in the order of the sources.
    gain_db : float
        Of the guard against peaks, before and after `channel`: 0, or below it.
    seed, index : int
    channel : tuple of Applied
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
    channel: tuple[Applied, ...] = ()


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
            raise ValueError(f"seed must be 0 or more, got {seed}")
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
        total = np.zeros(config.chunk_frames, dtype=np.float32)
        first = [one for one in plan.channel.mixture if needs_sources(one)]
        powers, gains, kept = [], [], []
        for number, source in enumerate(plan.sources):
            samples, gain_db = self._source(source)
            samples = apply_transforms(samples, plan.channel.of_source(number), config.sample_rate)
            powers.append(frame_powers(samples, config.frame))
            gains.append(gain_db)
            total += samples
            if first:
                kept.append(samples)
        audibility, labels = self._judge(plan, powers, total)
        total = apply_transforms(total, first, config.sample_rate, kept)
        gain_db = self._guard(total)
        then = [one for one in plan.channel.mixture if not needs_sources(one)]
        if then:
            total = apply_transforms(total, then, config.sample_rate)
            gain_db += self._guard(total)
        sources = tuple(
            self._describe(source, gains[number], audibility[number], plan.channel.of_source(number))
            for number, source in enumerate(plan.sources)
        )
        songs = tuple(dict.fromkeys(f"{source.corpus}/{source.song}" for source in sources))
        return Mixture(
            total, labels, plan.strategy, sources, songs, gain_db, plan.seed, plan.index, plan.channel.mixture
        )

    def _judge(
        self, plan: MixturePlan, powers: list[Powers], total: NDArray[np.float32]
    ) -> tuple[Sequence[Audibility | None], LabelArray]:
        """Audibility of each source, and the labels of the mixture."""
        config = self.config
        labels = self.pool.labels[[source.stem for source in plan.sources]]
        if config.audibility is None:
            return [None] * len(plan.sources), self.pool.label_set.union(labels)
        mixture = frame_powers(total, config.frame)
        seconds = config.frame / config.sample_rate
        found = [judge(power, mixture, seconds, config.audibility) for power in powers]
        return found, mixture_labels(labels, found, self.pool.label_set)

    def _source(self, source: SourcePlan) -> tuple[NDArray[np.float32], float]:
        """A source after level and effects, shape (chunk_frames,), and the gain of its level in dB."""
        stretched, rest = split_effects(source.effects) if source.variant is not None else ((), source.effects)
        samples = self._variant(source, stretched) if stretched else self._read(source)
        gain_db = 0.0
        if source.level_offset_db is not None:
            rms = sounding_rms(frame_powers(samples, self.config.frame))
            if rms > 0:
                wanted = self.config.level_rms_db + source.level_offset_db
                gain_db = min(wanted - 20 * float(np.log10(rms)), MAX_LEVEL_GAIN_DB)
                samples = samples * np.float32(10 ** (gain_db / 20))
        return self._fit(apply_effects(samples, rest, self.config.sample_rate)), gain_db

    def _read(self, source: SourcePlan) -> NDArray[np.float32]:
        return self._reader.read(self.pool.stems[source.stem].path, source.start, source.frames)

    def _variant(self, source: SourcePlan, effects: tuple[Applied, ...]) -> NDArray[np.float32]:
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
        self, source: SourcePlan, gain_db: float, audibility: Audibility | None, transforms: tuple[Applied, ...]
    ) -> MixedSource:
        stem = self.pool.stems[source.stem]
        return MixedSource(
            stem.corpus, stem.song, stem.stem, stem.word, stem.kind,
            source.start, source.frames, source.effects, gain_db, audibility, transforms,
        )  # fmt: skip
