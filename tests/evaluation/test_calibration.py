"""Calibration: its fit, its measure, its way through checkpoints, export and `organology tune`."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from organology import cli
from organology.errors import ModelError
from organology.evaluation import calibrated, calibrated_thresholds, fit_calibration, reliability
from organology.evaluation.calibration import logit
from organology.labels import LabelSet, default_set
from organology.labels.bradl15 import LABELS
from organology.model import InstrumentNet, ModelConfig, export_onnx, load_checkpoint, save_checkpoint
from organology.model_metadata import Calibration, ModelMetadata
from organology.recognition.onnx_model import ModelFile
from organology.training import load_recipe
from organology.training.recipes import override
from organology.training.run import train
from organology.training.scoring.tuning import tune
from training_support import make_corpus, write_recipe

SOME = Calibration(tuple(np.linspace(0.5, 2.5, 15).round(3)), tuple(np.linspace(-1, 2, 15).round(3)))


def drawn(n, slopes, offsets, seed=0):
    """Scores whose calibration is known, and targets drawn from it."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-1, 2, (n, len(slopes)))
    targets = rng.random(logits.shape) < 1 / (1 + np.exp(-(logits * slopes + offsets)))
    return targets.astype(np.int8), 1 / (1 + np.exp(-logits))


def test_fit_known_slope_and_offset_are_found():
    slopes, offsets = np.array([1.0, 2.0, 0.6]), np.array([0.0, 1.5, -1.0])
    targets, scores = drawn(20_000, slopes, offsets)
    targets[::3] = -1
    found = fit_calibration(targets, scores)
    np.testing.assert_allclose(found.slopes, slopes, rtol=0.1)
    np.testing.assert_allclose(found.offsets, offsets, atol=0.12)
    assert reliability(targets, calibrated(scores, found)).error < 0.01 < reliability(targets, scores).error


def test_fit_labels_that_cannot_be_fitted_stay_as_they_are():
    targets, scores = drawn(400, np.array([1.5, 1.5, -1.0]), np.zeros(3))
    targets[:, 1] = 0
    targets[:9, 1] = 1  # one too few
    found = fit_calibration(targets, scores)
    assert (found.slopes[1], found.offsets[1]) == (1, 0)
    assert (found.slopes[2], found.offsets[2]) == (1, 0), "a fit that turns the order around"
    assert found.slopes[0] > 1.2


def test_fit_scores_that_part_the_items_get_a_finite_slope():
    targets = np.repeat([0, 1], 50).astype(np.int8)[:, None]
    found = fit_calibration(targets, np.where(targets == 1, 0.6, 0.4))
    low, high = calibrated([[0.4], [0.6]], found).ravel()
    assert low == pytest.approx(1 / 52, rel=0.05) and high == pytest.approx(51 / 52, rel=0.05)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.floats(0.01, 5), st.floats(-5, 5))
@settings(max_examples=50)
def test_calibration_applied_keeps_the_order(scores, slope, offset):
    column = np.sort(scores)[:, None]
    after = calibrated(column, Calibration((slope,), (offset,)))
    assert (np.diff(after[:, 0]) >= 0).all() and ((after >= 0) & (after <= 1)).all()


