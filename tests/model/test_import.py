"""From an exported file back to a network, and training on with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from model_signals import TINY, metadata, music, settled
from organology import Recognizer, cli
from organology.errors import ConfigError, ModelError
from organology.model import (
    InstrumentNet,
    ModelConfig,
    average_checkpoints,
    export_onnx,
    has_folded_norms,
    import_onnx,
    load_checkpoint,
    save_checkpoint,
)
from organology.model_metadata import METADATA_KEY, Calibration, ModelMetadata
from organology.recognition.onnx_model import ModelFile
from organology.training import load_recipe
from organology.training.run import train
from organology.training.transfer.task import build
from training_support import make_corpus, write_recipe

CONFIGS = {
    "short-chunk": ModelConfig("short-chunk", "paper", channels=TINY),
    "anchored": ModelConfig("mobilenet", "anchored", head_norm=True),
    "narrow": ModelConfig("mobilenet", "linear", width=0.2),
}


def scores(net: InstrumentNet, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return net.scores(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize("name", CONFIGS)
def test_import_exported_network_comes_back(name: str, tmp_path: Path) -> None:
    net = settled(CONFIGS[name])
    net.calibrate(Calibration(tuple(np.linspace(0.5, 1.5, 15)), tuple(np.linspace(-1, 1, 15))))
    about = dataclasses.replace(metadata(net), provenance={"command": "by hand"})
    export_onnx(net, about, tmp_path / "model.onnx")
    back, told = import_onnx(tmp_path / "model.onnx")
    x = music(3, seed=21)
    assert scores(net, x).std() > 0.05
    np.testing.assert_allclose(scores(back, x), scores(net, x), atol=1e-5)
    assert back.config == net.config and back.calibration == net.calibration
    assert told.provenance == about.provenance and told.thresholds == about.thresholds
    assert has_folded_norms(back) and not has_folded_norms(net)
    # Once more around changes nothing.
    save_checkpoint(tmp_path / "checkpoint", back, told)
    export_onnx(*load_checkpoint(tmp_path / "checkpoint"), tmp_path / "again.onnx")
    np.testing.assert_allclose(scores(import_onnx(tmp_path / "again.onnx")[0], x), scores(net, x), atol=1e-5)


def test_import_shipped_model_comes_back(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.command_line(), ["import", "--out", str(tmp_path / "shipped")])
    assert result.exit_code == 0, result.output
    assert "freeze_batch_norm" in result.output
    net, told = load_checkpoint(tmp_path / "shipped")
    assert told == ModelFile().metadata
    recognizer = Recognizer(labels=told.label_set)
    x = music(1, seed=22)
    found = recognizer.recognize(x[0], sr=32_000)
    np.testing.assert_allclose(scores(net, x), found.scores, atol=1e-5)


def changed(path: Path, out: Path, **changes: object) -> Path:
    model = onnx.load(path)
    about = ModelMetadata.from_json(model.metadata_props[0].value, "model")
    onnx.helper.set_model_props(model, {METADATA_KEY: dataclasses.replace(about, **changes).to_json()})
    onnx.save(model, out)
    return out


def test_import_other_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    net = settled(CONFIGS["short-chunk"])
    path = tmp_path / "model.onnx"
    export_onnx(net, metadata(net), path)
    network = import_onnx(path)[1].network
    out = tmp_path / "changed.onnx"
    for changes, reason in (
        ({"network": {}}, "does not tell what network it holds"),
        ({"network": {**network, "kazoo": 1}}, "kazoo"),
        ({"network": {**network, "channels": [*TINY[:-1], 32]}}, r"blocks.6.0.weight is \(16, 8, 3, 3\), not \(32,"),
        ({"network": {**network, "channels": TINY[:-1]}}, r"head.0.weight is \(16, 16\), not \(8, 8\)"),
        ({"frontend": {**metadata(net).frontend, "f_max": 9000.0}}, "gives other scores"),
    ):
        with pytest.raises(ModelError, match=reason):
            import_onnx(changed(path, out, **changes))
    with pytest.raises(ModelError, match="no such file"):
        import_onnx(tmp_path / "nowhere.onnx")


def test_average_is_of_imported_networks_or_of_none(tmp_path: Path) -> None:
    net = settled(CONFIGS["short-chunk"])
    export_onnx(net, metadata(net), tmp_path / "model.onnx")
    save_checkpoint(tmp_path / "first", net, metadata(net))
    save_checkpoint(tmp_path / "imported", *import_onnx(tmp_path / "model.onnx"))
    both, _ = average_checkpoints([tmp_path / "imported", tmp_path / "imported"])
    assert has_folded_norms(both)
    for buffer in both.buffers():  # a running mean of weights rounds
        if buffer.is_floating_point():
            buffer.mul_(1 + 3e-7)
    assert has_folded_norms(both)
    with pytest.raises(ModelError, match=r"imported: goes back to an imported model, .*first does not"):
        average_checkpoints([tmp_path / "first", tmp_path / "imported"])


@pytest.mark.usefixtures("one_thread")
def test_train_goes_on_with_an_imported_network(tmp_path: Path) -> None:
    make_corpus(tmp_path / "corpus")
    recipe = load_recipe(write_recipe(tmp_path / "tiny.yaml", tmp_path / "corpus"))
    train(recipe, tmp_path / "first")
    export_onnx(*load_checkpoint(tmp_path / "first/best"), tmp_path / "first.onnx")
    save_checkpoint(tmp_path / "imported", *import_onnx(tmp_path / "first.onnx"))

    learning = dataclasses.replace(recipe.training, transfer="finetuned", freeze_batch_norm=True, epochs=1)
    on = dataclasses.replace(recipe, name="on", init_from=tmp_path / "imported", training=learning)
    begun, first = build(on).network.eval(), load_checkpoint(tmp_path / "first/best")[0]
    x = music(2, seconds=1.1)
    with torch.no_grad():
        np.testing.assert_allclose(begun(torch.from_numpy(x)), first(torch.from_numpy(x)), atol=1e-4)
    train(on, tmp_path / "second")
    assert load_checkpoint(tmp_path / "second/best")[1].provenance["init_from"]["name"] == "tiny"
    assert len(set(load_checkpoint(tmp_path / "second/best")[1].thresholds)) > 1

    calibrated, about = load_checkpoint(tmp_path / "imported")
    n_labels = len(about.labels)
    calibrated.calibrate(Calibration((2.0,) * n_labels, (0.5,) * n_labels))
    about = dataclasses.replace(about, thresholds=(0.6,) * n_labels, presets={"strict": (0.8,) * n_labels})
    save_checkpoint(tmp_path / "calibrated", calibrated, about)
    train(dataclasses.replace(on, init_from=tmp_path / "calibrated"), tmp_path / "kept")
    _, kept = load_checkpoint(tmp_path / "kept/best")
    assert (kept.thresholds, kept.presets) == (about.thresholds, about.presets)
    assert kept.calibration == calibrated.calibration

    loose = dataclasses.replace(on, training=dataclasses.replace(learning, freeze_batch_norm=False))
    with pytest.raises(ModelError, match=r"on: it starts from an imported network.*freeze_batch_norm to true"):
        build(loose)
    with pytest.raises(ConfigError, match="nowhere: no such checkpoint folder"):
        train(dataclasses.replace(on, init_from=tmp_path / "nowhere"), tmp_path / "third")


def test_recipe_with_two_beginnings_is_refused(tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "tiny.yaml", tmp_path / "corpus")
    text = path.read_text(encoding="utf-8") + "init_from: imported\n"
    for more, reason in (("", "transfer cannot be scratch"), ("pretrained: other\n", "leave out pretrained")):
        path.write_text(text + more, encoding="utf-8")
        with pytest.raises(ConfigError, match=reason):
            load_recipe(path)
    path.write_text(text.replace("scratch", "frozen"), encoding="utf-8")
    assert load_recipe(path).init_from == tmp_path / "imported"
