"""Preparing a corpus with Ray, as `organology prepare … --engine ray` does.

Songs are handed out in shards, a few to each core at a time, so that neither the songs nor their results are held back
or piled up. A song is done when its record lies beside its audio, whoever wrote it: what stops in between, a worker or
the driver, costs the songs that were in hand. Source and prepared corpus have to be at the same path on every machine.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import ray

from organology.cluster.session import cluster_cores, join, last_line
from organology.corpora.conversion.records import Record, SongTask, prepare_song
from organology.corpora.conversion.workers import SongEngine, known_records
from organology.errors import CorpusError, OrganologyError

SHARD_BYTES = 256 * 2**20
"""Of source audio in a shard, at the most; a larger song is one of its own."""

SHARDS_PER_CORE = 8
"""At the least, so that all cores end at about the same time."""

IN_HAND_PER_CORE = 2
"""Shards that wait for a core or are worked on."""


def songs_on_ray(address: str | None = None, jobs: int = 1) -> SongEngine:
    """What prepares songs with Ray, for `prepare` and `prepare_tagging`.

    Parameters
    ----------
    address : str, optional
        The cluster to join; None: this machine alone, with `jobs` cores.
    jobs : int
        Songs at once on this machine; a cluster takes as many as it has cores.
    """

    def engine(tasks: Sequence[SongTask]) -> Generator[tuple[SongTask, Record], None, None]:
        known, todo = known_records(tasks)
        yield from known
        if not todo:
            return
        join(address, jobs)
        cores = jobs if address is None else cluster_cores()
        try:
            for shard, records in _done(shards(todo, cores), cores):
                yield from zip(shard, records, strict=True)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, OrganologyError) else CorpusError(f"Ray: {last_line(error)}") from error
        except ray.exceptions.RayError as error:
            raise CorpusError(f"{todo[0].out}: Ray: {last_line(error)}; run again to go on") from error

    return engine


def shards(todo: Sequence[SongTask], cores: int) -> Iterator[list[SongTask]]:
    """Songs in shards, in their order: of `SHARD_BYTES` at the most, and several for each core."""
    most = min(SHARD_BYTES, sum(song.size for song in todo) // (cores * SHARDS_PER_CORE))
    shard: list[SongTask] = []
    size = 0
    for song in todo:
        if shard and size + song.size > most:
            yield shard
            shard, size = [], 0
        shard.append(song)
        size += song.size
    if shard:
        yield shard


def _done(todo: Iterator[list[SongTask]], cores: int) -> Iterator[tuple[list[SongTask], list[Record]]]:
    """Shards and their records, as they come."""
    work = ray.remote(num_cpus=1, max_retries=2)(_prepared)
    in_hand: dict[Any, list[SongTask]] = {}
    try:
        while True:
            while len(in_hand) < cores * IN_HAND_PER_CORE and (shard := next(todo, None)) is not None:
                in_hand[work.remote(shard)] = shard
            if not in_hand:
                return
            (ready, *_), _ = ray.wait(list(in_hand), num_returns=1)
            yield in_hand.pop(ready), ray.get(ready)
    finally:
        for one in in_hand:
            ray.cancel(one, force=True)


def _prepared(shard: list[SongTask]) -> list[Record]:
    """The records of a shard's songs; those that a worker wrote before it died are taken as they are."""
    known, todo = known_records(shard)
    records = {song.song: record for song, record in known}
    records |= {song.song: prepare_song(song) for song in todo}
    return [records[song.song] for song in shard]
