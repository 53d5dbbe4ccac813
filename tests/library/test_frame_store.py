"""The store with scores of frames: what comes out is what was recognized, in every version of the schema."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from library.test_store import METADATA, file, made
from organology import Recognizer
from organology.errors import StoreError
from organology.library.moves import adopt
from organology.library.rows import seconds_of
from organology.library.store import Store
from organology.library.table import Library
from organology.recognition import SegmentSettings
from recognition.test_frames import MUSIC, SENSITIVE, STRICT, same
from tiny_model import RATE, build, frame_metadata


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory):
    about = frame_metadata(presets={"strict": STRICT, "sensitive": SENSITIVE}, tentative=("singer",))
    return Recognizer(build(tmp_path_factory.mktemp("model") / "frames.onnx", about), threads=1)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "lib.db") as opened:
        yield opened


def begun(store, recognizer):
    return store.run(recognizer.digest, recognizer.model, recognizer.metadata, recognizer.metadata.hop_seconds)


@pytest.mark.parametrize("n_samples", [1, 20_000, 127_999, 200_001, len(MUSIC)])
def test_store_frames_come_back_exactly(store, recognizer, n_samples):
    run = begun(store, recognizer)
    recognition = recognizer.recognize(MUSIC[:n_samples], sr=RATE)
    store.put(run, file(), [recognition])
    (run,) = store.runs()
    (found,) = store.get(run, file(), recognition.source)
    same(found, recognition)
    for thresholds in ("strict", 0.05, {"violin": 0.8}):
        settings = SegmentSettings(median_seconds=0, low_ratio=0.9)
        same(found.refined(thresholds, settings), recognition.refined(thresholds, settings))
    np.testing.assert_array_equal(Library.load(store).seconds[0], seconds_of(recognition))
    np.testing.assert_array_equal(
        Library.load(store, {"violin": 0.8}).seconds[0], seconds_of(found.refined({"violin": 0.8}))
    )


def test_find_by_presets_decides_what_is_found(store, recognizer):
    run = begun(store, recognizer)
    recognition = recognizer.recognize(MUSIC, sr=RATE)
    scores = recognition.file_scores.copy()
    scores[recognition.labels.index("drums")] = scores[recognition.labels.index("percussion")] = 0.3
    store.put(run, file(), [replace(recognition, file_scores=scores)])
    assert [len(Library.load(store, preset=preset).find("drums")) for preset in (None, "strict", "sensitive")] == [
        0,
        0,
        1,
    ]
    assert len(Library.load(store, "sensitive").find("drums")) == 1
    assert len(Library.load(store, {"drums": 0.31}, preset="sensitive").find("drums")) == 0
    np.testing.assert_array_equal(
        Library.load(store, preset="strict").seconds[0], seconds_of(recognition.refined("strict"))
    )
    with pytest.raises(ValueError, match="no thresholds 'loose'"):
        Library.load(store, preset="loose")


def test_store_holds_the_labels_that_are_given(store, recognizer):
    begun(store, recognizer)
    assert "singer" not in store.label_set.labels and "violin" in store.label_set.labels
    whole = Recognizer(recognizer._model._model, threads=1, labels="all")
    with pytest.raises(StoreError, match="of the same name, but with other labels"):
        begun(store, whole)


def test_store_frames_of_a_moved_file_go_with_it(store, recognizer):
    run = begun(store, recognizer)
    recognition = recognizer.recognize(MUSIC, sr=RATE)
    store.put(run, file("/nowhere/a.wav"), [recognition], content="00")
    moved = adopt(store, file("/nowhere/b.wav"), lambda path: "00")
    assert moved is not None and moved.is_moved
    same(store.get(run, file("/nowhere/b.wav"), recognition.source)[0], recognition)
    assert store.select("SELECT count(*) FROM frame_scores") == [(1,)]
    assert store.prune() == ["/nowhere/b.wav"] and store.select("SELECT count(*) FROM frame_scores") == [(0,)]


def test_store_frames_of_a_copied_file_are_copied(store, recognizer, tmp_path):
    from organology.library.rows import FileState

    run = begun(store, recognizer)
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
    recognition = recognizer.recognize(MUSIC, sr=RATE)
    store.put(run, FileState.of(tmp_path / "a"), [recognition], content="00")
    adopt(store, FileState.of(tmp_path / "b"), lambda path: "00")
    for name in "ab":
        same(store.get(run, FileState.of(tmp_path / name), recognition.source)[0], recognition)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("logits", b"text"),
        ("levels", b""),
        ("logits", 7),
        ("levels", "x"),
        ("logits", b"x\x9c\x03\x00\x00\x00\x00\x01"),
    ],
)
def test_store_damaged_frames_count_as_none(store, recognizer, tmp_path, column, value):
    run = begun(store, recognizer)
    store.put(run, file(), [recognizer.recognize(MUSIC, sr=RATE)])
    connection = sqlite3.connect(tmp_path / "lib.db")
    connection.execute(f"UPDATE frame_scores SET {column} = ?", (value,))
    connection.commit()
    connection.close()
    assert store.get(run, file(), "x") is None
    library = Library.load(store, 0.4)
    assert library.seconds.sum() == 0 and library.unreadable == ["/music/a.wav"]


def test_store_of_version_2_is_read_and_brought_to_this_one(tmp_path, recognizer):
    path = tmp_path / "lib.db"
    with Store(path) as opened:
        opened.put(opened.run("00" * 32, "made", METADATA, 1.0), file(), [made()])
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE frame_scores; PRAGMA user_version = 2")
    connection.close()
    with Store(path, create=False) as opened:
        assert opened.get(opened.runs()[0], file(), "a.wav")[0].segments == made().segments
        assert len(Library.load(opened)) == 1 and Library.load(opened).seconds.any()
        assert opened.select("PRAGMA user_version") == [(2,)]
    whole = Recognizer(recognizer._model._model, threads=1, labels="all")
    with Store(path) as opened:
        assert opened.select("PRAGMA user_version") == [(3,)]
        run = begun(opened, whole)
        opened.put(run, file("/music/b.wav"), [whole.recognize(MUSIC, sr=RATE)])
        assert len(Library.load(opened)) == 2 and Library.load(opened).seconds.any(axis=1).all()
