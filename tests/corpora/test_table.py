"""The table of a prepared corpus."""

import polars as pl
import pytest

from bradl15_labels import BRADL15, LABELS, encode, instruments
from organology.corpora import table
from organology.corpora.base import KINDS
from organology.corpora.instruments import Instruments
from organology.errors import CorpusError
from organology.labels import LabelSet


def make(**changes):
    values = {
        "corpus": "stems",
        "song": "A song",
        "stem": "vox",
        "path": "audio/A_song/vox.flac",
        "split": "train",
        "frames": 64_000,
        "active": [(0, 32_000), (40_000, 64_000)],
        "instruments": instruments(["singer"]),
    }
    return table.row(**{**values, **changes})


def test_write_table_read_back_has_the_order_of_the_contract(tmp_path):
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
        *("concepts", "unknown_concepts", "absent_concepts"),
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
def test_write_table_row_off_the_contract_is_named(tmp_path, changes, reason):
    with pytest.raises(CorpusError, match=reason) as error:
        table.write_table([make(stem="fine"), make(**changes)], tmp_path)
    assert str(tmp_path / "stems.parquet") in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", ["concepts", "unknown_concepts", "absent_concepts"])
def test_write_table_unknown_concept_is_refused(tmp_path, column):
    with pytest.raises(CorpusError, match=f"{column}: no such concept"):
        table.write_table([make() | {column: ["kazzoo"]}], tmp_path)


def old_table(folder, **labels):
    """A table as older versions wrote it: a column for each of the 15 labels."""
    old = {name: value for name, value in make().items() if not name.endswith("concepts")}
    values = dict(zip(LABELS, encode(["singer"]).tolist(), strict=True)) | labels
    columns = {name: kind for name, kind in table.COLUMNS.items() if name in old} | dict.fromkeys(LABELS, pl.Int8())
    pl.DataFrame([old | values], schema=columns).write_parquet(folder / table.TABLE_NAME)


def test_labels_of_old_table_are_its_columns(tmp_path):
    old_table(tmp_path, singer=-1)
    read = table.read_table(tmp_path)
    assert BRADL15.decode(table.labels_of(read)[0]) == (["voice"], ["singer"])
    assert (table.labels_of(read) == table.labels_of(read, LabelSet.load("bradl15"))).all()


def test_labels_of_old_table_by_another_set_is_refused_in_one_line(tmp_path):
    old_table(tmp_path)
    with pytest.raises(CorpusError, match="not of openmic20; run `organology prepare` again") as error:
        table.labels_of(table.read_table(tmp_path), LabelSet.load("openmic20"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"violin": 1}, "family bowed_string below its instrument violin"),
        ({"piano": -1}, "family key below its instrument piano"),
        ({"synth": 2}, "synth is not 1, 0 or -1"),
    ],
)
def test_read_table_old_table_with_wrong_labels_is_refused(tmp_path, labels, reason):
    old_table(tmp_path, **labels)
    with pytest.raises(CorpusError, match=reason):
        table.read_table(tmp_path)


def test_labels_of_concepts_by_several_sets():
    rows = [
        make(stem="a", instruments=Instruments(("cello",))),
        make(stem="b", instruments=Instruments(("tenor_saxophone",), ("guitar",))),
        make(stem="c", instruments=instruments(["plucked_string"])),
    ]
    read = pl.DataFrame(rows, schema=table.COLUMNS)
    sets = [LabelSet.load("openmic20"), LabelSet("mine", ("cello", "saxophone", "guitar", "drums", "piano"))]
    openmic, mine = ([each.decode(vector) for vector in table.labels_of(read, each)] for each in sets)
    assert openmic == [
        (["cello"], []),
        (["saxophone"], ["guitar"]),
        ([], ["banjo", "bass", "guitar", "mandolin", "ukulele"]),
    ]
    assert mine == [(["cello"], []), (["saxophone"], ["guitar"]), ([], [])]
    plucked = (["woodwind"], ["plucked_string", "electric_guitar", "acoustic_guitar"])
    assert [BRADL15.decode(vector) for vector in table.labels_of(read)] == [
        (["bowed_string"], []), plucked, (["plucked_string"], []),
    ]  # fmt: skip


def test_labels_of_no_rows_is_empty():
    assert table.labels_of(pl.DataFrame([], schema=table.COLUMNS)).shape == (0, 15)


def test_read_table_missing_columns_and_wrong_types_are_refused(tmp_path):
    short = make()
    del short["licence"]
    with pytest.raises(CorpusError, match="licence"):
        table.write_table([short], tmp_path)
    with pytest.raises(CorpusError):
        table.write_table([make() | {"frames": "long"}], tmp_path)
    old_table(tmp_path)
    pl.read_parquet(tmp_path / "stems.parquet").cast({"voice": pl.Int64}).write_parquet(tmp_path / "stems.parquet")
    with pytest.raises(CorpusError, match="column voice is Int64, not Int8"):
        table.read_table(tmp_path)


def test_read_table_same_stem_twice_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="stand twice"):
        table.write_table([make(), make()], tmp_path)


def test_read_table_that_is_missing_or_no_parquet_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no such file"):
        table.read_table(tmp_path)
    (tmp_path / "stems.parquet").write_text("nonsense")
    with pytest.raises(CorpusError, match=r"stems\.parquet"):
        table.read_table(tmp_path)


def test_read_table_missing_files_are_named_on_request(tmp_path):
    table.write_table([make()], tmp_path)
    table.read_table(tmp_path)
    with pytest.raises(CorpusError, match="1 of 1 stems missing"):
        table.read_table(tmp_path, check_files=True)
    (tmp_path / "audio/A_song").mkdir(parents=True)
    (tmp_path / "audio/A_song/vox.flac").touch()
    table.read_table(tmp_path, check_files=True)


def test_write_table_all_kinds_pass(tmp_path):
    table.write_table([make(stem=kind or "none", kind=kind) for kind in KINDS], tmp_path)
