"""Songs divided anew in place of the splits that a corpus was prepared with."""

from __future__ import annotations

import pytest

from organology.config import parse
from organology.corpora.resplit import SplitConfig, resplit
from organology.corpora.table import TABLE_NAME, read_table
from organology.errors import ConfigError, CorpusError
from organology.mixing import MixingConfig, StemPool
from organology.training.provenance import describe_corpora
from training_support import make_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Nine songs of four artists, all prepared for training."""
    import polars as pl

    folder = make_corpus(tmp_path_factory.mktemp("resplit") / "corpus", songs_per_split=3)
    table = read_table(folder)
    number = pl.col("song").str.extract(r"(\d+)").cast(pl.Int64)
    table = table.with_columns(pl.lit("train").alias("split"), pl.format("artist {}", number % 4).alias("artist"))
    table.write_parquet(folder / TABLE_NAME)
    return folder


def splits(table) -> dict[str, str]:
    return dict(zip(table["song"], table["split"], strict=True))


def test_resplit_by_artist_none_is_in_two_splits(corpus):
    table = read_table(corpus)
    drawn = resplit(table, SplitConfig(fractions=(0.5, 0.25, 0.25)))
    assert set(drawn["split"]) == {"train", "validation", "test"}
    assert drawn.drop("split").equals(table.drop("split"))
    assert all(len(set(part["split"])) == 1 for _, part in drawn.group_by("artist"))


def test_resplit_depends_on_seed_and_method_alone(corpus):
    table = read_table(corpus)
    assert splits(resplit(table, SplitConfig())) == splits(resplit(table, SplitConfig()))
    by_song = [splits(resplit(table, SplitConfig(by="song", seed=seed))) for seed in range(4)]
    assert len({tuple(each.values()) for each in by_song}) > 1
    assert splits(resplit(table, SplitConfig(by_song=("tiny",)))) == by_song[0]
    assert splits(resplit(table, SplitConfig(by_song=("another",)))) == splits(resplit(table, SplitConfig()))


def test_resplit_pools_and_provenance_follow(corpus):
    with pytest.raises(CorpusError, match="no stem of split 'test'"):
        StemPool.load([corpus], "test", MixingConfig())
    config = MixingConfig(split=SplitConfig())
    table = resplit(read_table(corpus), config.split)
    for split in ("train", "validation", "test"):
        songs = {song.name for song in StemPool.load([corpus], split, config).songs}
        assert songs == {name for name, place in splits(table).items() if place == split}
    counts = describe_corpora([corpus], config.split)[0]["songs"]
    assert sum(counts.values()) == 9
    assert set(counts) == {"train", "validation", "test"}
    assert describe_corpora([corpus])[0]["songs"] == {"train": 9}


def test_split_config_in_recipe_is_read(corpus):
    read = parse({"split": {"by": "song", "fractions": [0.5, 0.3, 0.2]}}, MixingConfig, "recipe")
    assert read.split == SplitConfig("song", (0.5, 0.3, 0.2))
    with pytest.raises(ConfigError, match="three numbers"):
        parse({"split": {"fractions": [0.5, 0.3, 0.3]}}, MixingConfig, "recipe")
    with pytest.raises(ConfigError, match="unknown key"):
        parse({"split": {"artist": True}}, MixingConfig, "recipe")
