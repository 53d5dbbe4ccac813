"""The folder of the static page."""

import base64
import hashlib
import io
import json
import tarfile

import pytest

from organology import Recognizer
from organology.cli import command_line
from organology.errors import OrganologyError
from organology.recognition.onnx_model import ModelFile
from organology.serving.page import runtime as runtime_module
from organology.serving.page.runtime import RUNTIME_FILES, RUNTIME_PACKAGE, runtime_files
from organology.serving.page.static import build


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
    with pytest.raises(OrganologyError, match="npm pack"):
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


def archive(folder, names):
    path = folder / "runtime.tgz"
    with tarfile.open(path, "w:gz") as opened:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            opened.addfile(member, io.BytesIO(b"x"))
    return path


def test_runtime_files_of_an_archive_of_npm_are_those_that_the_page_needs(tmp_path, monkeypatch):
    names = [f"package/dist/{name}" for name in (*RUNTIME_FILES, "other.mjs")]
    path = archive(
        tmp_path, [name for name in names if not name.endswith("LICENSE")] + [f"package/x/{RUNTIME_FILES[0]}"]
    )
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    monkeypatch.setattr(runtime_module, "RUNTIME_INTEGRITY", f"sha512-{digest}")
    files = runtime_files(path)
    assert set(files) == set(RUNTIME_FILES)
    assert files[RUNTIME_FILES[0]] == b"x" and b"MIT License" in files["LICENSE"]
    assert RUNTIME_PACKAGE.replace("@", " ").encode() in files["LICENSE"]


def test_runtime_files_of_another_archive_are_refused(tmp_path):
    with pytest.raises(OrganologyError, match=r"runtime\.tgz: not onnxruntime-web@.* as npm packs it"):
        runtime_files(archive(tmp_path, ["package/dist/ort.wasm.min.mjs"]))
