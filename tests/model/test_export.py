from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import typer
from typer.testing import CliRunner

from model_signals import TINY, metadata, music, settled
from organology.cli.models import export as verb
from organology.errors import ModelError
from organology.labels import default_set
from organology.model import InstrumentNet, ModelConfig, export_onnx, save_checkpoint
from organology.model_metadata import METADATA_KEY, ModelMetadata
from organology.recognition.onnx_model import ModelFile
from organology.recognition.runtime import onnxruntime

CONFIGS = {
    "short-chunk": ModelConfig("short-chunk", "paper", channels=TINY),
    "mobilenet": ModelConfig("mobilenet", "anchored"),
}


@pytest.fixture(scope="module", params=CONFIGS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[InstrumentNet, Path]:
    net = settled(CONFIGS[request.param])
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    report = export_onnx(net, metadata(net), path)
    assert report.n_bytes == path.stat().st_size
    assert report.largest_difference <= 1e-4
    return net, path


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def test_export_scores_are_those_of_torch(exported: tuple[InstrumentNet, Path]) -> None:
    net, path = exported
    x = music(3, seed=11)
    x[2, 64_000:] = 0
    (ours,) = _session(path).run(["scores"], {"waveform": x})
    with torch.no_grad():
        theirs = net.scores(torch.from_numpy(x)).numpy()
    assert theirs.std() > 0.05  # the weights are such that agreement means something
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    np.testing.assert_array_equal(ours, default_set().raise_parents(ours))
    assert ours.dtype == np.float32 and ours.min() >= 0 and ours.max() <= 1


def test_export_window_in_any_batch_scores_the_same(exported: tuple[InstrumentNet, Path]) -> None:
    session, x = _session(exported[1]), music(3, seed=12)
    (together,) = session.run(None, {"waveform": x})
    alone = np.concatenate([session.run(None, {"waveform": row[None]})[0] for row in x])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_export_silence_and_full_scale_give_finite_scores(exported: tuple[InstrumentNet, Path]) -> None:
    x = np.stack([np.zeros(128_000), np.resize([1.0, -1.0], 128_000), np.ones(128_000)]).astype(np.float32)
    (scores,) = _session(exported[1]).run(None, {"waveform": x})
    assert np.isfinite(scores).all()


def test_export_file_keeps_the_contract(exported: tuple[InstrumentNet, Path]) -> None:
    net, path = exported
    session = _session(path)
    (given,), (made,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape[1:], given.type) == ("waveform", [128_000], "tensor(float)")
    assert (made.name, made.shape[1:], made.type) == ("scores", [15], "tensor(float)")
    assert isinstance(given.shape[0], str)
    text = session.get_modelmeta().custom_metadata_map[METADATA_KEY]
    described = ModelMetadata.from_json(text, str(path))
    assert described.labels == net.labels and described.thresholds == metadata(net).thresholds
    assert described.frontend["hop_length"] == net.frontend.config.hop_length
    assert described.provenance == {"data": "none"}
    model = onnx.load(path)
    assert model.opset_import[0].version >= 17
    operators = {node.op_type for node in model.graph.node}
    assert not operators & {"STFT", "DFT", "If", "Loop", "Dropout"}
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert path.stat().st_size < 16e6


def test_export_says_nothing_and_leaves_the_network_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    net = settled(CONFIGS["short-chunk"])
    net.freeze_backbone()
    net.train()
    export_onnx(net, metadata(net), tmp_path / "model.onnx")
    assert net.training and net.head.training
    assert capfd.readouterr() == ("", "")


def test_export_scores_that_differ_leave_no_file(tmp_path: Path) -> None:
    net = settled(CONFIGS["short-chunk"])
    path = tmp_path / "model.onnx"
    path.write_text("the one before")
    with pytest.raises(ModelError, match=r"model\.onnx: not written"):
        export_onnx(net, metadata(net), path, tolerance=-1.0)
    assert path.read_text() == "the one before" and len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    verb.register(app)
    return app


def test_export_verb_prints_what_it_wrote(app: typer.Typer, tmp_path: Path) -> None:
    net = settled(CONFIGS["short-chunk"])
    save_checkpoint(tmp_path / "checkpoint", net, metadata(net))
    model = tmp_path / "out" / "model.onnx"
    named = ["--name", "mine", "--pooling", "top_mean"]
    result = CliRunner().invoke(app, ["export", str(tmp_path / "checkpoint"), str(model), *named])
    assert result.exit_code == 0, result.output
    written = ModelFile(model).metadata
    assert (written.name, written.pooling) == ("mine", "top_mean")
    assert "MB" in result.output and "largest difference" in result.output
    for label, threshold in zip(net.labels, metadata(net).thresholds, strict=True):
        assert f"{label:<16} plays at {threshold:.3f}" in result.output


def test_export_verb_bad_checkpoint_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({}))
    result = CliRunner().invoke(app, ["export", str(tmp_path), str(tmp_path / "model.onnx")])
    assert isinstance(result.exception, ModelError)
    assert "model.safetensors is missing" in str(result.exception)
    assert not (tmp_path / "model.onnx").exists()
