"""Train, validation and test: by artist (default) or by song.

By artist, no artist and no song is in two splits: songs that are linked by a shared artist (of the song or of one of
its stems) go together. Whole groups are placed so that each split gets its share of the songs and, as far as the
groups allow, every label. By song, songs are drawn at random, as Bradl, Huber and Pernkopf (2023) do; songs of one
stem and songs of several are drawn apart, so that each split gets its share of those that can be mixed musically.

Both depend on the seed and on names alone: not on the order of files, the operating system or the number of jobs.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from organology.errors import ConfigError
from organology.labels import PRESENT, LabelArray

SPLITS: tuple[str, ...] = ("train", "validation", "test")
FRACTIONS = (0.65, 0.175, 0.175)
SplitBy = Literal["artist", "song"]

_SHARE_WEIGHT = 100.0  # a label more in a split is worth up to some 3 % of the songs
_MISSING_WEIGHT = 0.2
_EMPTY_WEIGHT = 1000.0


@dataclass(frozen=True)
class SplitSong:
    """What splitting has to know of a song.

    Attributes
    ----------
    song : str
    artists : collection of str
        Of the song and of its stems; empty where unknown.
    labels : int8 array, shape (n_labels,)
        Union of its stems' labels.
    n_stems : int
    """

    song: str
    artists: Collection[str]
    labels: LabelArray
    n_stems: int = 1


def assign(
    songs: Sequence[SplitSong],
    fractions: tuple[float, float, float] = FRACTIONS,
    seed: int = 0,
    by: SplitBy = "artist",
) -> dict[str, str]:
    """Give every song its split.

    Parameters
    ----------
    songs : sequence of SplitSong
        Names differ.
    fractions : (float, float, float)
        Of train, validation and test; not negative, sum 1. A split of fraction 0 stays empty.
    seed : int
    by : {"artist", "song"}

    Returns
    -------
    dict of str to str
        Song -> `train`, `validation` or `test`.

    Raises
    ------
    ConfigError
        If the fractions are not as they have to be.
    """
    check_fractions(fractions)
    if by == "song":
        return _by_song(songs, fractions, seed)
    groups = _groups(songs)
    groups.sort(key=lambda group: _draw(seed, min(_key(song.song) for song in group)))
    places = _split_of_each(groups, np.asarray(fractions, dtype=np.float64))
    return {song.song: SPLITS[place] for group, place in zip(groups, places, strict=True) for song in group}


def check_fractions(fractions: Sequence[float]) -> None:
    """Raise ConfigError unless there are three fractions, none negative, with the sum 1."""
    if len(fractions) != len(SPLITS) or min(fractions) < 0 or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise ConfigError(f"split fractions {fractions}: three numbers, none negative, with the sum 1")


def some_of(songs: Collection[str], n_songs: int, seed: int = 0) -> set[str]:
    """So many songs at the most, by seed and names alone; a smaller number are among those of a larger one."""
    return set(sorted(songs, key=lambda song: _draw(seed, f"some\0{_key(song)}"))[:n_songs])


def parse_fractions(text: str) -> tuple[float, float, float]:
    """Fractions of train, validation and test from a text such as "0.65,0.175,0.175" or "0.65/0.175/0.175".

    Raises
    ------
    ConfigError
        If these are not three numbers.
    """
    try:
        train, validation, test = (float(part) for part in text.replace("/", ",").split(","))
    except ValueError:
        raise ConfigError(f"--fractions {text}: three numbers are needed, as 0.65,0.175,0.175") from None
    return train, validation, test


def _key(name: str) -> str:
    # Names of files come decomposed from some systems.
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def _draw(seed: int, key: str) -> bytes:
    """A random number that depends on the seed and a name alone."""
    return hashlib.sha256(f"{seed}\0{key}".encode()).digest()


def _by_song(songs: Sequence[SplitSong], fractions: Sequence[float], seed: int) -> dict[str, str]:
    splits: dict[str, str] = {}
    placed = np.zeros(len(SPLITS))
    for many in (True, False):  # the fewer, whose rounding matters more, first
        stratum = [song for song in songs if (song.n_stems > 1) == many]
        stratum.sort(key=lambda song: (_draw(seed, _key(song.song)), song.song))
        wanted = np.asarray(fractions) * (placed.sum() + len(stratum)) - placed
        counts = _whole(wanted, len(stratum))
        names = [split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)]
        splits.update((song.song, split) for song, split in zip(stratum, names, strict=True))
        placed += counts
    for split, fraction in zip(SPLITS, fractions, strict=True):
        if fraction and split not in splits.values():  # few songs: none empty while another has two
            members = {other: [song for song in splits if splits[song] == other] for other in SPLITS}
            richest = max(SPLITS, key=lambda other: len(members[other]))
            if len(members[richest]) > 1:
                splits[members[richest][-1]] = split
    return splits


def _whole(wanted: NDArray[np.float64], total: int) -> list[int]:
    """Whole numbers near `wanted`, none negative, with the sum `total` (largest remainder)."""
    wanted = np.maximum(wanted, 0)
    counts = [math.floor(x + 1e-9) for x in wanted]
    by_remainder = sorted(range(len(counts)), key=lambda i: (-round(wanted[i] - counts[i], 9), i))
    while (left := total - sum(counts)) != 0:
        for i in by_remainder if left > 0 else by_remainder[::-1]:
            if left and counts[i] + math.copysign(1, left) >= 0 and (wanted[i] > 0 or left < 0):
                counts[i] += int(math.copysign(1, left))
                left = total - sum(counts)
    return counts


def _groups(songs: Sequence[SplitSong]) -> list[list[SplitSong]]:
    """Songs linked by artists: connected components."""
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def find(node: tuple[str, str]) -> tuple[str, str]:
        root = node
        while leader.setdefault(root, root) != root:
            root = leader[root]
        while leader[node] != root:
            leader[node], node = root, leader[node]
        return root

    for song in songs:
        for artist in song.artists:
            leader[find(("artist", _key(artist)))] = find(("song", song.song))
    groups: dict[tuple[str, str], list[SplitSong]] = {}
    for song in songs:
        groups.setdefault(find(("song", song.song)), []).append(song)
    return list(groups.values())


def _split_of_each(groups: list[list[SplitSong]], fractions: NDArray[np.float64]) -> list[int]:
    """The split of each group: greedily, those with rare labels and large ones first, then single moves that help."""
    used = np.flatnonzero(fractions > 0)
    shares = fractions[used]
    # Per group: songs, then songs with each label.
    sizes = np.array(
        [[len(g), *np.sum([song.labels == PRESENT for song in g], axis=0).tolist()] for g in groups],
        dtype=np.float64,
    ).reshape(len(groups), -1)
    totals = sizes.sum(axis=0)
    sizes, totals = sizes[:, totals > 0], totals[totals > 0]
    groups_with = (sizes[:, 1:] > 0).sum(axis=0)
    rarity = [int(np.min(groups_with[row[1:] > 0], initial=len(groups))) for row in sizes]
    order = sorted(range(len(groups)), key=lambda i: (rarity[i], -sizes[i, 0]))

    counts = np.zeros((len(used), sizes.shape[1]))
    places = np.full(len(groups), -1)
    for i in order:
        trial = counts[None] + np.eye(len(used))[:, :, None] * sizes[i]
        places[i] = int(np.argmin(_cost(trial, totals, shares)))
        counts[places[i]] += sizes[i]
    _improve(sizes, places, counts, totals, shares)
    return [int(used[place]) for place in places]


def _improve(
    sizes: NDArray[np.float64],
    places: NDArray[np.int64],
    counts: NDArray[np.float64],
    totals: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> None:
    """Move single groups while that lowers the cost; `places` and `counts` are changed."""
    steps = np.eye(len(shares))
    cost = float(_cost(counts[None], totals, shares)[0])
    for _ in range(4 * len(places)):
        moves = steps[None] - steps[places][:, None]  # (groups, to, splits)
        trials = counts + moves[..., None] * sizes[:, None, None]
        costs = _cost(trials.reshape(-1, *counts.shape), totals, shares)
        best = int(np.argmin(costs))
        if costs[best] > cost - 1e-9:
            return
        i, to = divmod(best, len(shares))
        cost, places[i] = float(costs[best]), to
        counts += moves[i, to][:, None] * sizes[i]


def _cost(counts: NDArray[np.float64], totals: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far splits are from their shares; counts of shape (trials, splits, 1 + labels)."""
    away = np.square(counts / totals - shares[:, None])
    cost = _SHARE_WEIGHT * away[:, :, 0].sum(axis=1)
    if counts.shape[2] > 1:
        cost = cost + away[:, :, 1:].sum(axis=1).mean(axis=1)
    cost = cost + _MISSING_WEIGHT * (counts == 0).sum(axis=(1, 2)) + _EMPTY_WEIGHT * (counts[:, :, 0] == 0).sum(axis=1)
    rounded: NDArray[np.float64] = np.round(cost, 9)
    return rounded
