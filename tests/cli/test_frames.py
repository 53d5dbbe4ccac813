"""The command line with a model of frames: presets, tentative labels, timelines."""

import csv
import io
import json

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from organology.cli import command_line
from organology.recognition import onnx_model
from organology.recognition.serialization import schema
from recognition.test_frames import MUSIC, SENSITIVE, STRICT
from sounds import write
from tiny_model import RATE, build, frame_metadata


def invoke(*arguments):
    return CliRunner().invoke(command_line(), list(map(str, arguments)))


@pytest.fixture
def recognize(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    about = frame_metadata(presets={"strict": STRICT, "sensitive": SENSITIVE}, tentative=("singer",))
    model = build(tmp_path / "frames.onnx", about)
    write(tmp_path / "a.wav", MUSIC[:, None], RATE)
    return lambda *arguments: invoke("recognize", "a.wav", "--model", model, "--threads", 1, *arguments)


def segments(result):
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    return {row["label"]: [(float(one["start"]), float(one["end"])) for one in rows if one["label"] == row["label"]]
            for row in rows}  # fmt: skip


@pytest.mark.parametrize("form", ["table", "json", "csv", "segments", "html", "jams", "elan", "rttm"])
def test_recognize_with_frames_writes_every_format(recognize, form, tmp_path):
    result = recognize("--format", form, "--store", "lib.db")
    again = recognize("--format", form, "--store", "lib.db", "--jobs", 3)
    assert result.exit_code == 0 and again.stdout == result.stdout and "singer" not in result.stdout
    assert recognize("--plot", "a.svg").exit_code == 0 and (tmp_path / "a.svg").stat().st_size > 1000


def test_recognize_with_timeline_writes_frames(recognize):
    document = json.loads(recognize("--format", "json", "--timeline").stdout)
    jsonschema.validate(document, schema(), cls=jsonschema.Draft202012Validator)
    assert document["model"]["hop_seconds"] == pytest.approx(1.92)
    frames = document["recordings"][0]["frames"]
    assert [one["time"] for one in frames["instants"][:3]] == [0.0, 0.32, 0.64]
    assert len(frames["levels"]) == 200 and len(frames["instants"][0]["scores"]) == 14


def test_recognize_by_presets_takes_their_thresholds(recognize):
    def thresholds(*options):
        (recording,) = json.loads(recognize("--format", "json", *options).stdout)["recordings"]
        return {row["label"]: row["threshold"] for row in recording["labels"]}

    assert set(thresholds("--strict").values()) == {0.9} and set(thresholds("--sensitive").values()) == {0.2}
    mixed = thresholds("--strict", "--threshold", "violin=0.3")
    assert mixed["violin"] == 0.3 and mixed["piano"] == 0.9
    both = recognize("--strict", "--sensitive")
    assert both.exit_code == 2 and "--strict" in both.stderr


def test_find_by_presets_takes_their_thresholds(recognize):
    recognize("--store", "lib.db")
    for options in ((), ("--strict",), ("--sensitive", "--threshold", "violin=0.1")):
        result = invoke("find", "violin", "--store", "lib.db", "--format", "paths", *options)
        assert result.exit_code == 0 and result.stdout.endswith("a.wav\n")
    assert invoke("find", "violin", "--store", "lib.db", "--strict", "--sensitive").exit_code == 2


def test_presets_that_a_model_has_not_are_refused_in_one_line(tmp_path, recognize):
    plain = build(tmp_path / "plain.onnx")
    for command in (
        ("recognize", "a.wav", "--model", plain, "--store", "plain.db"),
        ("find", "violin", "--store", "plain.db"),
    ):
        assert invoke(*command).exit_code == 0
        result = invoke(*command, "--sensitive")
        assert result.exit_code == 2 and "no thresholds 'sensitive'; it has its own alone" in result.stderr.replace(
            "\n", " "
        )


def test_recognize_with_settings_of_a_caller_uses_them(recognize):
    usual = segments(recognize("--format", "segments"))
    assert len(usual["violin"]) == 2
    closed = segments(recognize("--format", "segments", "--max-gap", 6))
    assert len(closed["violin"]) == 1 and closed["piano"] == usual["piano"]
    assert "violin" not in segments(recognize("--format", "segments", "--min-seconds", 10))
    lower = segments(recognize("--format", "segments", "--low-ratio", 0.01, "--smooth", 0))
    assert np.diff(lower["violin"]).sum() >= np.diff(segments(recognize("--format", "segments", "--low-ratio", 1))
                                                     ["violin"]).sum()  # fmt: skip


def test_tentative_labels_are_given_with_all(recognize):
    assert "singer" in segments(recognize("--format", "segments", "--labels", "all"))
    assert "singer" in segments(recognize("--format", "segments", "--labels", "bradl15"))
    assert "singer" not in segments(recognize("--format", "segments"))


def test_labels_says_which_are_tentative(recognize, monkeypatch):
    read = onnx_model.read_model
    monkeypatch.setattr(onnx_model, "read_model", lambda model=None: read(model or "frames.onnx"))
    for name in ((), ("bradl15",)):
        lines = {line.split()[0]: line.split()[-1] for line in invoke("labels", *name).stdout.splitlines()}
        assert lines["singer"] == "tentative" and lines["violin"] == lines["voice"] == "yes"
