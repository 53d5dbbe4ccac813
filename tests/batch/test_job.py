"""Recognizing many files: order, several at once, the store, being stopped and taken up again."""

import csv
import importlib.util
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from organology.audio.inputs import Input, expand
from organology.batch.executor import Batch
from organology.batch.job import Job, run
from organology.batch.progress import ProgressReporter
from organology.cli import command_line
from organology.labels.bradl15 import LABELS
from organology.library.store import Store
from organology.recognition import Recognizer, SegmentSettings
from sounds import write
from tiny_model import RATE, build, frequency


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build(tmp_path_factory.mktemp("model") / "tiny.onnx")


def play(path, *labels, seconds=5.0, channels=1):
    t = np.arange(round(seconds * RATE)) / RATE
    mixture = sum((0.3 * np.sin(2 * np.pi * frequency(label) * t) for label in labels), np.zeros_like(t))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, np.repeat(mixture[:, None], channels, axis=1).astype(np.float32), RATE)


@pytest.fixture
def recognize(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, **kinds):
        command = ["recognize", *map(str, arguments), "--model", str(tiny)]
        return CliRunner().invoke(command_line(), command, **kinds)

    return invoke


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def library(tmp_path):
    for i in range(12):
        play(tmp_path / "lib" / f"{i:02}.wav", LABELS[i], seconds=20 if i == 0 else 1 + i / 4)
    (tmp_path / "lib" / "05b.wav").touch()
    (tmp_path / "lib" / "07b.wav").write_text("text")
    return tmp_path / "lib"


def test_run_any_jobs_threads_and_store_give_the_same(recognize, library):
    expected = recognize("lib", "--format", "json", "--jobs", "1", "--threads", "1")
    assert expected.exit_code == 1 and len(json.loads(expected.stdout)["recordings"]) == 12
    for arguments in (
        ["--jobs", "4"],
        ["--jobs", "3", "--threads", "7"],
        ["--store", "a.db", "-j", "2"],
        ["--store", "a.db"],
    ):
        got = recognize("lib", "--format", "json", *arguments)
        assert got.stderr == expected.stderr and got.exit_code == 1
        for left, right in zip(
            json.loads(got.stdout)["recordings"], json.loads(expected.stdout)["recordings"], strict=True
        ):
            assert left["file"] == right["file"] and left["duration"] == right["duration"]
            np.testing.assert_allclose(
                [label["score"] for label in left["labels"]], [label["score"] for label in right["labels"]], atol=1e-5
            )


def test_run_long_file_at_the_front_does_not_idle_the_others(tiny, library, monkeypatch):
    began = []
    real = Recognizer.recognize

    def recognize(self, source, *args, **kinds):
        began.append(os.path.basename(source))  # noqa: PTH119
        while source.endswith("00.wav") and len(began) < 10:
            time.sleep(0.01)
        return real(self, source, *args, **kinds)

    monkeypatch.setattr(Recognizer, "recognize", recognize)
    inputs = expand([str(library)]).files
    results = list(Batch(Recognizer(tiny, 1), jobs=2).results(inputs))
    assert [result.item for result in results] == inputs and [result.index for result in results] == list(range(14))
    assert sum(result.error is None for result in results) == 12


def test_batch_bounded_to_a_byte_gives_every_result(tiny, library, monkeypatch):
    monkeypatch.setattr("organology.batch.executor.HELD_BYTES", 1)
    assert len(list(Batch(Recognizer(tiny, 1), jobs=3).results(expand([str(library)]).files))) == 14


def test_run_odd_error_costs_one_line(recognize, library, monkeypatch):
    real = Recognizer.recognize

    def recognize_(self, source, *args, **kinds):
        if source.endswith("03.wav"):
            raise RuntimeError("something\nodd")
        return real(self, source, *args, **kinds)

    monkeypatch.setattr(Recognizer, "recognize", recognize_)
    result = recognize("lib", "--format", "csv", "--store", "a.db")
    assert "lib/03.wav: cannot be recognized: RuntimeError: something odd\n" in result.stderr
    assert len(table(result.stdout)) == 11 and result.exit_code == 1
    monkeypatch.undo()
    os.chdir(library.parent)
    assert len(table(recognize("lib", "--format", "csv", "--store", "a.db").stdout)) == 12


def counted(monkeypatch):
    """Names of files that were really recognized."""
    names = []
    real = Recognizer.recognize

    def recognize(self, source, *args, **kinds):
        names.append(str(getattr(source, "name", source)))
        return real(self, source, *args, **kinds)

    monkeypatch.setattr(Recognizer, "recognize", recognize)
    return names


