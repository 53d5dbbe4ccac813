from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import TypeAdapter

from model_signals import TINY, metadata, music, settled
from organology import config as configuration
from organology.errors import ConfigError, ModelError
from organology.labels import default_set
from organology.model import EFFICIENTAT, PAPER, InstrumentNet, ModelConfig, ShortChunk, save_checkpoint
from organology.model.heads.anchored import AnchoredHead
from organology.model.heads.paper import PaperHead

CONFIGS = [
    ModelConfig("short-chunk", "paper", channels=TINY),
    ModelConfig("short-chunk", "linear", channels=TINY, head_norm=True),
    ModelConfig("mobilenet", "paper"),
    ModelConfig("mobilenet", "linear"),
    ModelConfig("mobilenet", "anchored"),
]
IDS = [f"{c.backbone}-{c.head}" for c in CONFIGS]


def test_short_chunk_is_the_papers() -> None:
    backbone = ShortChunk().eval()
    convolutions = [m for m in backbone.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [128, 128, 256, 256, 256, 256, 512]
    assert {c.kernel_size for c in convolutions} == {(3, 3)}
    assert sum(isinstance(m, torch.nn.MaxPool2d) for m in backbone.modules()) == 7
    assert backbone.embedding_size == 512
    with torch.no_grad():
        maps = backbone.blocks(torch.zeros(1, 1, 128, 130))
        assert maps.shape == (1, 512, 1, 1)  # one band left


def test_short_chunk_takes_the_maximum_over_time() -> None:
    backbone = ShortChunk(TINY).eval()
    x = torch.randn(1, 1, 128, 512)
    with torch.no_grad():
        torch.testing.assert_close(backbone(x), backbone.blocks(backbone.input_norm(x))[:, :, 0].amax(-1))


def test_paper_head_is_the_papers() -> None:
    kinds = [type(layer).__name__ for layer in PaperHead(512, default_set())]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"]
    head = PaperHead(512, default_set())
    assert head[0].weight.shape == (512, 512) and head[4].weight.shape == (15, 512) and head[3].p == 0.5


@pytest.mark.parametrize("config", CONFIGS, ids=IDS)
def test_network_every_backbone_and_head_gives_logits(config: ModelConfig) -> None:
    net = settled(config)
    x = torch.from_numpy(music(2))
    with torch.no_grad():
        together, alone = net(x), torch.cat([net(x[:1]), net(x[1:])])
    assert together.shape == (2, 15) and together.std() > 0
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert net.config.frontend == (PAPER if config.backbone == "short-chunk" else EFFICIENTAT)


def test_network_of_other_labels_gives_their_logits() -> None:
    tags = tuple(f"tag{i}" for i in range(50))
    net = settled(ModelConfig(channels=TINY), tags)
    x = torch.from_numpy(music(1))
    with torch.no_grad():
        assert net(x).shape == (1, 50)
        torch.testing.assert_close(net.scores(x), net(x).sigmoid())  # no families among them
    with pytest.raises(ModelError, match="AudioSet has no class for any label"):
        InstrumentNet(ModelConfig("mobilenet", "anchored"), tags)


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.float32, (3, 15), elements=st.floats(-20, 20, width=32)))
def test_paper_head_no_family_is_below_its_instruments(logits: np.ndarray) -> None:
    net = _tiny()
    ours = net.to_scores(torch.from_numpy(logits)).numpy()
    np.testing.assert_array_equal(ours, default_set().raise_parents(torch.from_numpy(logits).sigmoid().numpy()))


def _tiny(_made: list[InstrumentNet] = []) -> InstrumentNet:  # noqa: B006
    if not _made:
        _made.append(settled(CONFIGS[0]))
    return _made[0]


def _state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def _changed(module: torch.nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in module.state_dict().items() if not torch.equal(value, before[name])}


def _learn(net: InstrumentNet) -> None:
    net.train()
    optimizer = torch.optim.Adam([*net.backbone_parameters(), *net.head_parameters()], 1e-2)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(
        net(torch.from_numpy(music(3, seed=5))), torch.ones(3, 15)
    )
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize("config", [CONFIGS[0], CONFIGS[4]], ids=[IDS[0], IDS[4]])
def test_network_frozen_backbone_keeps_weights_and_statistics(config: ModelConfig) -> None:
    net = settled(config)
    net.freeze_backbone()
    backbone, head = _state(net.backbone), _state(net.head)
    _learn(net)
    assert not _changed(net.backbone, backbone)
    assert _changed(net.head, head)
    assert (
        net.training
        and net.head.training
        and not any(m.training for m in net.backbone.modules() if list(m.children()) == [])
    )
    assert not list(net.backbone_parameters())


def test_network_unfrozen_backbone_learns_again() -> None:
    net = settled(CONFIGS[0])
    net.freeze_backbone()
    net.freeze_backbone(learn_last=len(net.backbone.stages()))
    before = _state(net.backbone)
    _learn(net)
    changed = _changed(net.backbone, before)
    assert "blocks.0.0.weight" in changed and "blocks.6.1.running_mean" in changed


