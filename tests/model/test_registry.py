"""Backbones and heads by name: adding one takes one class and one registration."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model_signals import TINY, metadata, music, settled
from organology import config as configuration
from organology.errors import ConfigError
from organology.labels import LabelSet
from organology.model import BACKBONES, HEADS, InstrumentNet, ModelConfig, export_onnx, load_checkpoint, save_checkpoint
from organology.model.heads.linear import LinearHead
from organology.model.registry import Backbone, Head, Registry, load_target

DEEP = LabelSet(
    "deep", ("strings", "guitars", "electric_guitar", "drums"), {"guitars": "strings", "electric_guitar": "guitars"}
)


class ToyBackbone(nn.Module):
    """The mean of each band, in a size of its own."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.linear = nn.Linear(128, size)
        self.embedding_size = size

    def stages(self) -> tuple[nn.Module, ...]:
        return (self.linear,)

    def forward(self, spectrogram: Tensor) -> Tensor:
        means: Tensor = self.linear(spectrogram.mean((1, 3)))
        return means


class ToyHead(LinearHead):
    """A linear layer whose logits are scaled."""

    def __init__(self, embedding_size: int, label_set: LabelSet, scale: float = 1.0) -> None:
        super().__init__(embedding_size, label_set)
        self.scale = scale

    def forward(self, embedding: Tensor) -> Tensor:
        logits: Tensor = super().forward(embedding)
        return self.scale * logits


@pytest.fixture
def toys() -> Iterator[None]:
    BACKBONES.register(Backbone("toy", f"{__name__}:ToyBackbone", "a toy", settings={"size": "toy_size"}))
    HEADS.register(Head("toy", f"{__name__}:ToyHead", "a toy", settings={"scale": "toy_scale"}))
    yield
    BACKBONES.remove("toy")
    HEADS.remove("toy")


@pytest.mark.usefixtures("toys")
def test_registry_toy_backbone_and_head_are_configured_saved_and_exported(tmp_path: Path) -> None:
    values = {"backbone": "toy", "head": "toy", "options": {"toy_size": 5, "toy_scale": 2.0}}
    config = configuration.parse(values, ModelConfig, "recipe.yaml")
    net = settled(config)
    assert net.backbone.embedding_size == 5 and net.head.scale == 2.0
    save_checkpoint(tmp_path / "toy", net, metadata(net))
    back, described = load_checkpoint(tmp_path / "toy")
    x = torch.from_numpy(music(1))
    with torch.no_grad():
        assert torch.equal(back(x), net(x))
    assert export_onnx(back, described, tmp_path / "toy.onnx").largest_difference < 1e-4


@pytest.mark.usefixtures("toys")
def test_config_option_of_no_choice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"options\.depth: unknown key"):
        configuration.parse({"backbone": "toy", "options": {"depth": 1}}, ModelConfig, "recipe.yaml")


def test_config_unknown_choice_names_the_choices() -> None:
    for section, registry in (("backbone", BACKBONES), ("head", HEADS)):
        with pytest.raises(ConfigError, match=f"{section}.*must be one of {', '.join(registry.names)}, got 'resnet'"):
            configuration.parse({section: "resnet"}, ModelConfig, "recipe.yaml")


def test_registry_every_target_exists_and_every_name_is_documented() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "model.md").read_text("utf-8")
    for entry in (*BACKBONES, *HEADS):
        assert isinstance(load_target(entry.target), type)
        assert f"| `{entry.name}` | {entry.about}" in docs


def test_registry_same_name_twice_is_refused() -> None:
    registry: Registry[Head] = Registry("head")
    registry.register(Head("one", "nowhere:One", "one"))
    with pytest.raises(ValueError, match="head 'one' is registered already"):
        registry.register(Head("one", "nowhere:Other", "other"))


def test_config_module_needs_no_torch() -> None:
    code = "import sys, organology.model.config; print('torch' in sys.modules, 'pydantic' in sys.modules)"
    light = "import sys, organology.model.backbones, organology.model.heads; print('pydantic' in sys.modules)"
    for script, expected in ((code, "False True"), (light, "False")):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.split() == expected.split()


@pytest.mark.parametrize("head", ["paper", "linear", "anchored"])
@pytest.mark.parametrize("label_set", ["openmic20", "irmas11", DEEP], ids=["openmic20", "irmas11", "own"])
def test_network_any_label_set_is_trained_exported_and_read_back(
    head: str, label_set: str | LabelSet, tmp_path: Path
) -> None:
    label_set = LabelSet.load(label_set) if isinstance(label_set, str) else label_set
    if head == "anchored":
        net = InstrumentNet(ModelConfig("mobilenet", head), label_set).eval()
    else:
        net = InstrumentNet(ModelConfig("short-chunk", head, channels=TINY), label_set).eval()
    x = music(2)
    with torch.no_grad():
        scores = net.scores(torch.from_numpy(x)).numpy()
    assert scores.shape == (2, len(label_set))
    np.testing.assert_array_equal(scores, label_set.raise_parents(scores))
    save_checkpoint(tmp_path / "net", net, replace(metadata(net), thresholds=(0.5,) * len(label_set)))
    back, described = load_checkpoint(tmp_path / "net")
    assert described.label_set == back.label_set == label_set
    report = export_onnx(back, described, tmp_path / "net.onnx")
    assert report.metadata.label_set == label_set


def test_anchored_head_label_without_audioset_class_has_no_anchor() -> None:
    label_set = LabelSet("own", ("piano", "kazoo_choir"))
    net = InstrumentNet(ModelConfig("mobilenet", "anchored"), label_set).eval()
    assert net.head.to_labels.known == (True, False)
    with torch.no_grad():
        logits = net(torch.from_numpy(music(2)))
    assert (logits[:, 1] == 0).all() and (logits[:, 0] != 0).all()


def test_checkpoint_written_before_options_is_read(tmp_path: Path) -> None:
    net = settled(ModelConfig(channels=TINY))
    save_checkpoint(tmp_path / "net", net, metadata(net))
    file = tmp_path / "net" / "model.json"
    values = json.loads(file.read_text("utf-8"))
    del values["config"]["options"]
    file.write_text(json.dumps(values), "utf-8")
    assert load_checkpoint(tmp_path / "net")[0].config == net.config
