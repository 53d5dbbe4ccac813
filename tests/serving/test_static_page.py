"""The folder of the static page."""

import json

import pytest

from organology import Recognizer
from organology.cli import command_line
from organology.errors import OrganologyError
from organology.recognition.onnx_model import ModelFile
from organology.serving.page.static import RUNTIME_FILES, build


@pytest.fixture
def runtime(tmp_path):
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in RUNTIME_FILES:
        (folder / name).write_bytes(b"x")
    return folder


def test_folder_holds_the_page_the_model_and_the_runtime(tmp_path, runtime):
    files = build(tmp_path / "out", runtime)
    names = {path.relative_to(tmp_path / "out").as_posix() for path in files}
    assert {"index.html", "sw.js", "page/app.js", "page/timeline.js", "page/model.onnx", "page/worker.js"} <= names
    assert {f"page/ort/{name}" for name in RUNTIME_FILES} <= names
    assert "page/server-engine.js" not in names
    model = json.loads((tmp_path / "out/page/model.json").read_text())
    reliable, every = model["views"]
    assert [one["label"] for one in every["labels"]] == list(ModelFile().metadata.labels)
    assert [one["label"] for one in reliable["labels"]] == list(Recognizer().label_set.labels)
    assert [every["labels"][i]["label"] for i in reliable["columns"]] == [one["label"] for one in reliable["labels"]]
    kept = (tmp_path / "out/sw.js").read_text()
    assert all(f'"{name}"' in kept for name in names - {"index.html", "sw.js"})


def test_page_names_its_policy_and_no_other_host(tmp_path, runtime):
    build(tmp_path / "out", runtime)
    text = (tmp_path / "out/index.html").read_text()
    assert "Content-Security-Policy" in text
    assert "http://" not in text
    assert "https://" not in text
    assert "$" not in text


def test_missing_runtime_costs_one_line(tmp_path):
    with pytest.raises(OrganologyError, match="vendor_page"):
        build(tmp_path / "out", tmp_path)


def test_service_worker_changes_with_the_files(tmp_path, runtime):
    build(tmp_path / "a", runtime)
    (runtime / RUNTIME_FILES[0]).write_bytes(b"y")
    build(tmp_path / "b", runtime)
    assert (tmp_path / "a/sw.js").read_text() != (tmp_path / "b/sw.js").read_text()


def test_verb_writes_the_folder(tmp_path, runtime):
    testing = pytest.importorskip("typer.testing")
    result = testing.CliRunner().invoke(command_line(), ["page", str(tmp_path / "out"), "--runtime", str(runtime)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out/index.html").is_file()
