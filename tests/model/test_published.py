"""The published AudioSet tagger: layout always, scores where the weights are at hand.

The frozen numbers come from EfficientAT's own code, not from ours; `fixtures/mn04_as_scores.json` says how.
"""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model_signals import PUBLISHED
from organology.errors import ModelError
from organology.labels import Vocabulary, default_set
from organology.model import AudioSetTagger, InstrumentNet, ModelConfig, ZeroShot
from organology.model.backbones.mobilenet import read_published, rename_published, round_channels
from organology.model.taggers.audioset import class_table
from organology.model.weights import load_state

FIXTURES = Path(__file__).parent / "fixtures"
needs_weights = pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published weights are not here")


def signal() -> NDArray[np.float32]:
    """A sweep, a decaying arpeggio and noise that needs no generator; 4 s at 32 kHz."""
    t = np.arange(4 * 32_000) / 32_000
    sweep = np.sin(2 * np.pi * (100 * t + 0.5 * (6000 - 100) / 4 * t**2))
    notes = sum(
        np.sin(2 * np.pi * 220 * 2 ** (i / 12) * t * (k + 1)) / (k + 1) * np.exp(-4 * ((t - 0.25 * i) % 4))
        for i in (0, 4, 7, 12)
        for k in range(6)
    )
    noise = np.modf(np.sin(np.arange(len(t)) * 12.9898) * 43758.5453)[0]
    return np.asarray(0.2 * sweep + 0.1 * notes + 0.02 * noise).astype(np.float32)


