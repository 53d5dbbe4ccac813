"""Embeddings of recordings: as an output of model files, and by the verb."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
import soundfile
import torch
from typer.testing import CliRunner

from model_signals import TINY, metadata, music, settled
from organology import cli
from organology.errors import ModelError
from organology.model import ModelConfig, export_onnx, save_checkpoint
from organology.model_metadata import FrameSettings
from organology.recognition.onnx_model import ModelFile

RATE = 32_000


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A checkpoint, its model file with and without embeddings, and two recordings."""
    folder = tmp_path_factory.mktemp("embed")
    net = settled(ModelConfig("short-chunk", "paper", channels=TINY))
    save_checkpoint(folder / "checkpoint", net, metadata(net))
    export_onnx(net, metadata(net), folder / "with.onnx", embedding=True)
    export_onnx(net, metadata(net), folder / "without.onnx")
    for name, seconds in (("long", 9), ("short", 2)):
        soundfile.write(folder / f"{name}.wav", music(1, seconds, seed=3)[0], RATE)
    return folder, net


def embed(*arguments, status=0):
    result = CliRunner().invoke(cli.command_line(), ["embed", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


def test_model_file_gives_the_embeddings_of_the_network(place):
    folder, net = place
    model, waveform = ModelFile(folder / "with.onnx"), music(3, seed=5)
    with torch.no_grad():
        wanted = net.embed(torch.from_numpy(waveform)).numpy()
    given = model.embeddings(waveform)
    assert given.shape == (3, model.embedding_size) == wanted.shape
    np.testing.assert_allclose(given, wanted, atol=1e-3 * np.abs(wanted).max())
    np.testing.assert_array_equal(model.scores(waveform), ModelFile(folder / "without.onnx").scores(waveform))


def test_model_of_frames_gives_the_mean_of_their_embeddings(tmp_path):
    net = settled(ModelConfig("mobilenet", "linear"))
    none = (0.0,) * len(net.labels)
    frames = FrameSettings(none, none)
    export_onnx(net, dataclasses.replace(metadata(net), frames=frames), tmp_path / "m.onnx", embedding=True)
    model, waveform = ModelFile(tmp_path / "m.onnx"), music(2, seed=6)
    with torch.no_grad():
        wanted = net.embed(torch.from_numpy(waveform)).numpy()
    np.testing.assert_allclose(model.embeddings(waveform), wanted, atol=1e-3 * np.abs(wanted).max())
    assert model.all_scores(waveform).frames is not None


def test_model_file_without_embeddings_says_so(place):
    folder, _ = place
    model = ModelFile(folder / "without.onnx")
    assert model.embedding_size is None
    with pytest.raises(ModelError, match="gives no embeddings; export it with --embedding"):
        model.embeddings(music(1))
    with pytest.raises(ModelError, match="gives no embeddings"):
        embed(folder / "without.onnx", folder / "long.wav", "-o", folder / "x.npz")


@pytest.mark.parametrize("name", ["checkpoint", "with.onnx"])
def test_verb_writes_a_vector_a_window(place, tmp_path, name):
    folder, net = place
    told = embed(folder / name, folder / "long.wav", folder / "short.wav", "--hop", 2, "-o", tmp_path / "e.npz")
    assert "of 2 recordings" in told
    with np.load(tmp_path / "e.npz") as arrays:
        assert arrays["starts"].tolist() == [0, 2, 4, 5, 0] and arrays["ends"].tolist() == [4, 6, 8, 9, 2]
        assert [str(file).rpartition("/")[2] for file in arrays["files"]] == ["long.wav"] * 4 + ["short.wav"]
        given = arrays["embeddings"]
    samples = soundfile.read(folder / "long.wav", dtype="float32")[0]
    with torch.no_grad():
        wanted = net.embed(torch.from_numpy(samples[2 * RATE : 6 * RATE][None])).numpy()[0]
    np.testing.assert_allclose(given[1], wanted, atol=1e-3 * np.abs(wanted).max())


def test_parquet_has_a_row_a_window(place, tmp_path):
    folder, net = place
    embed(folder / "checkpoint", folder / "long.wav", "-o", tmp_path / "e.parquet")
    table = pl.read_parquet(tmp_path / "e.parquet")
    assert table.columns == ["file", "start", "end", "embedding"]
    assert table["start"].to_list() == [0, 4, 5]
    assert len(table["embedding"][0]) == net.backbone.embedding_size


def test_file_that_cannot_be_read_costs_a_line(place, tmp_path):
    folder, _ = place
    (tmp_path / "bad.wav").write_text("no audio")
    out = tmp_path / "e.npz"
    told = embed(folder / "checkpoint", folder / "short.wav", tmp_path / "bad.wav", "-o", out, status=1)
    assert "bad.wav" in told and out.is_file()
