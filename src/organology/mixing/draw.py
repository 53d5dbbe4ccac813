"""Drawing: what goes into mixture `i`. Numbers only; no audio is read.

The order of the draws is the paper's: strategy, number of sources, corpus, song, source, position, effects. Where its
data could always do both strategies, here a corpus may have no song whose stems belong together. So the strategy is
drawn before the corpus: `p_musical` stays what it is set to, and a corpus is then drawn among those that can do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from organology.mixing.config import MixingConfig
from organology.mixing.effects import Effect, draw_effects, input_frames
from organology.mixing.pool import Indices, SongSet, StemPool, Weights
from organology.taxonomy import PRESENT

Strategy = Literal["musical", "non-musical"]
Intervals = NDArray[np.int64]
T = TypeVar("T")

TRIES = 8
"""So many positions are drawn until a source sounds long enough in one to be clearly audible; the best is taken."""


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
    """

    stem: int
    start: int
    frames: int
    effects: tuple[Effect, ...]
    level_offset_db: float | None


@dataclass(frozen=True)
class MixturePlan:
    """What goes into mixture number `index` of seed `seed`."""

    seed: int
    index: int
    strategy: Strategy
    sources: tuple[SourcePlan, ...]


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
    effects = [draw_effects(g, config.effects, keep_time=musical) for g in generators]
    frames = [input_frames(e, config.chunk_frames) for e in effects]
    sounding = round(config.audibility.clear_seconds * config.sample_rate)
    if musical:
        start = _musical_start(pool, generators[0], stems, config, sounding)
        starts = [start] * len(stems)
    else:
        starts = [
            draw_start(g, pool.active(stem), pool.stems[stem].frames, n, sounding)
            for g, stem, n in zip(generators, stems, frames, strict=True)
        ]
    offsets = [
        float(g.uniform(*config.level_offset_db)) if config.level == "rms" else None for g in generators
    ]  # drawn last, so that the other draws are the same with any level
    sources = map(SourcePlan, stems, starts, frames, effects, offsets)
    return MixturePlan(seed, index, "musical" if musical else "non-musical", tuple(sources))


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


def sounding_frames(active: Intervals, start: int, frames: int) -> int:
    """How many of the `frames` frames from `start` lie in the intervals `active`, shape (k, 2)."""
    first = int(np.searchsorted(active[:, 1], start, side="right"))
    last = int(np.searchsorted(active[:, 0], start + frames, side="left"))
    part = active[first:last]
    overlap = np.minimum(part[:, 1], start + frames) - np.maximum(part[:, 0], start)
    return int(overlap[overlap > 0].sum())


def draw_start(rng: np.random.Generator, active: Intervals, length: int, frames: int, sounding: int) -> int:
    """Start of a chunk in which a stem sounds.

    A moment in which the stem sounds is drawn, and where in the chunk it lies; up to `TRIES` times, until the stem
    sounds for `sounding` frames in the chunk. The chunk lies within the stem, or the stem within the chunk.

    Parameters
    ----------
    rng : numpy.random.Generator
    active : int64 array, shape (k, 2)
        Rising intervals that do not overlap; none means that any position will do.
    length : int
        Frames of the stem.
    frames : int
        Frames of the chunk.
    sounding : int

    Returns
    -------
    int
        From min(0, length - frames) to max(0, length - frames).
    """
    low, high = min(0, length - frames), max(0, length - frames)
    edges = np.cumsum(active[:, 1] - active[:, 0])
    total = int(edges[-1]) if len(edges) else 0
    if total <= 0:
        return int(rng.integers(low, high + 1))
    wanted = min(sounding, total, frames)
    best, best_sounds = 0, -1
    for _ in range(TRIES):
        ahead = int(rng.integers(total))
        interval = int(np.searchsorted(edges, ahead, side="right"))
        moment = int(active[interval, 1] - (edges[interval] - ahead))
        start = min(max(moment - int(rng.integers(frames)), low), high)
        if length < frames:
            start = int(rng.integers(low, high + 1))
        sounds = sounding_frames(active, start, frames)
        if sounds > best_sounds:
            best, best_sounds = start, sounds
        if sounds >= wanted:
            break
    return best


def _musical_start(
    pool: StemPool, rng: np.random.Generator, stems: list[int], config: MixingConfig, sounding: int
) -> int:
    """The candidate, among positions where the first stem sounds, at which most of the stems sound."""
    first, frames = stems[0], config.chunk_frames
    best, best_score = 0, -1
    for _ in range(config.position_candidates):
        start = draw_start(rng, pool.active(first), pool.stems[first].frames, frames, sounding)
        score = sum(sounding_frames(pool.active(stem), start, frames) >= sounding for stem in stems)
        if score > best_score:
            best, best_score = start, score
        if score == len(stems):
            break
    return best
