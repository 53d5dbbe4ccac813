"""`organology recognize --engine ray`: the same results, each once, whatever dies in between."""

import os
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("ray")
pytest.importorskip("pyarrow")
psutil = pytest.importorskip("psutil")

from organology.cluster import worker  # noqa: E402
from organology.cluster.dataset import Dataset  # noqa: E402
from organology.cluster.job import blocks_of  # noqa: E402
from organology.cluster.schema import DatasetRun, FileKey, recognition_of  # noqa: E402
from organology.cluster.sources import find_sources  # noqa: E402
from organology.cluster.worker import Task, Worker  # noqa: E402
from organology.recognition import Recognizer  # noqa: E402


def python_path():
    """The environment of a process that imports what the tests import."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def start(*arguments):
    command = [sys.executable, "-m", "organology", "recognize", *map(str, arguments), "--engine", "ray"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=python_path())


def finished(*arguments):
    process = start(*arguments)
    _, said = process.communicate(timeout=300)
    return process.returncode, said


def rows_of(dataset):
    return [row for names in dataset.parts().values() for table in dataset.tables(names) for row in table.to_pylist()]


def check(dataset, archive):
    """Each file is there once, with the scores that a recognizer gives here."""
    (run_,) = dataset.runs().values()
    rows = rows_of(dataset)
    assert sorted(row["path"].rpartition("/")[2] for row in rows) == sorted(one.name for one in archive.iterdir())
    recognizer = Recognizer(threads=1)
    for row in rows:
        name = row["path"].rpartition("/")[2]
        if name == "broken.wav":
            assert row["failure"] == "not audio that can be decoded" and row["duration"] is None
            continue
        expected, found = recognizer.recognize(archive / name), recognition_of(row, run_, name)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
        np.testing.assert_allclose(found.file_scores, expected.file_scores, atol=1e-6)
        assert found.segments == expected.segments
        assert row["instruments"] == expected.instruments


def test_folder_is_recognized_once_and_goes_on(archive, tmp_path):
    status, said = finished(archive, "--store", tmp_path / "results", "--jobs", 2, "--threads", 2)
    assert status == 1 and f"{archive}/broken.wav: not audio that can be decoded\n" in said
    check(Dataset(tmp_path / "results"), archive)
    status, said = finished(archive, "--store", tmp_path / "results")
    assert status == 1 and said.startswith("12 of 12 files are in ")
    assert "1 of them as files that cannot be recognized" in said


def test_nothing_is_lost_or_done_twice_when_workers_and_driver_are_killed(archive, s3, tmp_path):
    import s3fs

    storage = s3fs.S3FileSystem()
    for path in archive.iterdir():
        storage.pipe_file(f"archive/in/{path.name}", path.read_bytes())
    dataset = Dataset(f"{s3}/results")
    arguments = (f"{s3}/in", "--store", dataset.address, "--jobs", 1, "--threads", 1)
    driver = start(*arguments)
    try:
        wait_for(driver, dataset, 2)
        with suppress(psutil.NoSuchProcess):
            for one in psutil.Process(driver.pid).children(recursive=True):
                if "MapWorker" in " ".join(one.cmdline()):
                    one.kill()
        wait_for(driver, dataset, 4)
    finally:
        driver.kill()
        driver.communicate()
    status, said = finished(*arguments)
    assert status == 1, said
    check(dataset, archive)


def wait_for(driver, dataset, n_parts):
    deadline = time.monotonic() + 240
    while sum(map(len, dataset.parts().values())) < n_parts:
        assert time.monotonic() < deadline
        if driver.poll() is not None:  # a fast machine was done before it could be killed
            return
        time.sleep(0.05)


def test_file_that_ends_its_worker_becomes_a_failure(archive, tmp_path, monkeypatch):
    with Recognizer(threads=1) as recognizer:
        about = DatasetRun.now(
            recognizer.digest, recognizer.model, recognizer.metadata, recognizer.metadata.hop_seconds
        )
    dataset = Dataset(tmp_path / "results")
    keys = find_sources([str(archive / "00.wav")]).files
    (block,) = blocks_of(keys, 1)
    monkeypatch.setattr(worker.tempfile, "gettempdir", lambda: str(tmp_path))
    task = Task(dataset, about, "job")
    monkeypatch.setattr(Task, "rows", lambda self, key: (_ for _ in ()).throw(SystemExit(9)))
    with pytest.raises(SystemExit):
        Worker(task)(block)
    monkeypatch.undo()
    monkeypatch.setattr(worker.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(worker, "_rows_alone", _die)
    summary = Worker(task)(block).to_pylist()
    assert [row["failure"] for row in summary] == ["it ends the program that reads it"]
    assert [row["failure"] for row in rows_of(dataset)] == ["it ends the program that reads it"]
    assert not list(tmp_path.glob(".organology-*"))


def _die(task, key):
    os._exit(9)


def test_addresses_patterns_lists_and_tables_are_found(archive, s3, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq
    import s3fs

    storage = s3fs.S3FileSystem()
    for name in ("00.wav", "01.wav", "deep/02.wav", "notes.txt"):
        storage.pipe_file(f"archive/found/{name}", b"sound")
    named = f"{s3}/found"
    assert [one.path for one in find_sources([named]).files] == [
        f"{named}/{name}" for name in ("00.wav", "01.wav", "deep/02.wav")
    ]
    assert len(find_sources([f"{named}/*.wav"]).files) == 2
    (key,) = find_sources([f"{named}/00.wav"]).files
    assert key.size == 5 and key.etag and key.mtime_ns == 0
    pq.write_table(pa.table({"uri": [f"{named}/00.wav", str(archive / "03.wav")], "n": [1, 2]}), tmp_path / "t.parquet")
    assert {one.path for one in find_sources([str(tmp_path / "t.parquet")]).files} == {
        f"{named}/00.wav",
        str(archive / "03.wav"),
    }
    (tmp_path / "list").write_text(f"{named}/01.wav\n{(archive / '04.wav').as_uri()}\n{named}/none.wav\n")
    found = find_sources([], [str(tmp_path / "list")])
    assert [one.path for one in found.files] == [str(archive / "04.wav"), f"{named}/01.wav"]
    assert found.failures == [(f"{named}/none.wav", "no such object or folder")]


def test_blocks_are_small_enough_for_each_worker_to_get_several():
    keys = [FileKey(f"/{i}", 1, 1) for i in range(1000)]
    blocks = list(blocks_of(keys, 4))
    assert sum(map(len, blocks)) == 1000 and len(blocks) >= 32
    assert max(map(len, blocks_of(keys * 100, 4))) == 256
