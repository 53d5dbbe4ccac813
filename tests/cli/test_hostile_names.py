"""Names of files that would steer a terminal, end a line or be a formula, through every output of the store."""

import csv
import io
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.test_recognize import play
from organology.audio.inputs import expand
from organology.cli import command_line
from organology.outputs.writers.tables import original_cell
from tiny_model import build

NAMES = ("a\rb.wav", "c\nd.wav", "\x1b[31mred.wav", "=1+1.wav", "plain.wav")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="such names are of Unix")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    model = build(folder / "tiny.onnx")
    for name in NAMES:
        play(folder / "music" / name, "violin")
    result = invoke("recognize", folder / "music", "--model", model, "--store", folder / "lib.db")
    assert result.exit_code == 0 and "\x1b" not in result.output and "\r" not in result.output
    return folder / "lib.db"


def invoke(*arguments):
    return CliRunner().invoke(command_line(), list(map(str, arguments)))


def test_find_as_a_playlist_gives_every_file_back(store, tmp_path):
    playlist = tmp_path / "found.m3u"
    playlist.write_bytes(invoke("find", "violin", "--store", store, "--format", "m3u").stdout_bytes)
    found = expand([str(playlist)])
    assert {Path(item.name).name for item in found.files} == set(NAMES) and not found.failures


def test_find_as_csv_gives_every_name_back(store):
    text = invoke("find", "violin", "--store", store, "--format", "csv").stdout_bytes.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {Path(original_cell(row["file"])).name for row in rows} == set(NAMES)


def test_find_as_a_table_is_a_line_a_file_without_control_characters(store):
    text = invoke("find", "violin", "--store", store).stdout
    assert "\x1b" not in text and "\r" not in text and len(text.splitlines()) == 1 + len(NAMES)
