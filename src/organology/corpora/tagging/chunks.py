"""Tagged chunks: some seconds from anywhere in a track, with the tags of the whole track.

Chunk number `i` of a seed is a function of `(seed, i)` alone: every choice comes from
`numpy.random.default_rng([seed, i])`, whatever the number of workers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from organology.audio import SAMPLE_RATE
from organology.corpora.tagging.seek import read_span
from organology.errors import AudioError, ConfigError, CorpusError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChunkConfig:
    """How chunks are drawn.

    Attributes
    ----------
    chunk_seconds : float
    draw : {"random", "in_turn"}
        At random: a corpus, each with the same probability, then a track of it. In turn: chunk `i` is of track `i`
        modulo their number, for validation.
    floor_db : float
        A chunk whose RMS is below (dBFS) is drawn anew: it holds nothing that its tags could say.
    attempts : int
        So many chunks are drawn for a number at most; the last one counts, silent or not.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    chunk_seconds: float = 4.0
    draw: Literal["random", "in_turn"] = "random"
    floor_db: float = -60.0
    attempts: int = 5

    def __post_init__(self) -> None:
        if self.chunk_seconds <= 0 or self.attempts < 1:
            raise ValueError("chunk_seconds is above 0 and attempts at least 1")

    @property
    def chunk_frames(self) -> int:
        """Length of a chunk at 32 kHz."""
        return round(self.chunk_seconds * SAMPLE_RATE)


class TaggedChunk(NamedTuple):
    """A chunk with its targets.

    `audio` is float32 of shape (chunk_frames,), `targets` int8 of shape (n_tags,), 1 or 0; `start` in frames at 32 kHz.
    """

    audio: NDArray[np.float32]
    targets: NDArray[np.int8]
    corpus: str
    track: str
    start: int


@dataclass(frozen=True)
class TaggingPool:
    """The tracks of one split of some prepared tagging corpora; picklable, without audio.

    Attributes
    ----------
    tags : tuple of str
        In the order of the targets.
    tracks : tuple of (corpus, track)
    paths : tuple of Path
    frames : int64 array, shape (n,)
        At 32 kHz.
    targets : int8 array, shape (n, n_tags)
    members : tuple of int64 array
        Of each corpus, its tracks.
    """

    tags: tuple[str, ...]
    tracks: tuple[tuple[str, str], ...]
    paths: tuple[Path, ...]
    frames: NDArray[np.int64]
    targets: NDArray[np.int8]
    members: tuple[NDArray[np.int64], ...]

    def __len__(self) -> int:
        return len(self.tracks)

    @classmethod
    def load(cls, dirs: Sequence[Path], split: str) -> TaggingPool:
        """Read the tables of prepared tagging corpora.

        Parameters
        ----------
        dirs : sequence of Path
        split : str
            `train`, `validation` or `test`.

        Raises
        ------
        CorpusError
            If a folder is no prepared tagging corpus, their tags differ, or the split is empty.
        ConfigError
            If no folder is named.
        """
        from organology.corpora.tagging.table import read_tracks

        if not dirs:
            raise ConfigError("no prepared tagging corpora are named")
        tags: tuple[str, ...] = ()
        tracks: list[tuple[str, str]] = []
        paths: list[Path] = []
        frames: list[int] = []
        targets: list[NDArray[np.int8]] = []
        members = []
        for folder in map(Path, dirs):
            table, said = read_tracks(folder)
            if tags and said.tags != tags:
                raise CorpusError(f"{folder}: its tags are not those of {dirs[0]}, or in another order")
            tags = said.tags
            table = table.filter(table["split"] == split)
            members.append(np.arange(len(tracks), len(tracks) + len(table)))
            for row in table.iter_rows(named=True):
                tracks.append((row["corpus"], row["track"]))
                paths.append(said.audio / row["path"])
                frames.append(row["frames"])
                targets.append(np.isin(tags, row["tags"]).astype(np.int8))
        if not tracks:
            raise CorpusError(f"{', '.join(map(str, dirs))}: no track in the split {split!r}")
        used = tuple(part for part in members if len(part))
        return cls(tags, tuple(tracks), tuple(paths), np.array(frames, dtype=np.int64), np.stack(targets), used)


class TaggedChunks:
    """Chunks by number, without end. Picklable; files are opened for each chunk.

    A file that cannot be read costs one warning, and another chunk is drawn.

    Parameters
    ----------
    pool : TaggingPool
    config : ChunkConfig, optional
    seed : int
    """

    def __init__(self, pool: TaggingPool, config: ChunkConfig | None = None, seed: int = 0) -> None:
        self.pool, self.config, self.seed = pool, config or ChunkConfig(), seed
        self._broken: set[int] = set()

    def __len__(self) -> int:
        return len(self.pool)

    def draws(self, index: int) -> Iterator[tuple[int, int]]:
        """What is tried for chunk number `index`, in order: number of the track in the pool, first frame."""
        rng = np.random.default_rng([self.seed, index])
        for attempt in range(self.config.attempts):
            if self.config.draw == "in_turn":
                track = (index + attempt // 2) % len(self.pool)
            else:
                members = self.pool.members[int(rng.integers(len(self.pool.members)))]
                track = int(members[int(rng.integers(len(members)))])
            last = max(int(self.pool.frames[track]) - self.config.chunk_frames, 0)
            yield track, int(rng.integers(last + 1))

    def chunk(self, index: int) -> TaggedChunk:
        """Chunk number `index`.

        Raises
        ------
        AudioError
            If none of the attempts gives samples.
        """
        silent: TaggedChunk | None = None
        fault: AudioError | None = None
        floor = 10 ** (self.config.floor_db / 10)
        for track, start in self.draws(index):
            try:
                audio = read_span(self.pool.paths[track], start, self.config.chunk_frames)
            except AudioError as error:
                if track not in self._broken:
                    log.warning("%s; another track is drawn", error)
                self._broken.add(track)
                fault = error
                continue
            chunk = TaggedChunk(audio, self.pool.targets[track], *self.pool.tracks[track], start)
            if float(np.mean(np.square(audio))) >= floor:
                return chunk
            silent = chunk
        if silent is not None:
            return silent
        assert fault is not None
        raise fault
