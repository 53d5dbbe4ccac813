from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model_signals import TINY, metadata, music, settled
from organology.errors import ModelError
from organology.model import InstrumentNet, ModelConfig, load_checkpoint, save_checkpoint
from organology.model.checkpoint_files import DESCRIPTION, WEIGHTS


@pytest.fixture(scope="module")
def net() -> InstrumentNet:
    return settled(ModelConfig("short-chunk", "paper", channels=TINY))


@pytest.fixture
def folder(net: InstrumentNet, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "checkpoint", net, metadata(net))
    return tmp_path / "checkpoint"


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig("short-chunk", "linear", channels=TINY, head_norm=True, frontend="paper"),
        ModelConfig("mobilenet", "anchored"),
    ],
    ids=["short-chunk", "mobilenet"],
)
def test_save_checkpoint_network_comes_back_as_it_was(config: ModelConfig, tmp_path: Path) -> None:
    net = settled(config)
    save_checkpoint(tmp_path / "a" / "b", net, metadata(net))
    back, described = load_checkpoint(tmp_path / "a" / "b")
    assert back.config == net.config and back.labels == net.labels and not back.training
    assert described.thresholds == metadata(net).thresholds and described.provenance == {"data": "none"}
    assert described.frontend["n_fft"] == net.frontend.config.n_fft
    x = torch.from_numpy(music(1))
    with torch.no_grad():
        assert torch.equal(back(x), net(x))


def test_save_checkpoint_leaves_nothing_else_and_others_may_read(folder: Path) -> None:
    assert sorted(p.name for p in folder.parent.rglob("*")) == ["checkpoint", DESCRIPTION, WEIGHTS]
    umask = os.umask(0)
    os.umask(umask)
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o666 & ~umask}


def test_save_checkpoint_equal_networks_are_equal_files(folder: Path, tmp_path: Path) -> None:
    net, metadata = load_checkpoint(folder)
    for i in range(8):  # the order of a hash map would differ in one of them
        save_checkpoint(tmp_path / f"{i}", net, metadata)
    assert len({(tmp_path / f"{i}" / "model.safetensors").read_bytes() for i in range(8)}) == 1


def test_save_checkpoint_again_replaces_both_files_alone(folder: Path) -> None:
    (folder / "log.csv").write_text("kept")
    other = settled(ModelConfig("short-chunk", "paper", channels=TINY), seed=7)
    save_checkpoint(folder, other, dataclasses.replace(metadata(other), name="second"))
    back, described = load_checkpoint(folder)
    assert described.name == "second"
    torch.testing.assert_close(back.head[0].weight, other.head[0].weight)  # type: ignore[index]
    assert (folder / "log.csv").read_text() == "kept"
    assert len(list(folder.parent.iterdir())) == 1


def test_save_checkpoint_metadata_of_another_network_are_refused(net: InstrumentNet, tmp_path: Path) -> None:
    good = metadata(net)
    with pytest.raises(ModelError, match="other labels"):
        save_checkpoint(
            tmp_path / "x", net, dataclasses.replace(good, label_set=good.label_set.subset(good.labels[::-1]))
        )
    with pytest.raises(ModelError, match="sample rates"):
        save_checkpoint(tmp_path / "x", net, dataclasses.replace(good, sample_rate=16_000))
    assert not list(tmp_path.iterdir())


def _edit(folder: Path, *path: str, value: object) -> None:
    description = json.loads((folder / DESCRIPTION).read_text())
    place = description
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (folder / DESCRIPTION).write_text(json.dumps(description))


def _drop_weight(folder: Path) -> None:
    state = load_file(folder / WEIGHTS)
    del state["head.4.bias"]
    save_file(state, folder / WEIGHTS)


FAULTS = {
    "no weights": lambda f: (f / WEIGHTS).unlink(),
    "no description": lambda f: (f / DESCRIPTION).unlink(),
    "truncated weights": lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:5000]),
    "empty weights": lambda f: (f / WEIGHTS).write_bytes(b""),
    "text as weights": lambda f: (f / WEIGHTS).write_text("weights\n" * 100),
    "a pickle as weights": lambda f: torch.save({"a": torch.zeros(1)}, f / WEIGHTS),
    "broken json": lambda f: (f / DESCRIPTION).write_text('{"format": '),
    "binary json": lambda f: (f / DESCRIPTION).write_bytes(b"\xff\xfe\x00"),
    "a json list": lambda f: (f / DESCRIPTION).write_text("[]"),
    "other format": lambda f: _edit(f, "format", value="organology-checkpoint-9"),
    "unknown key": lambda f: _edit(f, "config", "depth", value=3),
    "wrong type": lambda f: _edit(f, "config", "frontend", "n_fft", value="many"),
    "no metadata": lambda f: _edit(f, "metadata", value=None),
    "too few thresholds": lambda f: _edit(f, "metadata", "thresholds", value=[0.5]),
    "newer metadata": lambda f: _edit(f, "metadata", "version", value=99),
    "other channels": lambda f: _edit(f, "config", "channels", value=[4] * 7),
    "other head": lambda f: _edit(f, "config", "head", value="linear"),
    "a weight less": _drop_weight,
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_load_checkpoint_bad_one_is_one_line_that_names_it(folder: Path, fault: str) -> None:
    FAULTS[fault](folder)
    with pytest.raises(ModelError) as caught:
        load_checkpoint(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_load_checkpoint_no_folder_or_a_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such checkpoint folder"):
        load_checkpoint(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="not a checkpoint folder"):
        load_checkpoint(tmp_path / "file")


def test_load_checkpoint_of_two_writings_is_that_of_the_weights(folder: Path, tmp_path: Path) -> None:
    other = settled(ModelConfig("short-chunk", "linear", channels=TINY), seed=1)
    save_checkpoint(tmp_path / "other", other, dataclasses.replace(metadata(other), name="second"))
    (tmp_path / "other" / WEIGHTS).replace(folder / WEIGHTS)  # as a crash between the two leaves them
    back, described = load_checkpoint(folder)
    assert described.name == "second" and back.config == other.config


def test_load_checkpoint_of_two_writings_without_a_copy_is_refused(folder: Path) -> None:
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS)  # as earlier versions wrote them
    with pytest.raises(ModelError, match="describes other weights") as caught:
        load_checkpoint(folder)
    assert str(caught.value).startswith(f"{folder}: ") and "\n" not in str(caught.value)


def test_load_checkpoint_without_a_digest_is_read(folder: Path) -> None:
    description = json.loads((folder / DESCRIPTION).read_text())
    del description["weights_sha256"]
    (folder / DESCRIPTION).write_text(json.dumps(description))
    load_checkpoint(folder)
