"""`organology recognize`: what it writes, what it says on stderr, and its exit status."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from organology.cli.recordings import recognize as verb
from organology.errors import ModelError
from organology.labels import default_set
from sounds import cut, write
from tiny_model import RATE, build, frequency

LABELS = default_set().labels

FILE_HEADER = (
    "file,duration,voice,percussion,bowed_string,plucked_string,woodwind,brass,key,synth,singer,drums,violin,"
    "electric_guitar,acoustic_guitar,electric_bass,piano"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build(tmp_path_factory.mktemp("model") / "tiny.onnx")


def application():
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.callback()
    def root():
        pass

    verb.register(app)
    return app


@pytest.fixture
def run(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = application()

    def invoke(*arguments):
        return CliRunner().invoke(app, ["recognize", *map(str, arguments), "--model", str(tiny), "--threads", "1"])

    return invoke


def play(path, *labels, seconds=5.0, rate=RATE, channels=1, **kinds):
    t = np.arange(round(seconds * rate)) / rate
    mixture = sum((0.3 * np.sin(2 * np.pi * frequency(label) * t) for label in labels), np.zeros_like(t))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, np.repeat(mixture[:, None], channels, axis=1).astype(np.float32), rate, **kinds)


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def mixture_of_good_and_bad(tmp_path):
    folder = tmp_path / "all kinds"
    play(folder / "8k mono.wav", "key", rate=8_000)
    play(folder / "192k 8 channels.wav", "key", rate=192_000, channels=8)
    play(folder / "deep" / "Ångström 音楽 №1.flac", "key")
    play(folder / "short.wav", "brass", seconds=0.1)
    play(folder / "silent.wav")
    samples = play(folder / "nan.wav", "key", subtype="FLOAT")
    data, _ = soundfile.read(samples, dtype="float32")
    data[5:50] = np.nan
    write(samples, data[:, None], RATE, subtype="FLOAT")
    cut(play(folder / "cut.mp3", "key", rate=44_100, channels=2, seconds=20))
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("This is text, whatever its name.\n")
    (folder / "notes.txt").write_text("not looked at")
    (tmp_path / "no audio").mkdir()
    return folder


def test_recognize_good_and_bad_files_goes_on(run, mixture_of_good_and_bad):
    result = run("all kinds", "no audio", "missing.wav", "--format", "csv")
    assert result.exit_code == 1
    rows = {row["file"]: row for row in table(result.stdout)}
    assert list(rows) == sorted(
        f"all kinds/{name}"
        for name in (
            "8k mono.wav",
            "192k 8 channels.wav",
            "deep/Ångström 音楽 №1.flac",
            "short.wav",
            "silent.wav",
            "nan.wav",
            "cut.mp3",
        )
    )
    for name in ("8k mono.wav", "192k 8 channels.wav", "deep/Ångström 音楽 №1.flac", "nan.wav", "cut.mp3"):
        row = rows[f"all kinds/{name}"]
        assert float(row["key"]) > 0.8 and float(row["voice"]) < 0.1
    assert float(rows["all kinds/short.wav"]["duration"]) == 0.1
    assert {rows["all kinds/silent.wav"][label] for label in LABELS} == {"0"}
    lines = result.stderr.splitlines()
    failures = [line for line in lines if ": note: " not in line]
    assert failures == [
        "no audio: no audio in this folder",
        "missing.wav: no such file or folder",
        "all kinds/empty.wav: empty file",
        "all kinds/text.wav: not audio that can be decoded",
    ]
    notes = {line.split(": note: ")[0] for line in lines if ": note: " in line}
    assert notes == {f"all kinds/{name}.{end}" for name, end in (("cut", "mp3"), ("nan", "wav"), ("silent", "wav"))}


def test_recognize_good_files_exits_with_0(run, tmp_path):
    play(tmp_path / "a.wav", "violin")
    result = run("a.wav", "--format", "csv")
    assert result.exit_code == 0 and result.stderr == ""
    head, row = result.stdout.splitlines()
    assert head == FILE_HEADER and row.startswith("a.wav,5,")


def test_recognize_bad_files_exits_with_1(run, tmp_path):
    (tmp_path / "empty.wav").touch()
    result = run("empty.wav", "--format", "csv")
    assert result.exit_code == 1 and result.stderr == "empty.wav: empty file\n"
    assert result.stdout.splitlines() == [FILE_HEADER]
    (tmp_path / "folder").mkdir()
    result = run("folder")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "folder: no audio in this folder\n")


def test_csv_timeline_has_a_row_a_window_and_ends_with_the_file(run, tmp_path):
    play(tmp_path / "a.wav", "violin", seconds=7.25)
    result = run("a.wav", "--format", "csv", "--timeline", "--hop", "1.5")
    rows = table(result.stdout)
    assert list(rows[0]) == ["file", "start", "end", *LABELS]
    assert [(row["start"], row["end"]) for row in rows] == [("0", "4"), ("1.5", "5.5"), ("3", "7"), ("3.25", "7.25")]
    assert all(float(row["violin"]) > 0.9 for row in rows)


def test_json_output_holds_recordings_and_failures(run, tmp_path):
    play(tmp_path / "a b.wav", "violin")
    (tmp_path / "empty.wav").touch()
    result = run(".", "--format", "json", "--timeline")
    written = json.loads(result.stdout)
    assert (written["schema"], written["version"]) == ("organology.recognition", 1)
    assert written["model"]["name"] == "tiny" and written["model"]["hop_seconds"] == 1.0
    (recording,) = written["recordings"]
    assert recording["file"] == "a b.wav" and recording["instruments"] == ["bowed_string", "violin"]
    assert [label["label"] for label in recording["labels"]] == list(LABELS)
    violin = recording["labels"][LABELS.index("violin")]
    assert violin["family"] == "bowed_string" and violin["plays"]
    assert [(one["start"], one["end"]) for one in violin["segments"]] == [(0, 5)]
    assert len(recording["windows"]) == 2 and len(recording["windows"][0]["scores"]) == 15
    assert written["failures"] == [{"file": "empty.wav", "reason": "empty file"}]
    assert "windows" not in json.loads(run("a b.wav", "--format", "json").stdout)["recordings"][0]


def test_json_output_of_nothing_is_json(run, tmp_path):
    assert json.loads(run("nowhere", "--format", "json").stdout)["recordings"] == []


def test_table_output_shows_what_plays_and_when(run, tmp_path):
    play(tmp_path / "[bold]a song.wav", "violin")
    play(tmp_path / "rest.wav")
    result = run(".")
    assert result.exit_code == 0
    assert "[bold]a song.wav  0:05.0" in result.stdout and "silent" in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if "violin" in line]
    assert "0.99" in line and "throughout" in line and ("█" in line or "▇" in line)
    assert "nothing recognized" in result.stdout and "\x1b" not in result.stdout


def test_output_file_is_written_whole(run, tmp_path):
    play(tmp_path / "a.wav", "violin")
    to_stdout = run("a.wav", "--format", "csv").stdout
    result = run("a.wav", "--format", "csv", "--output", "new folder/p.csv")
    assert result.exit_code == 0 and result.stdout == ""
    assert (tmp_path / "new folder" / "p.csv").read_text("utf-8") == to_stdout
    assert json.loads((tmp_path / "p.json").read_text()) if run("a.wav", "--output", "p.json").exit_code == 0 else False
    assert "violin" in (tmp_path / "t.txt").read_text("utf-8") if not run("a.wav", "--output", "t.txt").exit_code else 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "new folder", "p.json", "t.txt"]


def test_output_folder_takes_every_format(run, tmp_path):
    for name in ("x/a.wav", "x/a.flac", "x/y/b.wav"):
        play(tmp_path / name, "violin")
    from organology.outputs.registry import FORMATS

    assert [one.value for one in verb.OutputFormat] == list(FORMATS)
    for name, form in FORMATS.items():
        (tmp_path / name).mkdir()
        assert run("x", "--format", name, "--output", name).exit_code == 0, name
        found = sorted(path.relative_to(tmp_path / name).as_posix() for path in (tmp_path / name).rglob("*.*"))
        assert found == [f"a{form.suffix}", f"a.wav{form.suffix}", f"y/b{form.suffix}"] or found == sorted(found), name
        filled = [bool((tmp_path / name / one).stat().st_size) for one in found]
        assert filled == [name != "srt"] * 3, name  # nobody sings: a file without cues, which has no header either


def test_output_suffix_chooses_the_format(run, tmp_path):
    play(tmp_path / "a.wav", "violin")
    for name, begins in (
        ("p.jams", "{"),
        ("p.rttm", "SPEAKER"),
        ("p.html", "<!"),
        ("p.jsonl", "{"),
        ("p.labels.txt", "0"),
    ):
        assert run("a.wav", "--output", name).exit_code == 0
        assert (tmp_path / name).read_text("utf-8").startswith(begins), name


def test_output_file_for_one_recording_refuses_several(run, tmp_path):
    for name in ("a.wav", "b.wav"):
        play(tmp_path / name, "violin")
    result = run("a.wav", "b.wav", "--output", "p.jams")
    assert "name a folder" in str(result.exception) and not (tmp_path / "p.jams").exists()
    assert "give --format" in str(run("a.wav", "b.wav", "--output", "b.wav").exception)
    assert "written over" in str(run("a.wav", "b.wav", "--output", "b.wav", "--format", "csv").exception)


def test_output_that_fails_leaves_nothing(run, tmp_path, monkeypatch):
    play(tmp_path / "a.wav", "violin")
    (tmp_path / "p.csv").write_text("before")
    monkeypatch.setattr(
        "organology.outputs.writers.tables.CsvWriter.add", lambda *_: (_ for _ in ()).throw(OSError(28, "full"))
    )
    result = run("a.wav", "--output", "p.csv")
    assert str(result.exception) == "p.csv: cannot be written: full"
    assert (tmp_path / "p.csv").read_text() == "before" and len(list(tmp_path.iterdir())) == 2


def test_plot_writes_pictures_beside_each_other(run, tmp_path):
    for name in ("x/a.wav", "x/a.flac", "x/y/b $1$.wav"):
        play(tmp_path / name, "violin")
    assert run("x", "--plot", "pictures").exit_code == 0
    found = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "pictures").rglob("*.png"))
    assert found == [
        "pictures/a.timeline.png",
        "pictures/a.wav.timeline.png",
        "pictures/y/b $1$.timeline.png",
    ]
    assert (tmp_path / found[0]).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert run("x/a.wav", "--plot").exit_code == 0 and (tmp_path / "a.timeline.png").exists()
    assert run("x/a.wav", "--plot", "one.svg").exit_code == 0 and b"<svg" in (tmp_path / "one.svg").read_bytes()


def test_recognize_wrong_use_exits_with_2(run, tmp_path):
    play(tmp_path / "a.wav", "violin")
    play(tmp_path / "b.wav", "violin")
    for wrong in (
        [],
        ["a.wav", "--timeline", "--format", "rttm"],
        ["a.wav", "--per-label"],
        ["a.wav", "--embed-audio"],
        ["a.wav", "--hop", "0"],
        ["a.wav", "--format", "xml"],
        ["a.wav", "--threshold", "2"],
        ["a.wav", "--retry"],
        ["a.wav", "--channels", "left"],
        ["a.wav", "--only", "viola"],
        ["--plot", "a.wav", "b.wav"],
        ["a.wav", "b.wav", "--plot", "one.png"],
    ):
        result = run(*wrong)
        assert result.exit_code == 2, wrong
        assert result.stdout == "" and "Error" in result.stderr


def test_threshold_for_all_labels_is_used(run, tmp_path):
    play(tmp_path / "a.wav", "violin")
    written = json.loads(run("a.wav", "--threshold", "0", "--format", "json").stdout)
    assert written["recordings"][0]["instruments"] == list(LABELS)


def test_recognize_file_named_twice_is_done_once(run, tmp_path):
    play(tmp_path / "x" / "a.wav", "violin")
    rows = table(run("x", "x/a.wav", "./x/a.wav", "--format", "csv").stdout)
    assert [row["file"] for row in rows] == ["x/a.wav", "./x/a.wav"]


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="such names are of Linux")
def test_recognize_name_that_is_not_utf_8_goes_on(run, tmp_path):
    for suffix in ("wav", "mp3"):
        play(tmp_path / f"a.{suffix}", "violin").rename(tmp_path / os.fsdecode(b"caf\xe9." + suffix.encode()))
    (tmp_path / os.fsdecode(b"\xff.wav")).touch()
    result = run(".", "--output", "p.json")
    assert result.exit_code == 1 and "\\udcff.wav: empty file" in result.stderr
    recordings = json.loads((tmp_path / "p.json").read_text("utf-8"))["recordings"]
    assert [os.fsencode(one["file"]) for one in recordings] == [b"caf\xe9.mp3", b"caf\xe9.wav"]
    assert all("violin" in one["instruments"] for one in recordings)


def organology(*arguments, **kinds):
    return subprocess.run(
        [sys.executable, "-m", "organology.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        **kinds,
    )


def test_recognize_as_a_process_writes_and_exits(tiny, tmp_path):
    play(tmp_path / "a b.wav", "violin")
    (tmp_path / "text.wav").write_text("text")
    result = organology("recognize", tmp_path, "--model", tiny, "--format", "csv")
    assert result.returncode == 1 and len(result.stdout.splitlines()) == 2
    assert result.stderr == f"{tmp_path}/text.wav: not audio that can be decoded\n"


def test_recognize_with_a_bad_model_is_one_error(run, tmp_path):
    play(tmp_path / "a.wav", "violin")
    (tmp_path / "text.onnx").write_text("text")
    result = CliRunner().invoke(application(), ["recognize", "a.wav", "--model", "text.onnx"])
    assert isinstance(result.exception, ModelError) and result.stdout == ""


def test_recognize_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['organology', 'recognize', '--help']\n"
        "from organology.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'onnxruntime', 'matplotlib', 'av', 'torch', 'soxr', 'soundfile'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result, first = timed(code)
    assert result.returncode == 0, result.stderr
    assert "--timeline" in result.stdout
    # Seconds of the processor; the best of three, as the first fills the disk's cache and others work here, too.
    assert min(first, timed(code)[1], timed(code)[1]) < 0.5


def timed(code):
    """What Python says to a program, and the processor's seconds that it takes."""
    before = os.times()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    return result, os.times().children_user - before.children_user