def test_run_with_a_store_does_nothing_twice(recognize, library, monkeypatch):
    names = counted(monkeypatch)
    first = recognize("lib", "--store", "a.db", "--format", "csv", "--timeline")
    assert len(names) == 14
    again = recognize("lib", "--store", "a.db", "--format", "csv", "--timeline")
    assert len(names) == 14
    assert (again.stdout, again.stderr, again.exit_code) == (first.stdout, first.stderr, 1)
    play(library / "03.wav", "piano", "brass", seconds=6)
    play(library / "new.wav", "synth")
    (library / "04.wav").unlink()
    del names[:]
    rows = {row["file"]: row for row in table(recognize("lib", "--store", "a.db", "--format", "csv").stdout)}
    assert sorted(names) == ["lib/03.wav", "lib/new.wav"]
    assert len(rows) == 12 and float(rows["lib/03.wav"]["piano"]) > 0.5


def test_recognize_moved_file_is_known_by_its_content(recognize, library, monkeypatch):
    names = counted(monkeypatch)
    before = {row["file"]: row for row in table(recognize("lib", "--store", "a.db", "--format", "csv").stdout)}
    (library / "new").mkdir()
    (library / "05.wav").rename(library / "new" / "five.wav")
    (library / "05b.wav").rename(library / "new" / "broken.wav")
    shutil.copy(library / "06.wav", library / "new" / "copy.wav")
    os.utime(library / "07.wav")
    del names[:]
    result = recognize("lib", "--store", "a.db", "--format", "csv")
    rows = {row["file"]: row for row in table(result.stdout)}
    assert names == [] and "lib/new/broken.wav: empty file\n" in result.stderr
    assert result.stderr.endswith("2 files were moved since; the store knew them by their content\n")
    for old, new in (("05", "new/five"), ("06", "new/copy"), ("07", "07")):
        expected = {**before[f"lib/{old}.wav"], "file": f"lib/{new}.wav"}
        assert rows[f"lib/{new}.wav"] == expected
    assert "moved" not in recognize("lib", "--store", "a.db", "--format", "csv").stderr
    moved = CliRunner().invoke(command_line(), ["store", "moved", "a.db"]).stdout.splitlines()
    assert moved == [
        f"{library / old}\t{library / 'new' / new}" for old, new in (("05b.wav", "broken.wav"), ("05.wav", "five.wav"))
    ]
    assert "2 files moved" in CliRunner().invoke(command_line(), ["store", "info", "a.db"]).stdout
    assert CliRunner().invoke(command_line(), ["store", "prune", "a.db"]).stdout == ""


def test_run_failures_in_the_store_are_tried_again_only_when_asked(recognize, library, monkeypatch):
    names = counted(monkeypatch)
    (library / "gone.wav").symlink_to("nowhere")
    recognize("lib", "--store", "a.db")
    del names[:]
    told = recognize("lib", "--store", "a.db").stderr
    assert names == ["lib/gone.wav"]  # what cannot be opened is not remembered
    assert told.splitlines() == [
        "lib/05b.wav: empty file",
        "lib/07b.wav: not audio that can be decoded",
        "lib/gone.wav: no such file",
    ]
    del names[:]
    assert recognize("lib", "--store", "a.db", "--retry").stderr == told
    assert sorted(names) == ["lib/05b.wav", "lib/07b.wav", "lib/gone.wav"]
    play(library / "05b.wav", "brass")
    assert "05b" not in recognize("lib", "--store", "a.db").stderr
    assert recognize("lib", "--retry").exit_code == 2


def test_batch_stopped_leaves_nothing_in_work(tiny, library):
    recognizer = Recognizer(tiny, 1)
    with Store(library / "a.db") as store:
        run = store.run("0" * 64, "tiny", recognizer.metadata, 1.0)
        results = Batch(recognizer, jobs=3, store=store, run=run).results(expand([str(library)]).files)
        next(results)
        results.close()
        assert store.select("SELECT * FROM in_work") == [] and store.count(run)[0] >= 1


def test_run_other_thresholds_and_segments_recognize_nothing_again(recognize, tmp_path, monkeypatch):
    play(tmp_path / "a.wav", "violin", seconds=9)
    recognize("a.wav", "--store", "a.db")
    names = counted(monkeypatch)

    def recording(*arguments):
        result = recognize("a.wav", "--store", "a.db", "--format", "json", *arguments)
        return json.loads(result.stdout)["recordings"][0]

    assert recording()["instruments"] == ["bowed_string", "violin"]
    assert recording("--threshold", "0")["instruments"] == list(LABELS)
    assert recording("--threshold", "violin=1")["instruments"] == ["bowed_string"]
    assert recording("--threshold", "1", "--threshold", "violin=0.4")["instruments"] == ["bowed_string", "violin"]
    violin = LABELS.index("violin")
    assert len(recording("--min-seconds", "9")["labels"][violin]["segments"]) == 1 and names == []
    assert recording("--hop", "2")["instruments"] == ["bowed_string", "violin"] and names == ["a.wav"]


