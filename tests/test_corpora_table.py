"""The table of a prepared corpus."""

import polars as pl
import pytest

from organology.corpora import table
from organology.corpora.base import KINDS
from organology.errors import CorpusError
from organology.taxonomy import LABELS, encode


def make(**changes):
    values = {
        "corpus": "stems",
        "song": "A song",
        "stem": "vox",
        "path": "audio/A_song/vox.flac",
        "split": "train",
        "frames": 64_000,
        "active": [(0, 32_000), (40_000, 64_000)],
        "labels": encode(["singer"]),
    }
    return table.row(**{**values, **changes})


def test_round_trip_in_the_contract_s_order(tmp_path):
    rows = [make(stem="b"), make(stem="a", active=[], aligned=True, kind="notes", artist="Me", licence="CC0 1.0")]
    table.write_table(iter(rows), tmp_path)
    read = table.read_table(tmp_path)
    assert list(read.columns) == [
        *(
            "corpus",
            "song",
            "artist",
            "stem",
            "path",
            "split",
            "frames",
            "active",
            "kind",
            "aligned",
            "licence",
            "word",
        ),
        *LABELS,
    ]
    assert read.to_dicts() == [rows[1], rows[0]]
    assert read["artist"].to_list() == ["Me", "A song"]
    assert (table.labels_of(read) == encode(["singer"])).all()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"split": "dev"}, "split is none of"),
        ({"kind": "live"}, "kind is none of"),
        ({"frames": 0}, "frames not above 0"),
        ({"path": "/tmp/a.flac"}, "path not relative"),
        ({"path": "../a.flac"}, "path not relative"),
        ({"path": "audio\\a.flac"}, "path not relative"),
        ({"song": ""}, "no song"),
        ({"active": [(0, 70_000)]}, "active interval 0-70000"),
        ({"active": [(10, 10)]}, "active interval"),
        ({"active": [(100, 200), (150, 300)]}, "active interval 150-300"),
    ],
)
def test_a_row_that_breaks_the_contract_is_named(tmp_path, changes, reason):
    with pytest.raises(CorpusError, match=reason) as error:
        table.write_table([make(stem="fine"), make(**changes)], tmp_path)
    assert str(tmp_path / "stems.parquet") in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_family_below_its_instrument_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="family bowed_string below its instrument violin"):
        table.write_table([make() | {"violin": 1}], tmp_path)
    with pytest.raises(CorpusError, match="family key below its instrument piano"):
        table.write_table([make() | {"piano": -1}], tmp_path)
    with pytest.raises(CorpusError, match="synth is not 1, 0 or -1"):
        table.write_table([make() | {"synth": 2}], tmp_path)


def test_missing_columns_and_wrong_types(tmp_path):
    short = make()
    del short["licence"]
    with pytest.raises(CorpusError, match="licence"):
        table.write_table([short], tmp_path)
    with pytest.raises(CorpusError):
        table.write_table([make() | {"frames": "long"}], tmp_path)
    pl.DataFrame([make()]).write_parquet(tmp_path / "stems.parquet")  # Int64 labels
    with pytest.raises(CorpusError, match="column voice is Int64, not Int8"):
        table.read_table(tmp_path)


def test_twice_the_same_stem(tmp_path):
    with pytest.raises(CorpusError, match="stand twice"):
        table.write_table([make(), make()], tmp_path)


def test_no_table_and_no_parquet(tmp_path):
    with pytest.raises(CorpusError, match="no such file"):
        table.read_table(tmp_path)
    (tmp_path / "stems.parquet").write_text("nonsense")
    with pytest.raises(CorpusError, match=r"stems\.parquet"):
        table.read_table(tmp_path)


def test_files_are_asked_for_on_request(tmp_path):
    table.write_table([make()], tmp_path)
    table.read_table(tmp_path)
    with pytest.raises(CorpusError, match="1 of 1 stems missing"):
        table.read_table(tmp_path, check_files=True)
    (tmp_path / "audio/A_song").mkdir(parents=True)
    (tmp_path / "audio/A_song/vox.flac").touch()
    table.read_table(tmp_path, check_files=True)


def test_all_kinds_pass(tmp_path):
    table.write_table([make(stem=kind or "none", kind=kind) for kind in KINDS], tmp_path)
