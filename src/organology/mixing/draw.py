"""Drawing: what goes into mixture `i`. Numbers only; no audio is read.

The order of the draws is the paper's: strategy, number of sources, corpus, song, source, position, effects. Where its
data could always do both strategies, here a corpus may have no song whose stems belong together. So the strategy is
drawn before the corpus: `p_musical` stays what it is set to, and a corpus is then drawn among those that can do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from organology.mixing.channel.channel import World, amplified, draw_world
from organology.mixing.config import MixingConfig
from organology.mixing.effects.chain import Effect, draw_effects, input_frames, split_effects
from organology.mixing.pool import Indices, SongSet, StemPool, Weights
from organology.mixing.position import draw_start, sounding_frames
from organology.taxonomy import INSTRUMENTS, LABELS, PRESENT

Strategy = Literal["musical", "non-musical"]


@dataclass(frozen=True)
class SourcePlan:
    """One source of a mixture.

    Attributes
    ----------
    stem : int
        Its number in the pool.
    start : int
        First frame to read. It is below 0 where a stem shorter than the chunk is preceded by silence.
    frames : int
        So many frames are read; more or fewer than the chunk has where the source is stretched in time.
    effects : tuple of Effect
        In the order in which they are applied.
    level_offset_db : float or None
        With `level: rms`, the offset from the common level.
    variant : int or None
        With `stretch_variants`, the number of the stem's shifted or stretched chunk; None for any other source.
    """

    stem: int
    start: int
    frames: int
    effects: tuple[Effect, ...]
    level_offset_db: float | None
    variant: int | None = None


@dataclass(frozen=True)
class MixturePlan:
    """What goes into mixture number `index` of seed `seed`, and what happens to it then."""

    seed: int
    index: int
    strategy: Strategy
    sources: tuple[SourcePlan, ...]
    world: World = field(default_factory=World)


def draw(pool: StemPool, config: MixingConfig, seed: int, index: int) -> MixturePlan:
    """Draw mixture number `index` of `seed`.

    All chance comes from `numpy.random.default_rng([seed, index])`; every source has a generator spawned from it.

    A mixture takes what is there: a song with fewer stems than the number drawn gives all of them, a corpus with
    fewer songs one source of each. A pool without a song whose stems belong together gives non-musical mixtures only.
    """
    rng = np.random.default_rng([seed, index])
    musical = bool(rng.random() < config.p_musical) and bool(pool.musical)
    count = draw_count(rng, config)
    stems = _draw_musical(pool, rng, count) if musical else _draw_non_musical(pool, config, rng, count)
    generators = rng.spawn(len(stems))
    if musical:
        effects = [draw_effects(g, config.effects, keep_time=True) for g in generators]
        start = _musical_start(pool, generators[0], stems, config)
        sources = [
            SourcePlan(stem, start, config.chunk_frames, e, None) for stem, e in zip(stems, effects, strict=True)
        ]
    else:
        sources = [_place(pool, config, g, stem, seed) for g, stem in zip(generators, stems, strict=True)]
    if config.level == "rms":  # drawn last, so that the other draws are the same with any level
        offsets = [float(g.uniform(*config.level_offset_db)) for g in generators]
        sources = [replace(s, level_offset_db=offset) for s, offset in zip(sources, offsets, strict=True)]
    world = World()
    if config.world.is_on:  # from a generator spawned last, so that the other draws are the same with and without
        world = draw_world(rng.spawn(1)[0], config.world, [_amplified(pool, stem) for stem in stems])
    return MixturePlan(seed, index, "musical" if musical else "non-musical", tuple(sources), world)


def _amplified(pool: StemPool, stem: int) -> str:
    instruments = {name for name in INSTRUMENTS if pool.labels[stem, LABELS.index(name)] == PRESENT}
    return amplified(instruments, pool.stems[stem].word)


def draw_count(rng: np.random.Generator, config: MixingConfig) -> int:
    """Number of sources: 1 with `p_single_source`, else evenly from `sources_min` to `sources_max`."""
    if rng.random() < config.p_single_source:
        return 1
    return int(rng.integers(config.sources_min, config.sources_max + 1))


def _weighted(rng: np.random.Generator, items: NDArray[np.int64], weights: Weights) -> int:
    """One of `items`, with probabilities in proportion to `weights`."""
    edges = np.cumsum(weights)
    return int(items[min(int(np.searchsorted(edges, rng.random() * edges[-1], side="right")), len(items) - 1)])


def _draw_corpus(pool: StemPool, rng: np.random.Generator, sets: dict[str, SongSet]) -> SongSet:
    names = list(sets)
    weights = np.array([pool.corpus_weights[name] for name in names])
    return sets[names[_weighted(rng, np.arange(len(names)), weights)]]


def _draw_musical(pool: StemPool, rng: np.random.Generator, count: int) -> list[int]:
    """Different stems of one song. A single source may come from any song, several only from an aligned one."""
    songs = _draw_corpus(pool, rng, pool.everything if count == 1 else pool.musical)
    song = pool.songs[_weighted(rng, songs.songs, songs.weights)]
    chosen: list[int] = []
    weights = song.weights.copy()
    for _ in range(min(count, len(song.stems))):
        place = _weighted(rng, np.arange(len(weights)), weights)
        weights[place] = 0
        chosen.append(int(song.stems[place]))
    return chosen


def _draw_non_musical(pool: StemPool, config: MixingConfig, rng: np.random.Generator, count: int) -> list[int]:
    """Stems of as many different songs."""
    corpus = _draw_corpus(pool, rng, pool.everything)
    chosen: list[int] = []
    used: set[int] = set()
    for _ in range(count):
        if config.corpus_per == "source" and chosen:
            left = {name: s for name, s in pool.everything.items() if not used.issuperset(s.songs.tolist())}
            if not left:
                break
            corpus = _draw_corpus(pool, rng, left)
        drawn = _draw_source(pool, config, rng, corpus, used)
        if drawn is None:
            break
        used.add(drawn[0])
        chosen.append(drawn[1])
    return chosen


def _draw_source(
    pool: StemPool, config: MixingConfig, rng: np.random.Generator, corpus: SongSet, used: set[int]
) -> tuple[int, int] | None:
    """A song that is not in `used`, and a stem of it; None if no song is left."""
    label = None
    songs, weights = _unused(corpus.songs, corpus.weights, used)
    if config.balance == "labels" and corpus.by_label:
        labels = [k for k, (of_label, _) in corpus.by_label.items() if not used.issuperset(of_label.tolist())]
        if labels:
            label = labels[int(rng.integers(len(labels)))]
            songs, weights = _unused(*corpus.by_label[label], used)
    if not len(songs):
        return None
    number = _weighted(rng, songs, weights)
    song = pool.songs[number]
    if label is None:
        return number, _weighted(rng, song.stems, song.weights)
    has = pool.labels[song.stems, label] == PRESENT
    return number, _weighted(rng, song.stems[has], song.weights[has])


def _unused(songs: Indices, weights: Weights, used: set[int]) -> tuple[Indices, Weights]:
    if not used:
        return songs, weights
    keep = ~np.isin(songs, list(used))
    return songs[keep], weights[keep]


def _place(pool: StemPool, config: MixingConfig, rng: np.random.Generator, stem: int, seed: int) -> SourcePlan:
    """Effects and position of a non-musical source.

    With `stretch_variants`, pitch shift, time stretch and position come from a generator of (seed, stem, variant)
    instead, so that they are the same wherever the variant is drawn; the other effects are drawn anew and follow.
    """
    effects = draw_effects(rng, config.effects, keep_time=False)
    variant = None
    changes, others = split_effects(effects)
    if config.stretch_variants and changes:
        variant = int(rng.integers(config.stretch_variants))
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stem, variant)))
        changes = ()
        while not changes:
            changes, _ = split_effects(draw_effects(rng, config.effects, keep_time=False))
        effects = changes + others
    frames = input_frames(effects, config.chunk_frames)
    start = draw_start(rng, pool.active(stem), pool.stems[stem].frames, frames, config.sounding_frames)
    return SourcePlan(stem, start, frames, effects, None, variant)


def _musical_start(pool: StemPool, rng: np.random.Generator, stems: list[int], config: MixingConfig) -> int:
    """The candidate, among positions where the first stem sounds, at which most of the stems sound."""
    first, frames, sounding = stems[0], config.chunk_frames, config.sounding_frames
    best, best_score = 0, -1
    for _ in range(config.position_candidates):
        start = draw_start(rng, pool.active(first), pool.stems[first].frames, frames, sounding)
        score = sum(sounding_frames(pool.active(stem), start, frames) >= sounding for stem in stems)
        if score > best_score:
            best, best_score = start, score
        if score == len(stems):
            break
    return best
