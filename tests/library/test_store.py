"""The store: what goes in comes out, what changed does not, and neither threads nor processes harm it."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import bounded
from organology import audio
from organology.errors import AudioError, ModelError, QueryError, StoreError
from organology.labels import LabelSet, default_set
from organology.library.rows import FileState, pack, seconds_of, unpack
from organology.library.store import Store
from organology.model_metadata import ModelMetadata
from organology.recognition import Recognition, Recognizer
from tiny_model import build

METADATA = ModelMetadata(default_set(), tuple(np.linspace(0.2, 0.6, 15).tolist()), name="made")


def made(name="a.wav", n=9, seed=0, duration=None):
    """A recognition as the recognizer would give it."""
    rng = np.random.default_rng(seed)
    duration = n + 2.5 if duration is None else duration
    scores = default_set().raise_parents(rng.random((n, 15)).astype(np.float32))
    starts = np.append(np.arange(n - 1.0), duration - 4)
    ends = np.append(starts[:-1] + 4, duration)
    thresholds = np.array(METADATA.thresholds)
    return Recognition(name, duration, starts, ends, scores, scores.mean(axis=0), thresholds, 1.0, "made", ("a note",))


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "lib.db") as opened:
        yield opened


@pytest.fixture
def run(store):
    return store.run("00" * 32, "made", METADATA, 1.0)


def file(path="/music/a.wav", size=10, mtime_ns=20):
    return FileState(path, size, mtime_ns)


def same(left, right):
    assert (left.source, left.duration, left.model, left.notes) == (
        right.source,
        right.duration,
        right.model,
        right.notes,
    )
    for name in ("starts", "ends", "scores", "file_scores", "thresholds"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), name)
    assert left.segments == right.segments and left.hop_seconds == right.hop_seconds


def test_store_recognition_comes_back(store, run):
    assert store.get(run, file(), "a.wav") is None
    recognition = made()
    store.put(run, file(), [recognition])
    (found,) = store.get(run, file(), "a.wav")
    same(found, recognition)
    assert store.get(run, file(), "other/a.wav")[0].source == "other/a.wav"
    assert store.count(run) == (1, 0)


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=15, max_size=15), min_size=1, max_size=5))
def test_store_packed_scores_come_back_exactly(rows):
    scores = np.array(rows, np.float32)
    np.testing.assert_array_equal(unpack(pack(scores), 15), scores)
    assert len(pack(scores)) == 60 * len(rows)


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 14 * 8_000),
    rate=st.sampled_from([8_000, 11_025, 44_100]),
    hop=st.sampled_from([0.3, 1, 2.5, 6]),
)
def test_store_times_come_back_exactly(tiny, tmp_path_factory, frames, rate, hop):
    recognition = tiny.recognize(audio.from_array(np.full(frames, 0.1, np.float32), rate), hop)
    with Store(tmp_path_factory.mktemp("store") / "lib.db") as store:
        run = store.run("00" * 32, "tiny", tiny.metadata, hop)
        store.put(run, file(), [recognition])
        (found,) = store.get(run, file(), recognition.source)
    same(found, recognition)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return Recognizer(build(tmp_path_factory.mktemp("model") / "tiny.onnx"), threads=1)


def test_store_file_that_changed_is_not_known(store, run):
    store.put(run, file(), [made()])
    assert store.get(run, file(size=11), "a.wav") is None and store.get(run, file(mtime_ns=21), "a.wav") is None
    assert store.get(run, file("/music/b.wav"), "b.wav") is None
    store.put(run, file(size=11), [made(seed=1)])
    assert store.get(run, file(), "a.wav") is None and store.get(run, file(size=11), "a.wav") is not None
    assert (
        store.select("SELECT count(*) FROM recording") == store.select("SELECT count(*) FROM window_scores") == [(1,)]
    )


def test_store_runs_are_kept_apart(store, run):
    others = [
        store.run("11" * 32, "made", METADATA, 1.0),
        store.run("00" * 32, "made", METADATA, 0.5),
    ]
    store.put(run, file(), [made()])
    assert all(store.get(other, file(), "a.wav") is None for other in others)
    assert store.run("00" * 32, "made", METADATA, 1.0) == run and store.runs() == [run, *others]


def test_store_other_scoring_makes_all_anew(store, run, monkeypatch):
    store.put(run, file(), [made()])
    monkeypatch.setattr("organology.library.store.SCORING_VERSION", 2)
    other = store.run("00" * 32, "made", METADATA, 1.0)
    assert store.get(other, file(), "a.wav") is None and store.runs() == [other]


def test_store_failures_are_known_until_the_file_changes(store, run):
    store.put_failure(run, file(), "empty file")
    found = store.get(run, file(), "x/a.wav")
    assert isinstance(found, AudioError) and str(found) == "x/a.wav: empty file"
    assert isinstance(store.get(run, file(), "x/a.wav", split=True), AudioError)
    assert store.get(run, file(size=11), "a.wav") is None and store.count(run) == (0, 1)
    store.put(run, file(), [made()])
    assert isinstance(store.get(run, file(), "a.wav"), list) and store.count(run) == (1, 0)


def test_store_channels_are_kept_apart(store, run):
    left, right = made("a.wav#ch1", seed=1), made("a.wav#ch2", seed=2)
    store.put(run, file(), [left, right], split=True)
    assert store.get(run, file(), "a.wav") is None
    for found, put in zip(store.get(run, file(), "a.wav", split=True), (left, right), strict=True):
        same(found, put)
    store.put(run, file(), [made()])
    assert len(store.get(run, file(), "a.wav", split=True)) == 2 and len(store.get(run, file(), "a.wav")) == 1
    assert store.count(run) == (1, 0)


def test_store_one_channel_alone_is_the_mix(store, run):
    store.put(run, file(), [made()], split=True)
    same(store.get(run, file(), "a.wav")[0], made())
    same(store.get(run, file(), "a.wav", split=True)[0], made())


def test_store_names_that_are_not_utf_8_come_back(store, run):
    name = os.fsdecode(b"/music/caf\xe9 \xe2\x99\xab 'x'.wav")
    store.put(run, file(name), [made()])
    assert store.get(run, file(name), "a.wav") is not None
    assert store.select("SELECT path FROM recording") == [(name,)]


def test_store_columns_can_be_read_by_others(store, run, tmp_path):
    recognition = made()
    store.put(run, file(), [recognition])
    other = sqlite3.connect(tmp_path / "lib.db")
    violin, seconds, notes = other.execute("SELECT violin, violin_seconds, notes FROM recording").fetchone()
    assert violin == recognition.score("violin") and notes == '["a note"]'
    assert seconds == seconds_of(recognition)[default_set().index("violin")]
    other.close()


def test_store_of_another_kind_is_refused_in_one_line(tmp_path):
    (tmp_path / "text.db").write_text("This is text, and longer than the head of a database would be. " * 4)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE cake (slices)")
    other.commit()
    other.close()
    newer = tmp_path / "newer.db"
    Store(newer).close()
    changed = sqlite3.connect(newer)
    changed.execute("PRAGMA user_version = 99")
    changed.close()
    for name, reason in (
        ("text.db", "file is not a database"),
        ("other.db", "not a store"),
        ("newer.db", "version 99"),
        ("text.db/x.db", "cannot be used"),
    ):
        for create in (True, False):
            with pytest.raises(StoreError) as error:
                Store(tmp_path / name, create=create)
            told = str(error.value)
            assert told.startswith(f"{tmp_path / name}: ") and "\n" not in told
            assert reason in told or (not create and "no such store" in told)
    with pytest.raises(StoreError, match="no such store"):
        Store(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()
    assert sqlite3.connect(tmp_path / "other.db").execute("SELECT name FROM sqlite_master").fetchall() == [("cake",)]
    assert sqlite3.connect(tmp_path / "other.db").execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_store_is_read_while_another_writes(store, run, tmp_path):
    store.put(run, file(), [made()])
    with Store(tmp_path / "lib.db", create=False) as reader:
        assert reader.get(reader.runs()[0], file(), "a.wav") is not None
        store.put(run, file("/music/b.wav"), [made()])
        assert reader.count(run) == (2, 0)
        with pytest.raises(StoreError, match="readonly"):
            reader.put(run, file(), [made()])


def test_store_transaction_that_fails_leaves_nothing(store, run):
    broken = replace(made(), file_scores=np.zeros(3, np.float32))
    with pytest.raises(ValueError):
        store.put(run, file(), [made(), broken], split=True)
    assert store.select("SELECT count(*) FROM recording") == [(0,)]


def test_store_shared_by_threads_loses_nothing(store, run):
    def work(number):
        for i in range(10):
            store.put(run, file(f"/{number}/{i}"), [made(seed=i)])
            assert store.get(run, file(f"/{number}/{i}"), "x") is not None

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count(run) == (40, 0)


WRITER = """
import sys
sys.path.insert(0, {tests!r})
from library.test_store import METADATA, file, made
from organology.library.store import Store
with Store(sys.argv[1]) as store:
    run = store.run("00" * 32, "made", METADATA, 1.0)
    print("begun", flush=True)
    for i in range(int(sys.argv[3])):
        store.put(run, file(f"/{{sys.argv[2]}}/{{i}}"), [made(seed=i)])
