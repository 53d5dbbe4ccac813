"""A Parquet dataset: what goes in comes out, and queries of it find what those of a store find."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")
pytest.importorskip("duckdb")

from organology.cluster.address import is_address, is_dataset  # noqa: E402
from organology.cluster.dataset import Dataset  # noqa: E402
from organology.cluster.query.finder import Finder  # noqa: E402
from organology.cluster.schema import DatasetRun, FileKey, failure_row, recognition_of, rows_of  # noqa: E402
from organology.cluster.transfer import export_store, import_dataset, merge_dataset  # noqa: E402
from organology.errors import StoreError  # noqa: E402
from organology.labels import LabelSet, default_set  # noqa: E402
from organology.library.rows import FileState  # noqa: E402
from organology.library.store import Store  # noqa: E402
from organology.library.table import Library, sorted_rows  # noqa: E402
from organology.model_metadata import ModelMetadata  # noqa: E402
from organology.recognition import Recognition, Recognizer  # noqa: E402

METADATA = ModelMetadata(default_set(), tuple(np.linspace(0.2, 0.6, 15).tolist()), name="made")
RUN = DatasetRun.now("00" * 32, "made", METADATA, 1.0)

QUERIES = (
    "",
    "violin",
    "voice",
    "violin and not drums",
    "not (violin or drums)",
    "guitar",
    "violin > 0.6",
    "piano > synth",
    "guitar < 70%",
    "singer.seconds >= 4",
    "not singer.seconds > 4 and violin",
    "drums.share < 30%",
    "duration > 0:10",
    "0.2 < key <= .9",
    'path ~ "*/1?.wav"',
    'path != "/music/03.wav"',
    "channel = 1",
)


def made(name, n=9, seed=0):
    rng = np.random.default_rng(seed)
    duration = n + 2.5
    scores = default_set().raise_parents(rng.random((n, 15)).astype(np.float32))
    starts = np.append(np.arange(n - 1.0), duration - 4)
    ends = np.append(starts[:-1] + 4, duration)
    file_scores = default_set().raise_parents(rng.random(15).astype(np.float32))
    return Recognition(
        name, duration, starts, ends, scores, file_scores, np.array(METADATA.thresholds), 1.0, "made", ("a note",)
    )


@pytest.fixture
def examples():
    return sorted(Path(__file__).parents[2].joinpath("examples").glob("*.ogg"))


@pytest.fixture
def store(tmp_path):
    """A store with 25 files, one of them with channels, and one that cannot be recognized."""
    with Store(tmp_path / "lib.db") as opened:
        run = opened.run("00" * 32, "made", METADATA, 1.0)
        for i in range(24):
            file = FileState(f"/music/{i:02}.wav", 100 + i, 1000 + i)
            opened.put(run, file, [made(file.path, 5 + i % 7, i)])
        channels = [made(f"/music/split.wav#ch{i}", 6, 50 + i) for i in (1, 2)]
        opened.put(run, FileState("/music/split.wav", 7, 7), channels, split=True)
        opened.put_failure(run, FileState("/music/bad.wav", 3, 3), "not audio")
        yield opened


@pytest.fixture
def dataset(store, tmp_path):
    dataset = Dataset(tmp_path / "results")
    assert export_store(store, dataset) == 27
    return dataset


def same(left, right):
    assert (left.duration, left.model, left.notes, left.labels) == (
        right.duration,
        right.model,
        right.notes,
        right.labels,
    )
    for name in ("starts", "ends", "scores", "file_scores", "thresholds"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    assert left.segments == right.segments


def write(dataset, job, *rows, run=RUN):
    dataset.write(run, job, "0", pa.Table.from_pylist(list(rows), schema=run.schema))


def test_recognition_comes_out_as_it_went_in(tmp_path):
    dataset, one = Dataset(tmp_path / "results"), made("/a.wav")
    write(dataset, "a", *rows_of(FileKey("/a.wav", 1, 2), [one]))
    (run,) = dataset.runs().values()
    assert run == RUN
    ((name,),) = dataset.parts().values()
    (table,) = dataset.tables([name])
    (row,) = table.to_pylist()
    same(recognition_of(row, run, "/a.wav"), one)


@pytest.mark.parametrize(
    "settings", [{}, {"thresholds": 0.5}, {"min_seconds": 3.0}, {"thresholds": 0.4, "min_seconds": 2.0}]
)
def test_queries_of_a_dataset_find_what_those_of_its_store_find(store, dataset, settings):
    library = Library.load(store, **settings)
    with Finder(dataset, **settings) as finder:
        assert len(finder) == len(library)
        for query in QUERIES:
            expected = library.find(query)
            found = finder.find(query)
            assert found.rows.names == expected.names, query
            assert found.n_matching == len(expected)
            np.testing.assert_array_equal(found.rows.scores, expected.scores)
            np.testing.assert_array_equal(found.rows.plays, expected.plays)


@pytest.mark.parametrize("by", ["path", "-violin"])
def test_find_names_only_gives_the_names_in_order_without_scores(dataset, by):
    with Finder(dataset) as finder:
        whole = finder.find("violin or drums.seconds > 2", by, 9)
        found = finder.find("violin or drums.seconds > 2", by, 9, names_only=True)
    assert found.rows.names == whole.rows.names and found.n_matching == whole.n_matching
    np.testing.assert_array_equal(found.rows.durations, whole.rows.durations)
    assert found.rows.scores.shape == (9, 0)


@pytest.mark.parametrize("by", ["path", "-path", "duration", "-duration", "violin", "-violin"])
def test_order_and_limit_are_those_of_a_store(store, dataset, by):
    library = Library.load(store)
    expected = library.taken(sorted_rows(library, by)[:7]).names
    with Finder(dataset) as finder:
        found = finder.find("", by, 7)
    assert found.rows.names == expected and found.n_matching == len(library)


def test_store_that_was_exported_and_imported_holds_the_same(store, dataset, tmp_path):
    with Store(tmp_path / "other.db") as other:
        assert import_dataset(dataset, other) == 26
        (left,), (right,) = store.runs(), other.runs()
        for i in range(24):
            file = FileState(f"/music/{i:02}.wav", 100 + i, 1000 + i)
            (one,), (two,) = store.get(left, file, "a"), other.get(right, file, "a")
            same(one, two)
        split = FileState("/music/split.wav", 7, 7)
        pairs = zip(store.get(left, split, "a", split=True), other.get(right, split, "a", split=True), strict=True)
        for one, two in pairs:
            same(one, two)
        assert str(other.get(right, FileState("/music/bad.wav", 3, 3), "bad.wav")) == "bad.wav: not audio"


def recordings(store):
    columns = [row[1] for row in store.select("PRAGMA table_info(recording)")]
    kept = [name for name in columns if name not in ("id", "run", "segmenting")]
    listed = ", ".join(f'recording."{name}"' for name in kept)
    return store.select(
        f"SELECT {listed}, scores, logits, levels FROM recording"
        " LEFT JOIN window_scores AS w ON w.recording = recording.id"
        " LEFT JOIN frame_scores AS f ON f.recording = recording.id ORDER BY path, channel"
    )


def test_every_value_of_a_store_with_frames_comes_back(tmp_path, examples):
    recognizer = Recognizer(threads=1)
    with Store(tmp_path / "a.db") as one, Store(tmp_path / "b.db") as other:
        run = one.run(recognizer.digest, recognizer.model, recognizer.metadata, recognizer.metadata.hop_seconds)
        at = datetime(2020, 2, 2, tzinfo=UTC)
        for path in (str(examples[0]), "/music/\udcff.wav"):
            state = FileState(path, 5, 6)
            one.put(run, state, [recognizer.recognize(examples[0])], content="ab" * 16, at=at)
        one.put_failure(run, FileState("/bad.wav", 1, 1), "not audio", "cd" * 16, at)
        dataset = Dataset(tmp_path / "results")
        export_store(one, dataset)
        import_dataset(dataset, other)
        assert recordings(other) == recordings(one)
        assert recordings(one)[1][-1] is not None  # frames


def test_rows_of_a_version_without_content_are_merged_and_imported(tmp_path):
    dataset, key = Dataset(tmp_path / "results"), FileKey("/a.wav", 1, 2)
    table = pa.Table.from_pylist(rows_of(key, [made("/a.wav")]), schema=RUN.schema)
    dataset.write(RUN, "a", "0", table.drop_columns(["content"]))
    write(dataset, "b", *rows_of(FileKey("/b.wav", 1, 2), [made("/b.wav")]))
    assert merge_dataset(dataset, Dataset(tmp_path / "merged")) == 2
    with Store(tmp_path / "a.db") as store:
        assert import_dataset(dataset, store) == 2
    with Finder(dataset) as finder:
        assert finder.find("").rows.names == ["/a.wav", "/b.wav"]


def test_second_export_writes_nothing(store, dataset):
    assert export_store(store, dataset) == 0


def test_latest_row_of_a_file_counts(tmp_path):
    dataset, key = Dataset(tmp_path / "results"), FileKey("/a.wav", 1, 2)
    first, second = rows_of(key, [made("/a.wav", 9, 1)]), rows_of(key, [made("/a.wav", 9, 2)])
    second[0]["recognized_at"] = first[0]["recognized_at"] + timedelta(seconds=1)
    write(dataset, "b", *second)
    write(dataset, "a", *first)
    with Finder(dataset) as finder:
        found = finder.find("")
        assert len(finder) == 1
    np.testing.assert_array_equal(found.rows.scores[0], made("/a.wav", 9, 2).file_scores)


def test_merged_dataset_has_the_latest_rows_in_fewer_files(tmp_path):
    dataset, merged = Dataset(tmp_path / "results"), Dataset(tmp_path / "merged")
    for i in range(6):
        write(dataset, f"job{i}", *rows_of(FileKey(f"/{i % 3}.wav", 1, 2), [made(f"/{i % 3}.wav", 9, i)]))
    assert merge_dataset(dataset, merged) == 3
    assert merge_dataset(dataset, merged) == 0
    ((_,),) = merged.parts().values()
    with Finder(merged) as found, Finder(dataset) as expected:
        np.testing.assert_array_equal(found.find("").rows.scores, expected.find("").rows.scores)
        assert len(found) == 3
    with pytest.raises(StoreError, match="must be another dataset"):
        merge_dataset(dataset, dataset)


def test_block_that_is_written_again_replaces_itself(tmp_path):
    dataset, key = Dataset(tmp_path / "results"), FileKey("/a.wav", 1, 2)
    for _ in range(2):
        write(dataset, "a", *rows_of(key, [made("/a.wav")]))
    assert [len(names) for names in dataset.parts().values()] == [1]


def test_done_files_are_those_that_need_not_be_tried_again(tmp_path):
    dataset = Dataset(tmp_path / "results")
    good, bad, gone = (FileKey(f"/{name}.wav", 1, 2, etag) for name, etag in (("a", None), ("b", "e"), ("c", None)))
    write(
        dataset,
        "a",
        *rows_of(good, [made("/a.wav")]),
        failure_row(bad, "not audio"),
        failure_row(gone, "no such file", transient=True),
    )
    assert dataset.done(RUN) == {good: None, bad: "not audio"}
    assert dataset.done(RUN, split=True) == {bad: "not audio"}
    assert dataset.done(replace(RUN, sha256="11" * 32)) == {}


def test_another_label_set_is_refused(tmp_path):
    dataset = Dataset(tmp_path / "results")
    write(dataset, "a", *rows_of(FileKey("/a.wav", 1, 2), [made("/a.wav")]))
    other = DatasetRun.now("11" * 32, "o", ModelMetadata(LabelSet("two", ("a", "b")), (0.5, 0.5)), 1.0)
    with pytest.raises(StoreError, match="holds the label set bradl15, this run has two"):
        dataset.check_run(other)


def test_parquet_of_others_is_no_dataset(tmp_path):
    import pyarrow.parquet as pq

    (tmp_path / "run=x").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "run=x" / "part-a-0.parquet")
    with pytest.raises(StoreError, match="Parquet, but not a dataset of organology"):
        Dataset(tmp_path).runs()


def test_dataset_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="no such dataset"):
        Finder(Dataset(tmp_path / "none"))


def test_path_that_is_not_utf_8_stands_as_an_address():
    key = FileKey.of_state(FileState("/music/\udcff.wav", 1, 2))
    assert key.path == "file:///music/%FF.wav"


def test_addresses_are_told_from_paths(tmp_path):
    assert is_address("s3://bucket/key") and is_address("file:///a")
    assert not any(map(is_address, ("/a/b", "a.wav", "C://x", "")))
    assert is_dataset(tmp_path) and is_dataset("gs://b") and not is_dataset(tmp_path / "lib.db")
