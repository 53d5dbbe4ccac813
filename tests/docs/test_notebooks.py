"""The notebooks run, at test size: the cell tagged `parameters` gets small values."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")
pytest.importorskip("sybil")

from docs import blocks  # noqa: E402

FOLDER = blocks.ROOT / "examples/notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def run(name, folder, parameters, monkeypatch):
    """Run a notebook in a folder; the outputs of its code cells as one text, and its pictures."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    (cell,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    cell.source = "".join(f"{key} = {value!r}\n" for key, value in parameters.items())
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    nbclient.NotebookClient(
        notebook, timeout=300, startup_timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return json.dumps(outputs), [one for one in outputs if "image/png" in one.get("data", {})]


def test_notebooks_hold_no_outputs():
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            assert not cell.get("outputs") and cell.get("execution_count") is None, path.name


def test_notebook_of_recognizing_shows_the_timeline(tmp_path, monkeypatch):
    recording = str(blocks.ROOT / "examples/mutilated-mime.ogg")
    said, pictures = run("01_recognize.ipynb", tmp_path, {"RECORDING": recording}, monkeypatch)
    assert "<svg role" in said and "electric guitar" in said and len(pictures) == 1


def test_notebook_of_a_library_finds_recordings(tmp_path, monkeypatch):
    parameters = {"MUSIC": str(blocks.ROOT / "examples"), "STORE": "library.db"}
    said, _ = run("02_library.ipynb", tmp_path, parameters, monkeypatch)
    assert "5 recordings" in said and "mutilated-mime.ogg" in said and (tmp_path / "scores.csv").exists()


def test_notebook_of_own_stems_trains_and_exports(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    blocks.lay_out(tmp_path)
    parameters = {"STEMS": "my_songs", "OUT": "own", "RECIPE": "own_stems", "MIXTURES": 6}
    said, _ = run("03_own_stems.ipynb", tmp_path, parameters, monkeypatch)
    assert (tmp_path / "own/mine.onnx").stat().st_size > 1e6 and "best epoch 1 of 1" in said


def test_notebook_of_table1_has_the_three_methods(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    blocks.lay_out(tmp_path)
    recipes = tmp_path / "bradl2023"
    recipes.mkdir()
    packaged = Path(blocks.recipes.FOLDER)
    for name in ("paper", "pretraining", "teacher_pretraining"):
        shutil.copy(packaged / f"{name}.yaml", tmp_path)
    for name in ("demo", "demo_pretraining"):
        (tmp_path / name).rename(tmp_path / f"{name}.yaml")
    for name in ("setup", "table1"):
        text = (packaged / f"bradl2023/{name}.yaml").read_text("utf-8")
        (recipes / f"{name}.yaml").write_text(text.replace("build/", "../build/").replace(": starter", ": ../starter"))
    (recipes / "table1").write_text((recipes / "table1.yaml").read_text("utf-8"))
    parameters = {"ROOT": ".", "OUT": "runs/table1", "EPOCHS": 1, "MIXTURES": 6}
    said, pictures = run("04_table1.ipynb", tmp_path, parameters, monkeypatch)
    assert all(method in said for method in ("scratch", "frozen", "finetuned")) and pictures