def test_network_last_stages_alone_can_learn() -> None:
    net = settled(CONFIGS[2])
    net.freeze_backbone(learn_last=2)
    before = _state(net.backbone)
    _learn(net)
    changed = _changed(net.backbone, before)
    assert {name.split(".")[0] + name.split(".")[1] for name in changed} == {"blocks14", "tail0", "tail1"}
    assert copy.deepcopy(net).train().backbone.stem.training is False
    for wrong in (-1, 18):
        with pytest.raises(ValueError, match="learn_last"):
            net.freeze_backbone(wrong)


def test_anchored_head_classifier_of_the_anchor_never_learns() -> None:
    net = settled(CONFIGS[4])
    assert isinstance(net.head, AnchoredHead)
    before = _state(net.head.classifier)
    _learn(net)
    assert not _changed(net.head.classifier, before)
    assert not net.head.classifier.training
    names = {name for name, p in net.head.named_parameters() if p.requires_grad}
    assert names == {"scale", "linear.1.weight", "linear.1.bias"}
    assert len(list(net.head_parameters())) == 3


def test_anchored_head_is_linear_plus_scaled_anchor() -> None:
    head = AnchoredHead(384, default_set())
    embedding = torch.randn(4, 384)
    anchor = head.to_labels(head.classifier(embedding))
    torch.testing.assert_close(head(embedding), anchor)
    with torch.no_grad():
        head.scale.fill_(2.0)
        head.linear[1].bias.fill_(3.0)  # type: ignore[union-attr, operator]
    torch.testing.assert_close(head(embedding), 2 * anchor + 3)


def test_pretrained_backbone_from_a_checkpoint_leaves_the_head(tmp_path: Path) -> None:
    tags = tuple(f"tag{i}" for i in range(5))
    taught = settled(ModelConfig(channels=TINY), tags, seed=1)
    save_checkpoint(tmp_path / "taught", taught, metadata(taught))
    net = settled(CONFIGS[0], seed=2)
    head = _state(net.head)
    net.load_pretrained(tmp_path / "taught")
    assert not _changed(net.head, head)
    assert not _changed(net.backbone, _state(taught.backbone))


def test_pretrained_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    nets = {c: settled(c) for c in (CONFIGS[0], CONFIGS[3])}
    for number, (config, net) in enumerate(nets.items()):
        save_checkpoint(tmp_path / str(number), net, metadata(net))
        other = CONFIGS[3] if config is CONFIGS[0] else CONFIGS[0]
        with pytest.raises(ModelError, match="backbone"):
            InstrumentNet(other).load_pretrained(tmp_path / str(number))
    with pytest.raises(ModelError, match="another front end"):
        InstrumentNet(dataclasses.replace(CONFIGS[0], frontend=EFFICIENTAT)).load_pretrained(tmp_path / "0")
    with pytest.raises(ModelError, match="no AudioSet classifier"):
        InstrumentNet(CONFIGS[4]).load_pretrained(tmp_path / "1")
    with pytest.raises(ModelError, match="don't fit"):
        InstrumentNet(ModelConfig(channels=(*TINY[:-1], 32))).load_pretrained(tmp_path / "0")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"backbone": "resnet"}, "backbone"),
        ({"head": "anchored"}, "anchored"),
        ({"backbone": "mobilenet", "head": "anchored", "width": 1.0}, "anchored"),
        ({"channels": [4, 0]}, "positive"),
        ({"dropout": 1.0}, "dropout"),
        ({"frontend": {"n_mels": 64}}, "128 bands"),
        ({"frontend": {"n_bands": 64}}, "unknown key"),
        ({"depth": 3}, "unknown key"),
    ],
)
def test_model_config_wrong_values_are_refused(values: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        configuration.parse(values, ModelConfig, "recipe.yaml")


@pytest.mark.parametrize("frontend", [None, "paper", "efficientat", {"n_fft": 1024}])
def test_model_config_front_end_by_name_or_settings_is_read(frontend: object) -> None:
    config = configuration.parse({"frontend": frontend}, ModelConfig, "recipe.yaml")
    written_out = {None: PAPER, "paper": PAPER, "efficientat": EFFICIENTAT}
    expected = dataclasses.replace(PAPER, n_fft=1024) if isinstance(frontend, dict) else written_out[frontend]  # type: ignore[index]
    assert config.frontend_config == expected
    plain = configuration.to_plain(config)
    assert TypeAdapter(ModelConfig).validate_python(plain) == config


@pytest.mark.parametrize("config", [CONFIGS[0], CONFIGS[2]], ids=["short-chunk", "mobilenet"])
def test_network_embeddings_have_the_declared_size(config: ModelConfig) -> None:
    net = settled(config)
    assert net.embed(torch.from_numpy(music(1))).shape == (1, net.backbone.embedding_size)
