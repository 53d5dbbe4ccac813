"""Watching a folder: what arrives is recognized once it stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from organology.batch.options import Job
from organology.batch.watch import Watched, watch
from organology.cli import command_line
from organology.errors import OptionError
from sounds import tone
from tiny_model import build


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A working folder with a model; the recordings are in `in`."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return build(tmp_path / "tiny.onnx")


def play(name, seconds=3.0):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(name, tone(seconds), 44_100)


class StoppedError(Exception):
    """Ends a watch from its pause."""


def script(*steps):
    """A pause that does a step each time, and then ends the watch."""
    left = list(steps)

    def sleep(_):
        if not left:
            raise StoppedError
        left.pop(0)()

    return sleep


def names(path):
    return [json.loads(line)["file"] for line in Path(path).read_text().splitlines()]


def test_look_at_a_file_that_grows_waits_until_it_stays(model):
    watched = Watched(Job(["in"]))
    watched.look()
    play("in/a.wav", 1)
    assert watched.look().settled == []
    play("in/a.wav", 2)
    look = watched.look()
    assert look.settled == [] and not look.is_quiet
    look = watched.look()
    assert [item.name for item in look.settled] == ["in/a.wav"] and look.is_quiet and look.has_changed
    watched.done(look)
    assert not watched.look().has_changed
    Path("in/a.wav").unlink()
    assert watched.look().has_changed


def test_watch_with_an_output_keeps_all_of_the_folder_in_it(model):
    job = Job(["in"], store=Path("s.db"), model=model, output=Path("out.jsonl"), quiet=True)
    seen = []

    def look_at():
        seen.append(names("out.jsonl"))

    steps = (lambda: play("in/a.wav"), lambda: None, look_at, lambda: play("in/x/b.wav"), lambda: None, look_at)
    with pytest.raises(StoppedError):
        watch(job, sleep=script(*steps, Path("in/a.wav").unlink, look_at))
    assert seen == [["in/a.wav"], ["in/a.wav", "in/x/b.wav"], ["in/x/b.wav"]]


def test_watch_without_an_output_prints_each_recording_once(model, capsys):
    job = Job(["in"], store=Path("s.db"), model=model, format="jsonl", quiet=True)
    play("in/a.wav")
    with pytest.raises(StoppedError):
        watch(job, sleep=script(lambda: None, lambda: play("in/b.wav"), lambda: None, lambda: None))
    assert [json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()] == ["in/a.wav", "in/b.wav"]


def test_watch_over_a_file_that_cannot_be_used_goes_on(model, capsys):
    job = Job(["in"], store=Path("s.db"), model=model, format="jsonl", quiet=True)
    Path("in/a.wav").write_text("no sound")
    with pytest.raises(StoppedError):
        watch(job, sleep=script(lambda: None, lambda: play("in/b.wav"), lambda: None, lambda: None))
    told = capsys.readouterr()
    assert told.err.count("in/a.wav: ") == 1 and "b.wav" in told.out


def test_watch_once_ends_when_the_folder_is_quiet(model):
    play("in/a.wav")
    arguments = [
        "watch",
        "in",
        "--store",
        "s.db",
        "--once",
        "--every",
        "0.01",
        "-o",
        "out.jsonl",
        "--model",
        str(model),
    ]
    assert CliRunner().invoke(command_line(), arguments).exit_code == 0
    assert names("out.jsonl") == ["in/a.wav"]


def test_watch_without_a_store_or_of_standard_input_is_wrong_use(model):
    for job in (Job(["in"]), Job(["-"], store=Path("s.db"))):
        with pytest.raises(OptionError):
            watch(job)
    assert CliRunner().invoke(command_line(), ["watch", "in"]).exit_code == 2
