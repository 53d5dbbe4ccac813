"""The stems of a session: what is in each, names, silence, bleed, General MIDI programs, renaming."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from organology.cli import command_line
from organology.corpora.session import new_names, program_of, rename, report
from organology.errors import OrganologyError
from organology.labels import LabelSet, default_set
from organology.recognition import Recognition
from tiny_model import build, frequency

RATE = 32_000


def heard(labels, file="Audio 01.wav", score=0.9, label_set=None):
    """The report of a stem in which labels play."""
    label_set = label_set or default_set()
    scores = np.full((3, len(label_set)), 0.01, np.float32)
    for label in labels:
        scores[:, label_set.index(label)] = score
    starts = np.arange(3.0)
    thresholds = np.full(len(label_set), 0.5)
    recognition = Recognition(
        file, 6.0, starts, starts + 4, scores, scores.max(axis=0), thresholds, 1.0, label_set=label_set
    )
    return report(Path(file), recognition)


def test_report_of_one_instrument_names_it_and_its_program():
    one = heard(["bowed_string", "violin"])
    assert (one.label, one.name, one.program, one.is_drums, one.marks) == ("violin", "violin", 40, False, ())
    assert one.plays == ("bowed strings", "violin")


def test_report_of_drums_has_no_program():
    one = heard(["percussion", "drums"])
    assert (one.name, one.program, one.is_drums) == ("drums", None, True)


def test_report_of_several_families_is_marked_as_bleeding():
    one = heard(["voice", "key", "piano"])
    assert one.name == "voice" and one.marks == ("bleeding: piano",)
    assert heard(["plucked_string", "electric_bass", "electric_guitar"]).marks == ()


def test_report_of_nothing_says_silent_or_unsure():
    one = heard(["piano"], score=0.4)
    assert one.name == "unsure" and one.label is None and one.marks == ("unsure: perhaps piano",)
    silent = Recognition(
        "a.wav", 4.0, np.zeros(1), np.full(1, 4.0), np.zeros((1, 15), np.float32), np.zeros(15, np.float32),
        np.full(15, 0.5), 1.0,
    )  # fmt: skip
    assert report(Path("a.wav"), silent).marks == ("silent",)


def test_report_of_a_name_that_says_something_else_tells_it():
    assert heard(["key", "piano"], "LeadVox 2.wav").marks == ("name says lead vox",)
    assert heard(["bowed_string"], "violin.wav").marks == ()
    assert heard(["percussion", "drums"], "02_kick.wav").marks == ()


@pytest.mark.parametrize(
    ("label", "program"),
    [("electric_guitar", 27), ("electric_bass", 33), ("saxophone", 65), ("brass", 61),
     ("string_section", 48), ("harp", 46), ("timpani", 47),
     ("organ", 16), ("cymbals", None), ("hand_drums", None), ("synth_bass", 38), ("voice", 52), ("oboe", 68)],
)  # fmt: skip
def test_program_of_a_label_is_that_of_general_midi(label, program):
    assert program_of(LabelSet.load("instruments").concepts[label]) == program


def test_program_of_every_pitched_label_is_there():
    label_set = LabelSet.load("instruments")
    without = {label for label in label_set.labels if program_of(label_set.concepts[label]) is None}
    assert {label_set.family(label) or label for label in without} == {"percussion", "voice"}
    assert program_of(["ukulele"]) == program_of(["plucked_string"]) == 24


def test_new_names_are_never_those_of_files_that_are_there(tmp_path):
    for name in ("a.wav", "b.wav", "c.wav", "Violin.wav", "violin-2.wav", "d.wav"):
        (tmp_path / name).touch()
    found = [heard(["bowed_string", "violin"], str(tmp_path / name)) for name in ("a.wav", "b.wav", "violin-2.wav")]
    found += [heard(["plucked_string", "electric_bass"], str(tmp_path / "c.wav")), heard([], str(tmp_path / "d.wav"))]
    changes = {old.name: new.name for old, new in new_names(found).items()}
    assert changes == {"a.wav": "violin-3.wav", "b.wav": "violin-4.wav", "c.wav": "electric-bass.wav"}


def test_rename_over_another_file_is_refused(tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_text(name)
    with pytest.raises(OrganologyError, match=r"a\.wav: cannot be renamed: "):
        rename(tmp_path / "a.wav", tmp_path / "b.wav")
    assert (tmp_path / "b.wav").read_text() == "b.wav"


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A folder with a violin, a silent stem, one with two instruments and one that is no sound; and a model."""
    monkeypatch.chdir(tmp_path)
    model = build(tmp_path / "tiny.onnx")
    times = np.arange(5 * RATE) / RATE

    def play(name, *labels):
        sound = sum((0.3 * np.sin(2 * np.pi * frequency(label) * times) for label in labels), np.zeros(len(times)))
        soundfile.write(tmp_path / "s" / name, sound, RATE)

    (tmp_path / "s").mkdir()
    play("Audio 01.wav", "violin")
    play("Audio 02.wav")
    play("Audio 03.wav", "piano", "drums")
    (tmp_path / "s" / "Audio 04.wav").write_text("no sound")
    return lambda *options: CliRunner().invoke(command_line(), ["stems", "s", "--model", str(model), *options])


def test_stems_of_a_folder_says_what_is_in_each(session):
    result = session()
    assert result.exit_code == 1 and result.stderr.startswith("s/Audio 04.wav: ")
    rows = [line.split("  ") for line in result.stdout.splitlines()]
    assert rows[0][0].strip() == "stem" and len(rows) == 4
    assert "violin" in result.stdout and "silent" in result.stdout and "bleeding: " in result.stdout


def test_stems_as_csv_and_json_says_the_same(session):
    rows = list(csv.DictReader(io.StringIO(session("--format", "csv").stdout)))
    found = json.loads(session("--format", "json").stdout)
    assert (found["schema"], found["version"]) == ("organology.stems", 1)
    assert [row["instrument"] for row in rows] == [one["name"] for one in found["stems"]]
    assert rows[0]["program"] == "40" and found["stems"][0]["program"] == 40
    assert rows[0]["new_name"] == found["stems"][0]["new_name"] == "violin.wav"


def test_stems_with_rename_lists_and_with_yes_renames(session):
    before = {path.name for path in Path("s").iterdir()}
    assert "s/Audio 01.wav -> violin.wav" in session("--rename").stdout
    assert {path.name for path in Path("s").iterdir()} == before
    session("--rename", "--yes")
    assert Path("s/violin.wav").exists() and Path("s/Audio 02.wav").exists() and not Path("s/Audio 01.wav").exists()
