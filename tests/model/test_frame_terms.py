"""Terms between labels in frames: what they add, where they act, and that they travel with a model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from model_signals import metadata, music, settled
from organology.errors import ModelError
from organology.labels import LabelSet
from organology.model import InstrumentNet, ModelConfig, export_onnx, import_onnx
from organology.model_metadata import Calibration, FrameSettings, FrameTerms, ModelMetadata
from organology.recognition.onnx_model import ModelFile

SET = LabelSet(
    "some", ("wind", "flute", "oboe", "key", "piano"), parents={"flute": "wind", "oboe": "wind", "piano": "key"}
)
N = len(SET.labels)
RNG = np.random.default_rng(3)


def rows(*labels: str, scale: float = 0.3) -> FrameTerms:
    weights = RNG.normal(0, scale, (2, len(labels), len(labels))).round(3)
    of_frame, of_window = (tuple(map(tuple, part.tolist())) for part in weights)
    return FrameTerms(labels, tuple(RNG.normal(0, 1, len(labels)).round(3).tolist()), of_frame, of_window)


def network(terms: FrameTerms | None) -> InstrumentNet:
    net = settled(ModelConfig("mobilenet", "linear", width=0.2), SET)
    net.calibrate(Calibration((1.5,) * N, (-0.2,) * N, terms))
    return net


def added(terms: FrameTerms, windows: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """By the definition: scores of the frames of one window, (n_frames, n_labels)."""
    of_window, logits = (np.log(scores / (1 - scores)) for scores in (windows, frames))
    among = [SET.index(label) for label in terms.labels]
    out = logits.copy()
    for k, i in enumerate(among):
        by_frame = np.clip(logits[:, among], -8, 8) @ terms.of_frame[k]
        change = terms.offsets[k] + by_frame + np.clip(of_window[among], -8, 8) @ terms.of_window[k]
        out[:, i] += np.clip(change, -6, 6)
    for label in reversed(SET.order()):
        for child in SET.children(label):
            out[:, SET.index(label)] = np.maximum(out[:, SET.index(label)], out[:, SET.index(child)])
    return 1 / (1 + np.exp(-out))


def test_terms_are_added_to_frames_as_defined() -> None:
    terms = rows("wind", "piano")
    net = network(terms)
    windows, frames = RNG.uniform(0.01, 0.99, (4, N)), RNG.uniform(0.01, 0.99, (4, 7, N))
    found = net.with_terms(torch.from_numpy(windows).float(), torch.from_numpy(frames).float()).numpy()
    for window, of_window, of_frames in zip(found, windows, frames, strict=True):
        np.testing.assert_allclose(window, added(terms, of_window, of_frames), atol=1e-5)
    assert np.abs(found - frames).max() > 0.1
    i, flute = SET.index("wind"), SET.index("flute")
    assert (found[..., i] >= found[..., flute] - 1e-6).all()
    plain = network(None).with_terms(torch.from_numpy(windows).float(), torch.from_numpy(frames).float())
    np.testing.assert_array_equal(plain.numpy(), frames.astype(np.float32))


def test_terms_leave_windows_alone_and_travel_with_the_file(tmp_path: Path) -> None:
    net, plain = network(rows("wind", "piano")), network(None)
    x = music(2, seed=5)
    zeros = (0.0,) * N
    about = dataclasses.replace(metadata(net), frames=FrameSettings(zeros, zeros))
    with torch.no_grad():
        samples = torch.from_numpy(x)
        windows, frames = net.scores(samples).numpy(), net.frame_scores(samples).numpy()
        np.testing.assert_array_equal(windows, plain.scores(samples).numpy())
        assert np.abs(frames - plain.frame_scores(samples).numpy()).max() > 0.05
    export_onnx(net, about, tmp_path / "model.onnx")
    of_file = ModelFile(tmp_path / "model.onnx").all_scores(x)
    np.testing.assert_allclose(of_file.windows, windows, atol=1e-5)
    np.testing.assert_allclose(of_file.frames, frames, atol=5e-5)
    back, told = import_onnx(tmp_path / "model.onnx")
    assert back.calibration == told.calibration == net.calibration
    with torch.no_grad():
        np.testing.assert_allclose(back.frame_scores(samples).numpy(), frames, atol=5e-5)
    back.calibrate(None)  # and they go with the calibration
    assert back.calibration is None


def test_terms_keep_to_their_labels_in_another_order() -> None:
    terms = rows("wind", "piano")
    moved = Calibration(tuple(map(float, range(1, N + 1))), (0.0,) * N, terms).columns([4, 2, 0, 1, 3])
    assert moved.slopes == (5.0, 3.0, 1.0, 2.0, 4.0) and moved.frame_terms == terms


def test_terms_of_other_labels_or_sizes_are_refused() -> None:
    terms = rows("wind")
    calibration = Calibration((1.0,) * N, (0.0,) * N, terms)
    about = ModelMetadata(SET, (0.5,) * N, calibration=calibration)
    assert ModelMetadata.from_json(about.to_json(), "x").calibration == calibration
    assert (
        "frame_terms" not in ModelMetadata(SET, (0.5,) * N, calibration=Calibration((1.0,) * N, (0.0,) * N)).to_json()
    )
    for wrong in (
        {"offsets": ()},
        {"of_frame": ((0.0, 1.0),)},
        {"of_window": ()},
    ):
        with pytest.raises(ValueError, match="frame_terms of 1 labels"):
            dataclasses.replace(terms, **wrong)
    with pytest.raises(ValueError, match="finite"):
        dataclasses.replace(terms, offsets=(float("nan"),))
    text = about.to_json().replace('"labels": ["wind"]', '"labels": ["tuba"]')
    assert text != about.to_json()
    with pytest.raises(ModelError, match=r"x: bad model metadata: .*tuba"):
        ModelMetadata.from_json(text, "x")
