"""What all rooms stand on: configuration, whole files, metadata, and which way imports go."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from organology import config, model_metadata
from organology.atomic import written_whole
from organology.errors import ConfigError, ModelError
from organology.labels import LabelSet

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Inner:
    __pydantic_config__ = config.FORBID
    depth: int = 1


@dataclass(frozen=True)
class Outer:
    __pydantic_config__ = config.FORBID
    name: str
    inner: Inner = field(default_factory=Inner)


def test_config_recipe_is_read_into_its_dataclass(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("name: x\ninner: {depth: 3}\n")
    assert config.load(path, Outer) == Outer("x", Inner(3))
    assert config.to_plain(Outer("x")) == {"name": "x", "inner": {"depth": 1}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\ninner: {depht: 3}\n", "inner.depht"),
        ("name: x\nsurname: y\n", "surname"),
        ("inner: {}\n", "name"),
        ("name: x\ninner: {depth: deep}\n", "inner.depth"),
        ("name: [", "r.yaml"),
    ],
)
def test_config_wrong_recipe_is_one_line_with_file_and_place(tmp_path, text, said):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        config.load(path, Outer)
    assert "r.yaml" in str(error.value) and said in str(error.value) and "\n" not in str(error.value)


def test_written_whole_file_is_whole_or_not_there(tmp_path):
    target = tmp_path / "new" / "a.csv"
    with pytest.raises(RuntimeError), written_whole(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []
    with written_whole(target) as temporary:
        temporary.write_text("whole")
    assert target.read_text() == "whole" and list(target.parent.iterdir()) == [target]


def test_metadata_through_json_comes_back():
    told = model_metadata.ModelMetadata(
        LabelSet("two", ("voice", "key")), (0.3, 0.4), provenance={"command": "train"}, name="tiny"
    )
    assert model_metadata.ModelMetadata.from_json(told.to_json(), "m") == told
    assert told.window_frames == 128_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"labels": ["a"]}',
        '{"labels": ["a"], "thresholds": []}',
        '{"labels": [], "thresholds": [], "version": 99}',
    ],
)
def test_metadata_off_the_contract_names_the_model(text):
    with pytest.raises(ModelError, match=r"m\.onnx"):
        model_metadata.ModelMetadata.from_json(text, "m.onnx")


def test_import_linter_contracts_are_kept():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
