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

from organology.labels import PRESENT
from organology.mixing.channel.base import Player
from organology.mixing.channel.chain import ChannelPlan, draw_channel
from organology.mixing.config import MixingConfig
from organology.mixing.effects.chain import draw_effects, input_frames, split_effects
from organology.mixing.pool import Indices, SongSet, StemPool, Weights
from organology.mixing.position import draw_start
from organology.mixing.registry import Applied
from organology.mixing.seeds import Seed

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
    effects : tuple of Applied
        In the order in which they are applied.
    level_offset_db : float or None
        With `level: rms`, the offset from the common level.
    variant : int or None
        With `stretch_variants`, the number of the stem's shifted or stretched chunk; None for any other source.
    """

    stem: int
    start: int
    frames: int
    effects: tuple[Applied, ...]
    level_offset_db: float | None
    variant: int | None = None


@dataclass(frozen=True)
class MixturePlan:
    """What goes into mixture number `index` of seed `seed`, and what happens to it then."""

    seed: int
    index: int
    strategy: Strategy
    sources: tuple[SourcePlan, ...]
    channel: ChannelPlan = field(default_factory=ChannelPlan)


def draw(pool: StemPool, config: MixingConfig, seed: int, index: int) -> MixturePlan:
    """Draw mixture number `index` of `seed`.

    Which stems are mixed comes from one generator; positions, levels, each effect and each transform have one of their
    own (see `seeds`).

    A mixture takes what is there: a song with fewer stems than the number drawn gives all of them, a corpus with
    fewer songs one source of each. A pool without a song whose stems belong together gives non-musical mixtures only.
    """
    root = Seed((seed, index))
    rng = root.child("stems").generator()
    musical = bool(rng.random() < config.p_musical) and bool(pool.musical)
    count = draw_count(rng, config)
    stems = _draw_musical(pool, rng, count) if musical else _draw_non_musical(pool, config, rng, count)
    seeds = [root.child("source", number) for number in range(len(stems))]
    if musical:
        start = _draw_start(root, pool, config, stems[0], config.chunk_frames)
        effects = [draw_effects(each.child("effects"), config.effects, keep_time=True) for each in seeds]
        sources = [
            SourcePlan(stem, start, config.chunk_frames, e, None) for stem, e in zip(stems, effects, strict=True)
        ]
    else:
        sources = [_plan_source(pool, config, each, stem) for each, stem in zip(seeds, stems, strict=True)]
    if config.level == "rms":
        offsets = [float(each.child("level").generator().uniform(*config.level_offset_db)) for each in seeds]
        sources = [replace(s, level_offset_db=offset) for s, offset in zip(sources, offsets, strict=True)]
    channel = ChannelPlan()
    if config.channel.is_on:
        players = [Player(pool.instruments(stem), pool.stems[stem].word) for stem in stems]
        channel = draw_channel(root.child("channel"), config.channel, players)
    return MixturePlan(seed, index, "musical" if musical else "non-musical", tuple(sources), channel)


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


def _plan_source(pool: StemPool, config: MixingConfig, seed: Seed, stem: int) -> SourcePlan:
    """Effects and position of a non-musical source.

    With `stretch_variants`, effects that change pitch or time and the position come from a seed of (seed, stem,
    variant) instead, so that they are the same wherever the variant is drawn; the other effects are drawn anew and
    follow.
    """
    effects = draw_effects(seed.child("effects"), config.effects, keep_time=False)
    variant = None
    changes, others = split_effects(effects)
    if config.stretch_variants and changes:
        variant = int(seed.child("variant").generator().integers(config.stretch_variants))
        seed = Seed(seed.root[:1]).child("variant", stem, variant)
        effects = _draw_changes(seed, config) + others
    frames = input_frames(effects, config.chunk_frames)
    return SourcePlan(stem, _draw_start(seed, pool, config, stem, frames), frames, effects, None, variant)


def _draw_changes(seed: Seed, config: MixingConfig) -> tuple[Applied, ...]:
    """Effects that change pitch or time, at least one."""
    changes: tuple[Applied, ...] = ()
    attempt = 0
    while not changes:
        changes, _ = split_effects(draw_effects(seed.child("effects", attempt), config.effects, keep_time=False))
        attempt += 1
    return changes


def _draw_start(seed: Seed, pool: StemPool, config: MixingConfig, stem: int, frames: int) -> int:
    rng = seed.child("position").generator()
    return draw_start(rng, pool.active(stem), pool.stems[stem].frames, frames, config.sounding_frames)