def test_run_only_some_labels_names_no_other(recognize, tmp_path):
    play(tmp_path / "a.wav", "violin", "brass")
    (row,) = table(recognize("a.wav", "--only", "violin,Piano", "--format", "csv").stdout)
    assert list(row) == ["file", "duration", "violin", "piano"] and float(row["violin"]) > 0.8
    rows = table(recognize("a.wav", "--only", "brass", "--only", "violin", "--format", "csv", "--timeline").stdout)
    assert list(rows[0]) == ["file", "start", "end", "brass", "violin"] and float(rows[0]["brass"]) > 0.8
    (one,) = json.loads(recognize("a.wav", "--only", "bowed_string", "--format", "json").stdout)["recordings"]
    assert one["instruments"] == ["bowed_string"] and len(one["labels"]) == 1 and one["labels"][0]["segments"]
    told = recognize("a.wav", "--only", "violin", "--plot", "a.png").stdout
    assert "violin" in told and "brass" not in told and "bowed" not in told and (tmp_path / "a.png").exists()
    assert "it counts as bowed_string" in recognize("a.wav", "--only", "viola").stderr
    assert "did you mean violin?" in recognize("a.wav", "--only", "viloin").stderr


def test_run_write_tags_lists_then_writes_and_the_store_holds(recognize, tmp_path, monkeypatch):
    pytest.importorskip("mutagen")
    from organology.filetags.writing import read_tags

    t = np.arange(5 * RATE) / RATE
    (tmp_path / "x").mkdir()
    write(tmp_path / "x" / "a.flac", (0.3 * np.sin(2 * np.pi * frequency("violin") * t))[:, None], RATE)
    content = (tmp_path / "x" / "a.flac").read_bytes()
    names = counted(monkeypatch)
    told = recognize("x", "--store", "a.db", "--write-tags")
    assert told.exit_code == 0 and "x/a.flac: would write" in told.stderr and "bowed_string; violin" in told.stderr
    assert (tmp_path / "x" / "a.flac").read_bytes() == content
    assert "x/a.flac: wrote" in recognize("x", "--store", "a.db", "--write-tags", "--yes").stderr
    assert read_tags(tmp_path / "x" / "a.flac") == ("bowed_string", "violin")
    assert "already" in recognize("x", "--store", "a.db", "--write-tags", "--yes").stderr
    assert names == ["x/a.flac"]  # what the store holds is still of this file
    play(tmp_path / "b.au", "violin")
    result = recognize("b.au", "--write-tags", "--yes")
    assert result.exit_code == 1 and "b.au: this kind of file cannot carry the tag" in result.stderr
    assert recognize("x", "--yes").exit_code == recognize("x", "--write-tags", "--channels", "split").exit_code == 2


def test_recognize_help_has_the_defaults_of_the_settings(recognize):
    told = " ".join(recognize("--help").stdout.split())
    settings = SegmentSettings().resolved()
    for option, default in (
        ("--min-seconds", settings.min_seconds),
        ("--max-gap", settings.max_gap_seconds),
        ("--smooth", settings.median_seconds),
        ("--low-ratio", settings.low_ratio),
    ):
        assert re.search(rf"{option} (SECONDS|X) [^[]*\[default: the model's, or {default:g}[];]", told), option


def test_run_channels_split_recognizes_each(recognize, tmp_path):
    t = np.arange(5 * RATE) / RATE
    both = np.stack([np.sin(2 * np.pi * frequency(label) * t) / 3 for label in ("key", "brass")], axis=1)
    write(tmp_path / "two.wav", both.astype(np.float32), RATE)
    play(tmp_path / "one.wav", "synth")
    for _ in range(2):  # the second time from the store
        result = recognize("two.wav", "one.wav", "--channels", "split", "--format", "json", "--store", "a.db")
        recordings = {one["file"]: one["instruments"] for one in json.loads(result.stdout)["recordings"]}
        assert recordings == {"two.wav#ch1": ["key"], "two.wav#ch2": ["brass"], "one.wav": ["synth"]}
    (row,) = table(recognize("two.wav", "--format", "csv", "--store", "a.db").stdout)
    assert row["file"] == "two.wav" and float(row["key"]) > 0.1
    left, right = table(recognize("two.wav", "--channels", "split", "--format", "csv").stdout)
    assert float(left["key"]) > 0.8 > 0.1 > float(right["key"])


def test_run_standard_input_is_recognized(recognize, tmp_path):
    path = play(tmp_path / "a.wav", "violin")
    result = subprocess.run(
        [sys.executable, "-m", "organology.cli", "recognize", "-", "--format", "csv"],
        input=path.read_bytes(),
        capture_output=True,
        timeout=60,
    )
    assert result.returncode == 0 and result.stdout.splitlines()[1].startswith(b"<stdin>,5,")
    result = subprocess.run(
        [sys.executable, "-m", "organology.cli", "recognize", "-"], input=b"", capture_output=True, timeout=60
    )
    assert result.returncode == 1 and result.stderr == b"<stdin>: empty file\n"


