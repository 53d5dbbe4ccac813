"""Names of files that would steer a terminal, end a line or be a formula, through every output of the store."""

import ast
import csv
import io
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import organology.cli
from cli.test_recognize import play
from organology.audio.inputs import expand
from organology.cli import command_line
from organology.outputs.writers.tables import original_cell
from tiny_model import build, metadata

NAMES = ("a\rb.wav", "c\nd.wav", "\x1b[31mred.wav", "=1+1.wav", "plain.wav")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="such names are of Unix")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    model = build(folder / "tiny.onnx", metadata(name="evil\x1b[31m\rname"))
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


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize("form", ["csv", "json", "paths", "m3u"])
def test_find_to_a_terminal_steers_it_in_no_format(store, form, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    command_line()(["find", "violin", "--store", str(store), "--format", form], standalone_mode=False)
    assert "\\x1b[31mred" in terminal.getvalue() or "\\u001b[31mred" in terminal.getvalue()
    assert not set("\x1b\r") & set(terminal.getvalue())


@pytest.mark.parametrize("form", ["csv", "segments", "jsonl", "rttm", "table"])
def test_recognize_to_a_terminal_steers_it_in_no_format(store, form, monkeypatch):
    terminal, model = Terminal(), store.parent / "tiny.onnx"
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "dumb")  # no colors, which are sequences of our own
    arguments = ["recognize", str(store.parent / "music"), "--model", str(model), "--format", form, "-q"]
    command_line()(arguments, standalone_mode=False)
    assert "red.wav" in terminal.getvalue() and not set("\x1b\r") & set(terminal.getvalue())


def test_stored_name_of_a_model_is_shown_escaped(store):
    text = invoke("store", "info", store).stdout
    assert "evil\\x1b[31m\\rname" in text and "\x1b" not in text and "\r" not in text


def test_verbs_print_by_echo_alone():
    for path in Path(organology.cli.__file__).parent.rglob("*.py"):
        if path.name == "echo.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "typer.echo":
                said = ast.unparse(node.args[0])
                is_ours = said.startswith(("json.dumps", "recipes.file_of")) or "__version__" in said
                assert is_ours, f"{path}:{node.lineno}: typer.echo passes control characters on: use cli.echo"
