"""The stems of one split of some prepared corpora, laid out for drawing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from organology.errors import ConfigError, CorpusError
from organology.labels import PRESENT, LabelArray, LabelSet, default_set
from organology.mixing.config import MixingConfig

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

Indices = NDArray[np.int64]
Weights = NDArray[np.float64]


class Stem(NamedTuple):
    """One stem of a pool: its row of `stems.parquet`, with an absolute path."""

    corpus: str
    song: str
    stem: str
    word: str
    kind: str
    path: Path
    frames: int


@dataclass(frozen=True)
class Song:
    """A song with the stems that can be drawn.

    Attributes
    ----------
    corpus, name : str
    aligned : bool
        Its stems share one time line.
    stems : int64 array
        Into `StemPool.stems`.
    weights : float64 array
        Of each stem in being drawn; above 0.
    weight : float
        Of the song in being drawn: the mean of all its stems' weights, those of weight 0 included.
    """

    corpus: str
    name: str
    aligned: bool
    stems: Indices
    weights: Weights
    weight: float

    @property
    def can_be_musical(self) -> bool:
        """It gives musical mixtures of two and more sources."""
        return self.aligned and len(self.stems) > 1


class SongSet:
    """Songs to draw from, and for each label the songs that have it.

    Attributes
    ----------
    songs : int64 array, shape (n,)
        Into `StemPool.songs`.
    weights : float64 array, shape (n,)
    by_label : dict of int to (int64 array, float64 array)
        For each label with a stem: the songs that have it, and their weights.
    """

    def __init__(self, numbers: Iterable[int], songs: Sequence[Song], labels: LabelArray) -> None:
        self.songs: Indices = np.array(list(numbers), dtype=np.int64)
        self.weights: Weights = np.array([songs[i].weight for i in self.songs], dtype=np.float64)
        self.by_label: dict[int, tuple[Indices, Weights]] = {}
        if not len(self.songs):
            return
        has = np.stack([(labels[songs[i].stems] == PRESENT).any(axis=0) for i in self.songs])
        for label in range(has.shape[1]):
            if has[:, label].any():
                self.by_label[label] = (self.songs[has[:, label]], self.weights[has[:, label]])

    def __len__(self) -> int:
        return len(self.songs)


class StemPool:
    """The stems that mixtures are drawn from; immutable, picklable, without audio.

    Parameters
    ----------
    stems : sequence of Stem
        (corpus, song) stand together for a song; rows of one song follow each other or not.
    labels : int8 array, shape (n_stems, n_labels)
    active : sequence of int64 array, shape (k, 2)
        Per stem the frames between which it sounds: start, end.
    aligned : sequence of bool
    config : MixingConfig
        Its `kind_weights` and `corpus_weights` are settled here.
    label_set : LabelSet, optional
        What the labels are; left out: the default set.
    instruments : sequence of frozenset of str or None, optional
        Per stem the concepts that sound; None: no more is known than its labels.

    Attributes
    ----------
    stems : tuple of Stem
    labels : int8 array, shape (n_stems, n_labels)
    label_set : LabelSet
    songs : tuple of Song
    everything, musical : dict of str to SongSet
        By corpus: all songs; those that give musical mixtures. Corpora without any are not in it.
    corpus_weights : dict of str to float
    """

    def __init__(
        self,
        stems: Sequence[Stem],
        labels: LabelArray,
        active: Sequence[NDArray[np.int64]],
        aligned: Sequence[bool],
        config: MixingConfig,
        label_set: LabelSet | None = None,
        instruments: Sequence[frozenset[str] | None] | None = None,
    ) -> None:
        self.stems = tuple(stems)
        self._instruments = tuple(instruments) if instruments is not None else (None,) * len(self.stems)
        self.label_set = label_set or default_set()
        self.labels = np.ascontiguousarray(labels, dtype=np.int8)
        if self.labels.shape != (len(self.stems), len(self.label_set)):
            raise ValueError(
                f"labels must have shape {(len(self.stems), len(self.label_set))}, got {self.labels.shape}"
            )
        self._active = (
            np.concatenate([np.asarray(a, dtype=np.int64).reshape(-1, 2) for a in active])
            if len(active)
            else np.zeros((0, 2), np.int64)
        )
        self._bounds = np.cumsum([0, *(len(a) for a in active)])
        self.songs = _group(self.stems, aligned, np.diff(self._bounds) > 0, config)
        corpora = {song.corpus: config.corpus_weights.get(song.corpus, 1.0) for song in self.songs}
        self.corpus_weights = {name: weight for name, weight in corpora.items() if weight > 0}
        if not self.corpus_weights:
            raise CorpusError("no stem can be drawn: none sounds, or every weight is 0")
        self.everything: dict[str, SongSet] = {}
        self.musical: dict[str, SongSet] = {}
        aligned_songs = _chosen(self.songs, self.corpus_weights, config.musical_songs)
        for name in self.corpus_weights:
            numbers = [i for i, song in enumerate(self.songs) if song.corpus == name]
            self.everything[name] = SongSet(numbers, self.songs, self.labels)
            together = SongSet((i for i in numbers if i in aligned_songs), self.songs, self.labels)
            if len(together):
                self.musical[name] = together

    def __len__(self) -> int:
        return len(self.stems)

    def active(self, stem: int) -> NDArray[np.int64]:
        """Frames between which stem number `stem` sounds: shape (k, 2), start and end."""
        return self._active[self._bounds[stem] : self._bounds[stem + 1]]

    def instruments(self, stem: int) -> frozenset[str]:
        """Concepts that sound in stem number `stem`; as its labels say them where its table knows no more."""
        known = self._instruments[stem]
        if known is not None:
            return known
        names = {name for name, value in zip(self.label_set.labels, self.labels[stem], strict=True) if value == PRESENT}
        lowest = names - {self.label_set.parents.get(name) for name in names}
        return frozenset(concept for name in lowest for concept in self.label_set.concepts[name])

    @classmethod
    def load(
        cls, dirs: Sequence[Path], split: str, config: MixingConfig, label_set: LabelSet | None = None
    ) -> StemPool:
        """Read the tables of prepared corpora.

        Parameters
        ----------
        dirs : sequence of Path
            Prepared folders, each with its `stems.parquet`.
        split : str
            `train`, `validation` or `test`.
        config : MixingConfig
            Its `split` may divide the songs in another way than the tables do.
        label_set : LabelSet, optional
            Labels of the stems, whatever set their corpora were prepared with; left out: the default set.

        Raises
        ------
        CorpusError
            If a folder is no prepared corpus, an audio file of the table is missing, two folders hold the same song
            of the same corpus, or nothing of the split can be drawn.
        ConfigError
            If no corpus is named, or a weight names one that is not there.
        """
        from organology.corpora.resplit import resplit
        from organology.corpora.table import labels_of, read_table

        if not dirs:
            raise ConfigError("no prepared corpora are named")
        label_set = label_set or default_set()
        stems: list[Stem] = []
        labels, active, aligned = [], [], []
        instruments: list[frozenset[str] | None] = []
        owner: dict[tuple[str, str], Path] = {}
        corpora: set[str] = set()
        for folder in map(Path, dirs):
            table = read_table(folder, check_files=True)
            corpora.update(table["corpus"])
            table = resplit(table, config.split) if config.split is not None else table
            table = table.filter(table["split"] == split)
            if not len(table):
                log.warning("%s: no stem of split %s", folder, split)
                continue
            for key in zip(table["corpus"], table["song"], strict=True):
                if owner.setdefault(key, folder) != folder:
                    raise CorpusError(f"{folder}: song {key[1]!r} of corpus {key[0]!r} is in {owner[key]} too")
            columns = (table[name] for name in Stem._fields)
            stems += [stem._replace(path=folder / stem.path) for stem in map(Stem, *columns)]
            labels.append(labels_of(table, label_set))
            instruments += _instruments(table)
            active += _intervals(table)
            aligned += table["aligned"].to_list()
        place = ", ".join(map(str, dirs))
        if not stems:
            raise CorpusError(f"{place}: no stem of split {split!r}")
        _check_weights(config, corpora, place)
        return cls(stems, np.concatenate(labels), active, aligned, config, label_set, instruments)


def _chosen(songs: Sequence[Song], corpora: Collection[str], few: int | None) -> set[int]:
    """The songs of musical mixtures: all that can be, or the first `few` in an order of chance by their names."""
    able = [i for i, song in enumerate(songs) if song.corpus in corpora and song.can_be_musical]

    def place(number: int) -> bytes:
        return hashlib.sha256(f"{songs[number].corpus}/{songs[number].name}".encode()).digest()

    return set(sorted(able, key=place)[:few])


def _instruments(table: pl.DataFrame) -> list[frozenset[str] | None]:
    """Per stem the concepts that sound; None where the table is of an older version, which knows labels only."""
    from organology.corpora.table import is_old

    return [None] * len(table) if is_old(table) else [frozenset(concepts) for concepts in table["concepts"].to_list()]


def _intervals(table: pl.DataFrame) -> list[NDArray[np.int64]]:
    """Per stem the intervals in which it sounds, each of shape (k, 2)."""
    flat = table["active"].explode().drop_nulls().struct
    both = np.stack([flat.field("start").to_numpy(), flat.field("end").to_numpy()], axis=1).astype(np.int64)
    return np.split(both, np.cumsum(table["active"].list.len().to_numpy())[:-1])


def _check_weights(config: MixingConfig, corpora: set[str], place: str) -> None:
    wrong = sorted(set(config.corpus_weights) - corpora)
    if wrong:
        raise ConfigError(
            f"mixing.corpus_weights: no corpus {wrong[0]!r}; there are {', '.join(sorted(corpora))} ({place})"
        )


def _group(
    stems: Sequence[Stem], aligned: Sequence[bool], sounds: NDArray[np.bool_], config: MixingConfig
) -> tuple[Song, ...]:
    """The songs that have a stem to draw, in the order of their first stem; stems that never sound are left out."""
    members: dict[tuple[str, str], list[int]] = {}
    for i, stem in enumerate(stems):
        if sounds[i]:
            members.setdefault((stem.corpus, stem.song), []).append(i)
    songs = []
    for (corpus, name), numbers in members.items():
        weights = np.array([config.kind_weights.get(stems[i].kind, 1.0) for i in numbers])
        drawn = np.array(numbers, dtype=np.int64)[weights > 0]
        if len(drawn):
            whole = all(aligned[i] for i in numbers)
            songs.append(Song(corpus, name, whole, drawn, weights[weights > 0], float(weights.mean())))
    return tuple(songs)