def test_reliability_of_known_scores_is_exact():
    measured = reliability([[1], [0], [1], [-1]], [[0.95], [0.05], [0.45], [0.7]])
    assert measured.error == pytest.approx((0.05 + 0.05 + 0.55) / 3)
    assert measured.brier == pytest.approx((0.05**2 + 0.05**2 + 0.55**2) / 3)
    assert measured.counts.tolist() == [1, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert reliability([[1]], [[1.0]]).error == 0
    with pytest.raises(ValueError, match="no target is known"):
        reliability([[-1]], [[0.5]])


def test_thresholds_of_probabilities_are_near_half_the_highest_f1():
    targets, scores = drawn(60_000, np.array([1.0, 1.0]), np.array([0.0, 0.0]))
    targets[:, 1] = -1
    half = calibrated_thresholds(targets, scores, default=0.3)
    assert half[1] == 0.3
    grid = np.linspace(0.05, 0.95, 181)
    f1 = [2 * (targets[scores[:, 0] >= x, 0] == 1).sum() / ((scores[:, 0] >= x).sum() + (targets[:, 0] == 1).sum())
          for x in grid]  # fmt: skip
    assert half[0] == pytest.approx(max(f1) / 2, abs=1e-3)
    assert half[0] == pytest.approx(grid[int(np.argmax(f1))], abs=0.05)


def test_calibration_off_the_contract_is_refused():
    with pytest.raises(ValueError, match="2 slopes and 1 offsets"):
        Calibration((1, 1), (0,))
    with pytest.raises(ValueError, match="above 0"):
        Calibration((0.0,), (0,))
    with pytest.raises(ValueError, match="a calibration of 1"):
        ModelMetadata(LabelSet("two", ("a", "b")), (0.5, 0.5), calibration=Calibration((1.0,), (0.0,)))
    with pytest.raises(ModelError, match="1 labels for a network of 15"):
        InstrumentNet(ModelConfig(channels=(4,) * 7)).calibrate(Calibration((1.0,), (0.0,)))


def test_calibration_travels_with_checkpoint_and_model_file(tmp_path):
    torch.manual_seed(0)
    net = InstrumentNet(ModelConfig("mobilenet", "linear")).eval()
    metadata = ModelMetadata(default_set(), (0.5,) * 15)
    waveform = 0.1 * torch.randn(2, 128_000)
    with torch.inference_mode():
        plain, logits = net.scores(waveform).numpy(), net(waveform)
        net.calibrate(SOME)
        ours = net.scores(waveform).numpy()
        assert torch.equal(net(waveform), logits), "logits are not calibrated"
    singles = [i for i, label in enumerate(LABELS) if label in ("woodwind", "brass", "synth", "singer", "piano")]
    np.testing.assert_allclose(ours[:, singles], calibrated(plain, SOME)[:, singles], atol=1e-5)
    save_checkpoint(tmp_path / "net", net, metadata)
    again, read = load_checkpoint(tmp_path / "net")
    assert read.calibration == SOME
    with torch.inference_mode():
        np.testing.assert_array_equal(again.scores(waveform).numpy(), ours)
    assert export_onnx(again, read, tmp_path / "net.onnx").metadata.calibration == SOME
    np.testing.assert_allclose(ModelFile(tmp_path / "net.onnx").scores(waveform.numpy()), ours, atol=1e-4)


def test_tune_calibrates_and_can_be_repeated(tmp_path):
    make_corpus(tmp_path / "corpus")
    write_recipe(tmp_path / "tiny.yaml", tmp_path / "corpus")
    recipe = load_recipe(tmp_path / "tiny.yaml")
    train(override(recipe, epochs=1), tmp_path / "run")
    checkpoint = tmp_path / "run/best"
    shutil.copytree(checkpoint, tmp_path / "plain")
    told = tune(checkpoint, recipe, n_mixtures=40, workers=0)
    _, metadata = load_checkpoint(checkpoint)
    assert metadata.calibration is not None
    assert metadata.provenance["calibration"] == told["calibration"]
    assert told["calibration"]["after"]["brier"] <= told["calibration"]["before"]["brier"]
    assert metadata.thresholds == tuple(told["thresholds"]["per_label"].values())
    assert tune(checkpoint, recipe, n_mixtures=40, workers=0) == told, "the first tuning has an influence on the second"
    call = ["tune", str(tmp_path / "plain"), str(tmp_path / "tiny.yaml"), "--mixtures", "40", "--no-calibrate"]
    done = CliRunner().invoke(cli.command_line(), [*call, "--workers", "0"])
    assert done.exit_code == 0, done.output
    network, metadata = load_checkpoint(tmp_path / "plain")
    assert network.frontend.config.level_db is None
    assert metadata.calibration is None and "tuned on validation, 40 mixtures" in done.output
    assert "calibration" not in metadata.provenance
    done = CliRunner().invoke(cli.command_line(), [*call, "--workers", "0", "--level-db", "-33"])
    assert done.exit_code == 0, done.output
    network, metadata = load_checkpoint(tmp_path / "plain")
    assert metadata.frontend["level_db"] == network.config.frontend.level_db == -33
    waveform = 0.1 * torch.randn(2, 128_000)
    with torch.inference_mode():
        torch.testing.assert_close(network(waveform), network(0.2 * waveform), atol=1e-3, rtol=0)


@pytest.mark.parametrize("origin", [{"init_from": {"name": "before"}}, {"average_of": []}], ids=["trained on", "mean"])
def test_tune_leaves_what_its_mixtures_lack_as_the_model_before_had_it(tmp_path, origin):
    make_corpus(tmp_path / "corpus")
    write_recipe(tmp_path / "tiny.yaml", tmp_path / "corpus")
    recipe = load_recipe(tmp_path / "tiny.yaml")
    train(override(recipe, epochs=1), tmp_path / "run")
    checkpoint = tmp_path / "run/best"
    network, metadata = load_checkpoint(checkpoint)
    n_labels = len(network.labels)
    network.calibrate(Calibration((2.0,) * n_labels, (0.5,) * n_labels))
    provenance = {**metadata.provenance, **origin}
    presets = {"strict": (0.8,) * n_labels}
    before = replace(metadata, thresholds=(0.33,) * n_labels, presets=presets, provenance=provenance)
    save_checkpoint(checkpoint, network, before)
    told = tune(checkpoint, recipe, n_mixtures=40, workers=0)
    _, metadata = load_checkpoint(checkpoint)
    kept = set(told["thresholds"]["kept"])
    assert 0 < len(kept) < n_labels and metadata.calibration is not None and not metadata.presets
    for label, slope, threshold in zip(metadata.labels, metadata.calibration.slopes, metadata.thresholds, strict=True):
        assert ((slope, threshold) == (2.0, 0.33)) == (label in kept)
    assert tune(checkpoint, recipe, n_mixtures=40, workers=0, calibrate=False)["thresholds"]["kept"] == []


def test_logits_of_certain_scores_are_finite():
    assert np.isfinite(logit([0.0, 1.0])).all()