"""


def writer(path, name, n):
    code = WRITER.format(tests=str(Path(__file__).parents[1]))
    return subprocess.Popen([sys.executable, "-c", code, str(path), name, str(n)], stdout=subprocess.PIPE)


def test_store_of_two_processes_one_killed_is_whole(tmp_path):
    path = tmp_path / "lib.db"
    killed, other = writer(path, "killed", 100_000), writer(path, "other", 30)
    assert killed.stdout.readline() and other.wait(60) == 0
    killed.kill()
    killed.wait(60)
    with Store(path) as store:
        assert store.select("PRAGMA integrity_check") == [("ok",)]
        (run,) = store.runs()
        names = [name for (name,) in store.select("SELECT path FROM recording ORDER BY id")]
        assert {f"/other/{i}" for i in range(30)} <= set(names) and len(names) == len(set(names))
        of_killed = [name for name in names if name.startswith("/killed/")]
        assert of_killed == [f"/killed/{i}" for i in range(len(of_killed))]
        n_windows = store.select("SELECT count(*) FROM window_scores")
        assert n_windows == [(len(names),)] and store.get(run, file("/other/7"), "x") is not None
    killed.stdout.close()
    other.stdout.close()


def test_prune_of_gone_files_forgets_them(store, run, tmp_path):
    there = tmp_path / "there.wav"
    there.touch()
    store.put(run, FileState.of(there), [made()])
    store.put(run, file("/nowhere/gone.wav"), [made()])
    store.put_failure(run, file("/nowhere/broken.wav"), "empty file")
    assert store.prune(dry_run=True) == ["/nowhere/broken.wav", "/nowhere/gone.wav"] and store.count(run) == (2, 1)
    assert len(store.prune()) == 2 and store.count(run) == (1, 0) and store.prune() == []
    assert store.select("SELECT count(*) FROM window_scores") == [(1,)]


def test_file_state_of_a_file_follows_its_changes(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_text("text")
    monkeypatch.chdir(tmp_path)
    state = FileState.of("a.wav")
    assert (state.path, state.size) == (str(tmp_path / "a.wav"), 4) and FileState.of(tmp_path / "a.wav") == state
    assert FileState.of("none.wav") is None and FileState.of("bad\0name") is None
    os.utime("a.wav", ns=(1, 2))
    assert FileState.of("a.wav").mtime_ns == 2


def test_store_other_segment_settings_make_seconds_alone_anew(store, run, monkeypatch):
    from organology.library.table import Library

    store.put(run, file(), [made()])
    before = Library.load(store).seconds
    monkeypatch.setattr("organology.library.store.settings_text", lambda frames: '{"min_seconds": 3}')
    again = store.run("00" * 32, "made", METADATA, 1.0)
    assert again.id == run.id and again.segmenting != run.segmenting
    assert store.get(again, file(), "a.wav") is not None
    store.put(again, file("/music/b.wav"), [made()])
    library = Library.load(store)
    assert library._outdated(library.ids.tolist()) == library.ids.tolist()[:1]
    np.testing.assert_allclose(library.seconds, np.concatenate([before, before]), atol=1e-4)


FIVE = LabelSet("five", ("strings", "guitar", "keyboard", "drums", "voice"), concepts={"strings": ("bowed_string",)})


def recognition_of_five(sounding, seconds=20.0):
    starts = np.arange(seconds - 3)
    scores = np.full((len(starts), 5), 0.1, np.float32)
    scores[:, [FIVE.index(label) for label in sounding]] = 0.9
    return Recognition(
        "x", seconds, starts, starts + 4, scores, scores.mean(axis=0), np.full(5, 0.5), 1.0, "made",
        labels=FIVE.labels, label_set=FIVE,
    )  # fmt: skip


def test_store_of_another_label_set_keeps_it(tmp_path):
    from organology.library.table import Library

    with Store(tmp_path / "lib.db") as opened:
        assert opened.is_empty and opened.label_set == default_set()
        run = opened.run("00" * 32, "made", ModelMetadata(FIVE, (0.5,) * 5, name="made"), 1.0)
        opened.put(run, file("/m/a.wav"), [recognition_of_five(["strings", "guitar"])])
        opened.put(run, file("/m/b.wav"), [recognition_of_five(["guitar"])])
    with Store(tmp_path / "lib.db", create=False) as opened:
        assert opened.label_set == FIVE
        (found,) = opened.get(opened.runs()[0], file("/m/a.wav"), "a.wav")
        same(found, replace(recognition_of_five(["strings", "guitar"]), source="a.wav"))
        assert found.label_set == FIVE and found.instruments == ["strings", "guitar"]
        library = Library.load(opened)
        assert library.find("guitar and not strings").paths == ["/m/b.wav"]
        assert library.find("guitar.seconds > 10 and Strings < 20%").paths == ["/m/b.wav"]
        assert library.find("drums").paths == []
        assert Library.load(opened, {"drums": 0.05}, 3).find("drums").paths == ["/m/a.wav", "/m/b.wav"]
        with pytest.raises(QueryError, match="did you mean guitar"):
            library.find("gitar")


def test_store_run_of_another_label_set_is_refused_in_one_line(store, run, tmp_path):
    with pytest.raises(StoreError) as caught:
        store.run("11" * 32, "other", ModelMetadata(FIVE, (0.5,) * 5), 1.0)
    assert str(caught.value).endswith("holds the label set bradl15, this run has five; name another store")
    store.put(run, file(), [made()])
    with Store(tmp_path / "lib.db") as again, pytest.raises(StoreError):
        again.run("11" * 32, "other", ModelMetadata(FIVE, (0.5,) * 5), 1.0)


def test_store_labels_that_cannot_be_columns_are_refused(tmp_path):
    for wrong in (("path", "piano"), ("piano", "piano_seconds"), ("id",)):
        bad = LabelSet("bad", wrong, concepts=dict.fromkeys(wrong, ()))
        with Store(tmp_path / "lib.db") as opened, pytest.raises(StoreError, match="cannot hold a label"):
            opened.run("00" * 32, "made", ModelMetadata(bad, (0.5,) * len(wrong)), 1.0)
    with Store(tmp_path / "lib.db") as opened:
        assert opened.is_empty


def old_store(path):
    """A store as version 1 wrote it."""
    with Store(path) as opened:
        run = opened.run("00" * 32, "made", METADATA, 1.0)
        opened.put(run, file(), [made()])
    connection = sqlite3.connect(path)
    for statement in (
        "DROP INDEX recording_size",
        "ALTER TABLE recording DROP COLUMN content",
        "ALTER TABLE recording DROP COLUMN moved_from",
        "DROP TABLE label_set",
        "DROP TABLE frame_scores",
        "DROP TABLE in_work",
        "CREATE TABLE in_work (path TEXT PRIMARY KEY, times INTEGER NOT NULL)",
        "INSERT INTO in_work VALUES ('/music/x.wav', 2)",
        "PRAGMA user_version = 1",
    ):
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_store_of_version_1_is_read_and_brought_to_this_one(tmp_path):
    from organology.library.moves import adopt, moved_files
    from organology.library.table import Library

    path = tmp_path / "lib.db"
    old_store(path)
    with Store(path, create=False) as opened:
        assert opened.label_set == default_set() and len(Library.load(opened)) == 1 and moved_files(opened) == []
        same(opened.get(opened.runs()[0], file(), "a.wav")[0], made())
    for _ in range(2):
        with Store(path) as opened:
            (run,) = opened.runs()
            same(opened.get(run, file(), "a.wav")[0], made())
            assert opened.select("PRAGMA user_version") == [(3,)] and adopt(opened, file("/new.wav")) is None
            assert opened.run("00" * 32, "made", METADATA, 1.0).id == run.id
            opened.put(run, file("/music/b.wav"), [made(seed=1)], content="00")


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(alphabet='a0[]" é', max_size=5),
    st.binary(max_size=130),
)
COLUMNS = ("windows", "last_start", "duration", "notes", "violin", "voice_seconds", "channel", "failure", "content")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "lib.db"
    with Store(path) as opened:
        run = opened.run("00" * 32, "made", METADATA, 1.0)
        opened.put(run, file("/m/damaged.wav"), [made()], content="00")
        opened.put(run, file("/m/good.wav"), [made()])
    return path


@settings(max_examples=25, deadline=None)
@given(column=st.sampled_from(COLUMNS), value=VALUES, packed=st.one_of(st.just(None), VALUES))
def test_store_damaged_rows_give_values_or_one_line(column, value, packed, template, tmp_path_factory):
    from organology.library.moves import adopt
    from organology.library.table import Library, sorted_rows

    path = tmp_path_factory.mktemp("store") / "lib.db"
    shutil.copy(template, path)
    connection = sqlite3.connect(path)
    try:
        connection.execute(f"UPDATE recording SET {column} = ? WHERE path = '/m/damaged.wav'", (value,))
        if packed is not None:
            connection.execute("UPDATE window_scores SET scores = ? WHERE recording = 1", (packed,))
        connection.commit()
    except sqlite3.IntegrityError:
        connection.rollback()
    connection.close()
    with bounded(), Store(path) as opened:
        (run,) = opened.runs()
        found = opened.get(run, file("/m/damaged.wav"), "x")
        assert found is None or isinstance(found, list | AudioError)
        for asked in (None, {"violin": 0.31}):
            library = Library.load(opened, asked)
            assert "/m/good.wav" in library.find("violin >= 0 and violin.seconds >= 0 or duration < 1").paths
            assert len(sorted_rows(library, "violin")) == len(library)
        adopt(opened, file("/m/new.wav"), lambda path: "00")


@settings(max_examples=40, deadline=None)
@given(place=st.integers(0, 10**6), data=st.binary(min_size=1, max_size=64), cut=st.booleans())
def test_damaged_file_of_a_store_gives_values_or_one_line(place, data, cut, template, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "lib.db"
    content = template.read_bytes()
    place %= len(content)
    path.write_bytes(content[:place] + data + (b"" if cut else content[place + len(data) :]))
    with bounded(StoreError, ModelError), Store(path) as opened:
        for run in opened.runs():
            assert isinstance(opened.get(run, file("/m/good.wav"), "x"), list | AudioError | None)
            opened.put(run, file("/m/new.wav"), [made(seed=2)])
        opened.prune(dry_run=True)
