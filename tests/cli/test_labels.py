"""`organology labels`, `--labels`, and what the command line loads before it works."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from organology.cli import command_line
from organology.extras import install_hint
from organology.labels import LabelSet, label_sets
from tiny_model import build

HEAVY = {"numpy", "pydantic", "onnxruntime", "torch", "polars", "matplotlib", "lightning", "av", "soundfile", "yaml"}


def invoke(*arguments):
    return CliRunner().invoke(command_line(), list(map(str, arguments)))


@pytest.mark.parametrize("name", label_sets())
def test_labels_lists_every_label_of_a_set(name):
    result = invoke("labels", name)
    label_set = LabelSet.load(name)
    lines = result.stdout.splitlines()[1:-1]
    assert result.exit_code == 0 and [line.split()[0] for line in lines] == list(label_set.order())
    for line, label in zip(lines, label_set.order(), strict=True):
        assert line.startswith("  " * (1 + label_set.depth(label)) + label) and label_set.display[label] in line


def test_labels_says_what_the_shipped_model_can_tell():
    lines = {line.split()[0]: line.split()[-1] for line in invoke("labels", "openmic20").stdout.splitlines()}
    assert lines["guitar"] == lines["violin"] == "yes" and lines["accordion"] == lines["cello"] == "tentative"
    assert invoke("labels").stdout.startswith("instruments: 50 labels; the shipped model can tell 50")


def test_labels_of_no_set_is_one_line(tmp_path):
    assert "did you mean openmic20" in str(invoke("labels", "openmic2").exception)


@pytest.fixture
def recognize(tmp_path, monkeypatch):
    from cli.test_recognize import play

    monkeypatch.chdir(tmp_path)
    model = build(tmp_path / "tiny.onnx")
    play(tmp_path / "a.wav", "acoustic_guitar")

    return lambda *arguments: invoke("recognize", "a.wav", "--model", model, "--threads", 1, *arguments)


@pytest.mark.parametrize(
    "form", ["table", "json", "csv", "segments", "html", "jams", "elan", "sonic-visualiser", "eaf", "svl"]
)
def test_recognize_with_another_set_writes_its_labels(recognize, form):
    result = recognize("--labels", "openmic20", "--format", form)
    assert result.exit_code == 0 and "guitar" in result.stdout
    assert "acoustic" not in result.stdout.replace("acoustic_guitar.", "")
    (line,) = [line for line in result.stderr.splitlines() if "cannot tell" in line]
    assert line.startswith("openmic20: this model cannot tell accordion, banjo, cello")


def test_recognize_with_a_table_of_ones_own_draws_it(recognize, tmp_path):
    (tmp_path / "own.tsv").write_text("label\tconcepts\tparent\nstrings\tplucked_string\t\nguitar\t\tstrings\n")
    result = recognize("--labels", "own.tsv", "--format", "json", "--plot", "a.svg")
    (recording,) = json.loads(result.stdout)["recordings"]
    assert recording["instruments"] == ["strings", "guitar"] and recording["label_set"]["name"] == "own"
    assert [row["family"] for row in recording["labels"]] == [None, "strings"]
    assert (tmp_path / "a.svg").stat().st_size > 1000


def test_recognize_without_brief_labels_leaves_their_segments_out(recognize):
    def labels(*options):
        rows = recognize("--format", "segments", "--threshold", "0.9", *options).stdout.splitlines()[1:]
        return {row.split(",")[1] for row in rows}

    assert labels("--no-brief") <= labels("--brief") and "acoustic_guitar" in labels("--no-brief")


@pytest.mark.parametrize("arguments", [["--help"], ["recognize", "--help"], ["recognize", "--formats"], ["--version"]])
def test_command_line_help_loads_nothing_heavy(arguments):
    heavy = HEAVY - ({"pydantic"} if arguments[0] == "recognize" else set())  # typer reads arguments with it
    code = (
        f"import sys; sys.argv = ['organology', *{arguments}]\nfrom organology.cli import main\n"
        f"try: main()\nexcept SystemExit: pass\nprint(sorted(set(sys.modules) & {heavy}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_m_organology_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "organology", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("organology ")


def test_command_line_offers_shell_completion():
    assert "--install-completion" in invoke("--help").stdout


def test_command_line_error_with_control_characters_is_printable():
    code = "import sys; sys.argv = ['organology', 'labels', 'a\\x1b[31m\\nb']\nfrom organology.cli import main\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "\x1b" not in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("matplotlib", "recognize a.wav --plot x"),
        ("polars", "prepare stems songs --out new"),
        ("polars", "embed model.onnx a.wav --out new.parquet"),
        ("sklearn", "tune checkpoint recipe.yaml"),
        ("scipy", "evaluate model.onnx annotations.csv"),
    ],
)
def test_missing_package_is_named_before_the_work(module, arguments, tmp_path):
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        f"sys.argv = ['organology', *{arguments.split()!r}]\nfrom organology.cli import main\nmain()"
    )
    (tmp_path / "a.wav").write_bytes(b"")
    (tmp_path / "annotations.csv").write_text("file,label,start,end\na.wav,violin,0,1\n")
    (tmp_path / "songs").mkdir()
    before = sorted(tmp_path.iterdir())
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == f"error: this needs {module}: {install_hint(module)}\n"
    assert sorted(tmp_path.iterdir()) == before


def test_install_hint_of_what_belongs_to_no_extra_is_none():
    assert install_hint("sys") is None
