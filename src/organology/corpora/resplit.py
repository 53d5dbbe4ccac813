"""Splits drawn anew, in place of those that a prepared corpus has.

A corpus that was prepared for training alone has few songs to validate on and none to test with. Preparing it again
would convert all its audio again; here only the column `split` of what was read is another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from organology.config import FORBID
from organology.corpora.splits import FRACTIONS, SplitBy, SplitSong, assign, check_fractions, some_of
from organology.errors import ConfigError
from organology.labels import default_set

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class SplitConfig:
    """How songs are divided.

    Attributes
    ----------
    by : {"artist", "song"}
        "song": at random, as in the paper; "artist": no artist is in two splits.
    fractions : (float, float, float)
        Of train, validation and test; the defaults are the paper's.
    seed : int
    by_song : tuple of str
        Corpora that are divided by song nonetheless: those where one artist has all there is of a label.
    at_most : dict of str to int
        By corpus, how many of its songs are used at all; chance by the songs' names chooses them, a smaller number
        from a larger one.
    """

    __pydantic_config__ = FORBID
    by: SplitBy = "artist"
    fractions: tuple[float, float, float] = FRACTIONS
    seed: int = 0
    by_song: tuple[str, ...] = ()
    at_most: dict[str, int] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        try:
            check_fractions(self.fractions)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        if min(self.at_most.values(), default=1) < 1:
            raise ValueError(f"split.at_most: one song or more of each corpus, got {self.at_most}")


def resplit(table: pl.DataFrame, config: SplitConfig) -> pl.DataFrame:
    """A table of stems with its songs divided anew, each corpus by itself.

    Parameters
    ----------
    table : polars.DataFrame
        As `read_table` gives it; all rows of its corpora, so that the division does not depend on what is asked for.
    config : SplitConfig

    Returns
    -------
    polars.DataFrame
        The same rows in the same order, the column `split` replaced; without the songs that `at_most` leaves out.
    """
    import polars as pl

    from organology.corpora.table import labels_of

    place: dict[tuple[str, str], str] = {}
    for (corpus,), part in table.group_by("corpus", maintain_order=True):
        songs = [
            SplitSong(str(song), set(rows["artist"]), default_set().union(labels_of(rows)), len(rows))
            for (song,), rows in part.group_by("song", maintain_order=True)
        ]
        if corpus in config.at_most:
            kept = some_of([song.song for song in songs], config.at_most[str(corpus)], config.seed)
            songs = [song for song in songs if song.song in kept]
        by: SplitBy = "song" if corpus in config.by_song else config.by
        splits = assign(songs, config.fractions, config.seed, by)
        place.update(((str(corpus), song), split) for song, split in splits.items())
    drawn = [place.get(key) for key in zip(table["corpus"], table["song"], strict=True)]
    return table.with_columns(pl.Series("split", drawn, dtype=pl.String)).filter(pl.col("split").is_not_null())
