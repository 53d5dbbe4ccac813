"""Backbones of published music taggers: layout always, the published outputs where the weights are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from torch import nn

from model_signals import music
from organology.errors import ModelError
from organology.model import InstrumentNet, ModelConfig
from organology.model.backbones.fcn import FCN, PUBLISHED_LAST_POOLS
from organology.model.backbones.fcn import read_published as read_fcn
from organology.model.backbones.musicnn import Musicnn
from organology.model.backbones.musicnn import read_published as read_musicnn
from organology.model.config import JAMENDO
from organology.model.frontend import MelFrontend
from organology.model.imported import has_folded_norms
from organology.model.taggers.musicnn import MusicTagger
from organology.model.weights import load_state, part, read_state
from organology.training.transfer.recipe import TrainingConfig
from organology.training.transfer.schedule import set_learning

WEIGHTS = Path(__file__).parents[3] / "shared/weights/sota_music_tagging"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_dir(), reason="no ../shared")
NAMES = {"fcn-jamendo": ("jamendo_fcn.pth", "dense"), "musicnn-jamendo": ("jamendo_musicnn.pth", "dense2")}


def published_file(folder: Path, name: str) -> Path:
    """A file of random weights under the published names."""
    network = InstrumentNet(ModelConfig(name))
    state = {"spec.spectrogram.window": torch.zeros(512), "spec.mel_scale.fb": torch.zeros(257, 96)}
    state |= {key: torch.rand_like(value.float()) for key, value in network.backbone.state_dict().items()}
    last = nn.Linear(network.backbone.embedding_size if name == "fcn-jamendo" else 200, 50)
    state |= {f"{NAMES[name][1]}.{key}": value for key, value in last.state_dict().items()}
    torch.save(state, folder / f"{name}.pth")
    return folder / f"{name}.pth"


@pytest.mark.parametrize(("name", "size"), [("fcn-jamendo", 64), ("musicnn-jamendo", 200)])
def test_backbone_takes_published_weights_and_four_seconds(name, size, tmp_path):
    file = published_file(tmp_path, name)
    network = InstrumentNet(ModelConfig(name)).eval()
    network.load_pretrained(file)
    state = read_state(file)
    for key, value in network.backbone.named_parameters():
        assert torch.equal(value, state[key]), key
    with torch.no_grad():
        assert network.embed(torch.from_numpy(music(2))).shape == (2, size)
    assert sum(p.numel() for stage in network.backbone.stages() for p in stage.parameters()) == sum(
        p.numel() for p in network.backbone.parameters()
    )


@pytest.mark.parametrize("name", ["fcn-jamendo", "musicnn-jamendo"])
def test_norms_of_a_tagger_are_its_own_and_may_follow(name, tmp_path):
    network = InstrumentNet(ModelConfig(name))
    network.load_pretrained(published_file(tmp_path, name))
    assert not has_folded_norms(network)


def test_subnormal_weights_are_read_as_zero(tmp_path):
    torch.save({"a": torch.tensor([1e-40, -1e-40, 2e-38, 0.5]), "n": torch.tensor(3)}, tmp_path / "some.pth")
    state = read_state(tmp_path / "some.pth")
    assert state["a"].tolist() == torch.tensor([0, 0, 2e-38, 0.5]).tolist() and state["n"] == 3


def test_weights_of_another_tagger_are_refused(tmp_path):
    with pytest.raises(ModelError, match="the weights don't fit this network"):
        InstrumentNet(ModelConfig("fcn-jamendo")).load_pretrained(published_file(tmp_path, "musicnn-jamendo"))


@pytest.mark.parametrize("name", list(NAMES))
def test_momentum_of_batch_norms_is_a_setting(name):
    for options, expected in (({}, 0.1), ({"norm_momentum": 0.02}, 0.02)):
        network = InstrumentNet(ModelConfig(name, options=options))
        norms = [m for m in network.backbone.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        assert {m.momentum for m in norms} == {expected}
    published = InstrumentNet(ModelConfig("mobilenet"))
    faster = InstrumentNet(ModelConfig("mobilenet", options={"norm_momentum": 0.1}))
    for network, expected in ((published, 0.01), (faster, 0.1)):
        assert {m.momentum for m in network.backbone.modules() if isinstance(m, nn.BatchNorm2d)} == {expected}


def test_freeze_batch_norm_holds_norms_of_one_dimension_too():
    network = InstrumentNet(ModelConfig("musicnn-jamendo"))
    set_learning(network, TrainingConfig(transfer="finetuned", freeze_batch_norm=True), 0)
    before = {k: v.clone() for k, v in network.backbone.state_dict().items() if "running" in k}
    network(torch.from_numpy(music(2)))
    assert all(torch.equal(network.backbone.state_dict()[k], v) for k, v in before.items())


def test_front_end_is_that_of_16_khz():
    """A transform of 1024 at 32 kHz against one of 512 at 16 kHz, on sound below 7 kHz."""
    t = np.arange(4 * 32_000) / 32_000
    wave = sum(0.1 * np.sin(2 * np.pi * f * t + f) for f in (110, 440, 1234, 3000, 6100)).astype(np.float32)
    low = torch.from_numpy(soxr.resample(wave, 32_000, 16_000))
    spectrum = torch.stft(low, 512, 256, window=torch.hann_window(512), return_complex=True).abs().square()
    bank = MelFrontend(JAMENDO).bank[:, :257]
    theirs = 10 * torch.log10(torch.clamp(bank @ spectrum, min=1e-10))
    ours = MelFrontend(JAMENDO)(torch.from_numpy(wave)[None])[0, 0]
    loud = theirs > -40
    assert loud[:, 4:-4].any()
    assert (ours - theirs)[:, 4:-4][loud[:, 4:-4]].abs().max() < 0.05


@needs_weights
def test_published_mel_bank_is_that_of_the_front_end():
    bank = read_state(WEIGHTS / "jamendo_fcn.pth")["spec.mel_scale.fb"]
    assert torch.allclose(MelFrontend(JAMENDO).bank[:, :257].T, bank, atol=1e-4)
    assert MelFrontend(JAMENDO).bank[:, 257:].abs().max() < 1e-6


@needs_weights
def test_published_musicnn_gives_its_tags():
    state = read_musicnn(WEIGHTS / "jamendo_musicnn.pth")
    network, last = Musicnn().eval(), nn.Linear(200, 50)
    load_state(network, part(state, "backbone"), "musicnn")
    load_state(last, part(state, "classifier"), "musicnn")
    wave = torch.from_numpy(music(2, 3.0))
    with torch.no_grad():
        ours = last(network(MelFrontend(JAMENDO)(wave)))
        theirs = MusicTagger.from_published(WEIGHTS / "jamendo_musicnn.pth")(wave)
    assert torch.allclose(ours, theirs, atol=1e-3)


def published_fcn(state: dict[str, torch.Tensor], wave: torch.Tensor) -> torch.Tensor:
    """The published network written out in functions: 16 kHz, 29 s -> logits of 50 tags."""
    window = state["spec.spectrogram.window"]
    power = torch.stft(wave, 512, 256, window=window, return_complex=True).abs().square()
    x = (10 * torch.log10(torch.clamp(state["spec.mel_scale.fb"].T @ power, min=1e-10)))[:, None]

    def norm(x, name):
        parts = [state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return nn.functional.batch_norm(x, *parts)

    x = norm(x, "spec_bn")
    for i, pool in enumerate(((2, 4), (2, 4), (2, 4), (3, 5), (4, 4)), 1):
        x = nn.functional.conv2d(x, state[f"layer{i}.conv.weight"], state[f"layer{i}.conv.bias"], padding=1)
        x = nn.functional.max_pool2d(norm(x, f"layer{i}.bn").relu(), pool)
    return x.flatten(1) @ state["dense.weight"].T + state["dense.bias"]


@needs_weights
def test_published_fcn_gives_its_tags():
    file = WEIGHTS / "jamendo_fcn.pth"
    state = read_fcn(file)
    network, last = FCN(PUBLISHED_LAST_POOLS).eval(), nn.Linear(64, 50)
    load_state(network, part(state, "backbone"), "fcn")
    load_state(last, part(state, "classifier"), "fcn")
    wave = music(1, 29.0)
    low = torch.from_numpy(soxr.resample(wave[0], 32_000, 16_000))[None]
    with torch.no_grad():
        ours = last(network(MelFrontend(JAMENDO)(torch.from_numpy(wave)))).sigmoid()
        theirs = published_fcn(read_state(file), low).sigmoid()
    assert (ours - theirs).abs().max() < 0.01
    assert theirs.max() > 0.05