def test_run_lists_and_hidden_files_are_found(recognize, tmp_path):
    play(tmp_path / "x" / ".a.wav", "violin")
    play(tmp_path / "x" / "b" / "c.wav", "violin")
    (tmp_path / "list").write_text("x/.a.wav\nx/none.wav\n")
    result = recognize("--from-file", "list", "--format", "csv")
    assert [row["file"] for row in table(result.stdout)] == ["x/.a.wav"] and result.exit_code == 1
    assert result.stderr == "x/none.wav: no such file or folder\n"
    assert len(table(recognize("x", "--hidden", "--format", "csv").stdout)) == 2
    assert recognize("x", "--no-recursive").stderr == "x: no audio in this folder\n"
    assert len(table(recognize("x/**/*.wav", "--format", "csv").stdout)) == 1
    assert recognize("--format", "csv").exit_code == 2


def test_run_from_python_writes_the_same(tiny, library, capsys):
    job = Job([str(library)], model=tiny, store=library / "a.db", format="csv", jobs=2)
    assert run(job) == 2 and len(capsys.readouterr().out.splitlines()) == 13
    with Store(library / "a.db", create=False) as store:
        assert store.count(store.runs()[0]) == (12, 2)


def test_progress_remaining_time_leaves_out_what_was_stored():
    screen = ProgressReporter([100] * 10, shares_stdout=False)
    for i in range(4):
        screen.done(i, 30.0, stored=True)
    assert screen.rate(5.0) == "4 from the store"
    screen.done(4, 30.0)
    screen.share(5, 0.5)
    screen.share(5, 0.5)
    assert screen.rate(10.0) == "0.1 files/s, 3 x real time, 0:30 left, 4 from the store"  # 450 of 600 bytes are left
    screen.done(5, 30.0)
    assert screen.rate(10.0) == "0.2 files/s, 6 x real time, 0:20 left, 4 from the store"


def test_progress_of_large_libraries_keeps_up():
    screen = ProgressReporter([1] * 50_000, shares_stdout=False)
    before = time.process_time()
    for i in range(50_000):
        screen.share(i, 0.5)
        screen.done(i, 1.0)
    assert time.process_time() - before < 3 and screen.n_done == 50_000


def test_progress_line_and_its_end_are_one_write(monkeypatch):
    """Ctrl-C between the two would put what is told next on the same line."""
    written = []

    class Recorder(io.StringIO):
        def write(self, text):
            written.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Recorder())
    with ProgressReporter([1], shares_stdout=False) as screen:
        screen.line("a.wav: not audio\nthat can be decoded")
    assert written == ["a.wav: not audio that can be decoded\n"]


def test_batch_left_early_ends_its_threads(tiny, library):
    before = threading.active_count()
    results = Batch(Recognizer(tiny, 1), jobs=2).results([Input(str(library / "00.wav"), library)] * 50)
    next(results)
    results.close()
    assert threading.active_count() == before


def started(tmp_path, tiny, *arguments):
    command = [sys.executable, "-m", "organology.cli", "recognize", "lib", "--model", str(tiny), *arguments]
    return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_rows(path, n, process):
    while process.poll() is None:
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            if connection.execute("SELECT count(*) FROM recording").fetchone()[0] >= n:
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.01)


@pytest.mark.parametrize("stored", [True, False])
def test_run_ctrl_c_says_what_was_done(tiny, tmp_path, library, stored):
    play(library / "08.wav", "brass", seconds=60)
    process = started(tmp_path, tiny, "--format", "csv", "--hop", "0.01", *(["--store", "a.db"] if stored else []))
    if stored:
        wait_for_rows(tmp_path / "a.db", 10, process)
    else:
        for _ in range(8):
            process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    (line,) = [line for line in told.splitlines() if "stopped" in line]
    hint = r"are done; the same command goes on from there \(a\.db\)" if stored else "were done; with --store FILE .*"
    assert re.fullmatch(rf"stopped: \d+ of 14 files {hint}", line) and "Traceback" not in told


def test_run_library_with_broken_files_killed_is_resumed(tiny, tmp_path):
    place = Path(__file__).parents[2] / "benchmarks" / "library.py"
    spec = importlib.util.spec_from_file_location("benchmark_library", place)
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)
    made = benchmark.make(tmp_path / "library", 30, 11)
    figures = benchmark.check(made, tmp_path, jobs=2, model=tiny)
    assert figures["good files"] == 30 and figures["broken files"] == 11