@pytest.fixture(scope="module")
def frozen() -> dict[str, Any]:
    return json.loads((FIXTURES / "mn04_as_scores.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def tagger() -> AudioSetTagger:
    return AudioSetTagger.from_published(PUBLISHED)


def test_audioset_tagger_layout_is_the_published_one() -> None:
    shapes = json.loads((FIXTURES / "mn04_as_parameters.json").read_text("utf-8"))
    renamed = {
        name: tuple(v.shape) for name, v in rename_published({k: torch.zeros(s) for k, s in shapes.items()}).items()
    }
    tagger = AudioSetTagger()
    assert renamed == {name: tuple(value.shape) for name, value in tagger.state_dict().items()}
    assert len(renamed) == len(shapes)
    assert sum(p.numel() for p in tagger.parameters()) == 983_599
    assert tagger.backbone.embedding_size == 384
    assert len(tagger.backbone.stages()) == 17


def test_audioset_tagger_channels_are_rounded_to_eights() -> None:
    assert [round_channels(c) for c in (3, 8, 12, 25.6, 28.8, 44.8)] == [8, 8, 16, 24, 32, 48]


@needs_weights
def test_audioset_tagger_front_end_is_the_published_one(tagger: AudioSetTagger, frozen: dict[str, Any]) -> None:
    spectrogram = tagger.frontend(torch.from_numpy(signal()[None]))[0, 0].numpy()
    expected = frozen["spectrogram"]
    assert list(spectrogram.shape) == expected["shape"]
    for name in ("mean", "std", "min", "max"):
        assert getattr(spectrogram, name)() == pytest.approx(expected[name], abs=1e-4)
    np.testing.assert_allclose(spectrogram.mean(1)[::8], expected["band_means"], atol=1e-4)
    np.testing.assert_allclose(spectrogram.mean(0)[::25], expected["frame_means"], atol=1e-4)


@needs_weights
@torch.no_grad()
def test_audioset_tagger_scores_are_the_published_ones(tagger: AudioSetTagger, frozen: dict[str, Any]) -> None:
    x = torch.from_numpy(signal()[None])
    embedding, logits = tagger.backbone(tagger.frontend(x))[0].numpy(), tagger(x)[0].numpy()
    np.testing.assert_allclose(embedding[::16], frozen["embedding"], atol=1e-4)
    assert np.linalg.norm(embedding) == pytest.approx(frozen["embedding_norm"], abs=1e-4)
    np.testing.assert_allclose(logits[::17], frozen["logits_every_17"], atol=2e-4)
    assert logits.mean() == pytest.approx(frozen["logits_mean"], abs=2e-4)
    best = np.argsort(-logits)[: len(frozen["top"])]
    assert best.tolist() == [int(i) for i in frozen["top"]]
    np.testing.assert_allclose(logits[best], list(frozen["top"].values()), atol=2e-4)


@needs_weights
@torch.no_grad()
def test_anchored_head_begins_at_the_published_tagger(tagger: AudioSetTagger) -> None:
    net = InstrumentNet(ModelConfig("mobilenet", "anchored")).eval()
    net.load_pretrained(PUBLISHED)
    x = torch.from_numpy(signal()[None])
    torch.testing.assert_close(net(x), tagger.zero_shot(x), atol=1e-5, rtol=0)


@needs_weights
def test_audioset_vocabulary_has_the_classes_in_their_order() -> None:
    with (PUBLISHED.parent / "class_labels_indices.csv").open(encoding="utf-8") as file:
        names = [row["display_name"] for row in csv.DictReader(file)]
    assert [entry.word for entry in Vocabulary.load("audioset").entries.values()] == names


def test_audioset_vocabulary_names_what_is_heard() -> None:
    entries = list(Vocabulary.load("audioset").entries.values())
    assert len(entries) == 527
    assert (entries[0].word, entries[137].word, entries[526].word) == ("Speech", "Music", "Field recording")
    of = dict(zip(default_set().labels, class_table(default_set()), strict=True))
    words = {label: {entries[i].word for i in rows} for label, rows in of.items()}
    assert all(words.values())
    assert {"Singing", "Male singing", "Female singing"} <= words["singer"]
    assert "Speech" in words["voice"] - words["singer"]
    assert words["electric_bass"] == {"Bass guitar"}
    assert "Tabla" in words["percussion"] - words["drums"]
    assert "Double bass" not in words["bowed_string"] | words["plucked_string"]
    for instrument, family in default_set().parents.items():
        assert words[instrument] <= words[family]


def test_zero_shot_is_the_highest_matching_class() -> None:
    scores = torch.randn(3, 527, generator=torch.Generator().manual_seed(0))
    ours = ZeroShot()(scores)
    for column, rows in enumerate(class_table(default_set())):
        torch.testing.assert_close(ours[:, column], scores[:, rows].max(1).values)
    torch.testing.assert_close(torch.sigmoid(ours), ZeroShot()(torch.sigmoid(scores)))


class _Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path("harm").write_text, ("done",))


@pytest.mark.parametrize("content", ["text", "nothing", "pickle", "zip", "list"])
def test_load_weights_file_without_weights_is_one_line(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pt"
    if content == "list":
        torch.save([torch.zeros(1)], path)
    elif content == "zip":
        torch.save({"features.0.0.weight": _Harmful()}, path)
    else:
        path.write_bytes({"text": b"not weights\n", "nothing": b"", "pickle": pickle.dumps(_Harmful())}[content])
    with pytest.raises(ModelError) as caught:
        read_published(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "harm").exists()


def test_load_weights_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.pt: No such file"):
        AudioSetTagger.from_published(tmp_path / "none.pt")


@pytest.mark.parametrize("change", ["lacking", "unknown", "shape"])
def test_load_weights_of_another_network_are_refused_by_name(change: str) -> None:
    module = torch.nn.Linear(2, 3)
    state = dict(module.state_dict())
    if change == "lacking":
        del state["bias"]
    elif change == "unknown":
        state["gain"] = torch.zeros(1)
    else:
        state["weight"] = torch.zeros(3, 1)
    with pytest.raises(
        ModelError, match={"lacking": "no bias", "unknown": "unknown gain", "shape": "weight is"}[change]
    ):
        load_state(module, state, "file")
