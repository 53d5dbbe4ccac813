"""The whole evaluation: macro means, intervals, text, JSON, picture."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from sklearn import metrics as sk

from organology.evaluation import (
    Estimate,
    best_threshold,
    binary_cross_entropy,
    evaluate,
    markdown,
    plot,
    rich_table,
    summary,
)
from organology.evaluation.bootstrap import weightings
from organology.labels import default_set


def example(n_items=200, n_songs=20, seed=0):
    rng = np.random.default_rng(seed)
    targets = (rng.random((n_items, 15)) < 0.3).astype(np.int8)
    scores = np.clip(0.3 * targets + 0.7 * rng.random(targets.shape), 0, 1)
    targets[rng.random(targets.shape) < 0.1] = -1
    targets[:, 5] = np.minimum(targets[:, 5], 0)  # brass is never present
    return targets, scores, [f"song {i}" for i in rng.integers(0, n_songs, n_items)]


def test_evaluate_macro_is_the_mean_of_labels_with_both_values():
    targets, scores, groups = example()
    result = evaluate(targets, scores, groups, n_bootstrap=0)
    columns = [(targets[:, i][targets[:, i] >= 0], scores[:, i][targets[:, i] >= 0]) for i in range(15) if i != 5]
    assert result.left_out == ("brass",)
    assert result.macro["roc_auc"].value == pytest.approx(np.mean([sk.roc_auc_score(y, s) for y, s in columns]))
    assert result.macro["pr_auc"].value == pytest.approx(
        np.mean([sk.average_precision_score(y, s) for y, s in columns])
    )
    assert result.macro["loss"].value == pytest.approx(np.mean([sk.log_loss(y, s) for y, s in columns]))
    assert result.loss.value == pytest.approx(binary_cross_entropy(targets, scores))
    assert np.isnan(result.labels[5].roc_auc.value)
    assert np.isfinite(result.labels[5].loss.value)
    assert np.isnan(result.macro["roc_auc"].low)


def test_evaluate_given_and_best_single_thresholds_are_both_reported():
    targets, scores, _ = example()
    result = evaluate(targets, scores, thresholds={"checkpoint": np.full(15, 0.4)}, n_bootstrap=10)
    assert list(result.decisions) == ["checkpoint", "best single"]
    assert result.decisions["best single"].thresholds[0] == best_threshold(targets, scores)
    assert result.decisions["best single"].macro["f1"].value >= result.decisions["checkpoint"].macro["f1"].value
    low, high = result.decisions["checkpoint"].intervals["f1"]
    assert (low[:5] < high[:5]).all()


def test_bootstrap_same_seed_gives_intervals_that_hold_the_figure():
    targets, scores, groups = example()
    first, again, other = (evaluate(targets, scores, groups, n_bootstrap=200, seed=seed) for seed in (1, 1, 2))
    assert first.to_json() == again.to_json()
    assert first.macro["roc_auc"] != other.macro["roc_auc"]
    for name in ("roc_auc", "pr_auc", "loss"):
        estimate = first.macro[name]
        assert estimate.low < estimate.value < estimate.high


def test_bootstrap_songs_are_drawn_whole():
    groups = np.array(["b", "a", "b", "a", "c"])
    for weights in weightings(groups, 5, 120, seed=0):
        assert (weights[:, 0] == weights[:, 2]).all()
        assert (weights[:, 1] == weights[:, 3]).all()
        assert (weights[:, [0, 1, 4]].sum(axis=1) == 3).all()


def test_bootstrap_interval_covers_the_truth_as_often_as_it_says():
    # ROC-AUC of two unit normals one standard deviation apart is Phi(1 / sqrt 2) = 0.7602.
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        targets = rng.integers(0, 2, (300, 1))
        scores = 1 / (1 + np.exp(-rng.normal(targets)))
        estimate = evaluate(targets, scores, n_bootstrap=200, seed=seed, labels=["x"]).macro["roc_auc"]
        covered += estimate.low <= 0.7602 <= estimate.high
    assert 34 <= covered <= 40


def test_bootstrap_repeated_items_do_not_narrow_the_interval():
    targets, scores, _ = example(60, seed=3)
    once = evaluate(targets, scores, np.arange(60), n_bootstrap=300)
    thrice = evaluate(np.tile(targets, (3, 1)), np.tile(scores, (3, 1)), np.tile(np.arange(60), 3), n_bootstrap=300)
    assert thrice.macro["roc_auc"].value == pytest.approx(once.macro["roc_auc"].value)
    assert thrice.macro["roc_auc"].low == pytest.approx(once.macro["roc_auc"].low)
    assert thrice.n_groups == 60


def test_bootstrap_labels_lost_do_not_move_the_macro_mean():
    # Label 0 is told apart perfectly in every song. Label 1 is present in one song of four only, and guessed.
    songs = np.repeat(np.arange(4), 50)
    rng = np.random.default_rng(0)
    targets = np.stack([np.tile([0, 1], 100), (songs == 0) & (np.arange(200) % 2 == 0)], axis=1)
    scores = np.stack([targets[:, 0].astype(float), rng.random(200)], axis=1)
    macro = evaluate(targets, scores, songs, n_bootstrap=300, labels=["easy", "hard"]).macro["roc_auc"]
    assert macro.low <= macro.value <= macro.high
    assert macro.high < 0.9  # a mean over what is left would reach 1


def test_bootstrap_of_2000_mixtures_takes_seconds():
    targets, scores, groups = example(2000, 100)
    start = time.process_time()
    evaluate(targets, scores, groups, n_bootstrap=1000)
    assert time.process_time() - start < 10  # measured: 1.3 s


def test_evaluate_nothing_known_is_reported_not_raised():
    result = evaluate(np.full((3, 15), -1), np.full((3, 15), 0.5), n_bootstrap=5)
    assert result.left_out == default_set().labels
    assert json.loads(result.to_json())["macro"]["roc_auc"]["value"] is None
    assert str(result.macro["roc_auc"]) == "-"
    assert result.decisions["best single"].thresholds[0] == 0.5


def test_report_json_and_tables_agree(tmp_path):
    targets, scores, groups = example()
    result = evaluate(targets, scores, groups, thresholds=0.4, n_bootstrap=20)
    plain = json.loads(result.to_json())
    assert plain["left_out"] == ["brass"]
    assert plain["decisions"]["given"]["thresholds"]["piano"] == 0.4
    assert plain["decisions"]["given"]["f1"]["brass"] is None
    assert len(plain["decisions"]["given"]["intervals"]["f1"]["voice"]) == 2
    assert plain["labels"][0]["roc_auc"]["value"] == result.labels[0].roc_auc.value
    lines = markdown(result).splitlines()
    assert len(lines) == 2 + 15 + 1
    assert lines[2].startswith("| voice |") and lines[-1].startswith("| macro |")
    assert rich_table(result).row_count == 16
    assert any("left out" in line and "brass" in line for line in summary(result))


def test_report_picture_is_drawn(tmp_path):
    targets, scores, groups = example()
    plot(evaluate(targets, scores, groups, n_bootstrap=20), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


@pytest.mark.parametrize(
    ("targets", "scores", "options", "message"),
    [
        (np.zeros((2, 15)), np.zeros((2, 14)), {}, "one shape"),
        (np.zeros((0, 15)), np.zeros((0, 15)), {}, "no items"),
        (np.full((2, 15), 2), np.zeros((2, 15)), {}, "1, 0 or -1"),
        (np.zeros((2, 15)), np.full((2, 15), np.nan), {}, "from 0 to 1"),
        (np.zeros((2, 15)), np.full((2, 15), 1.5), {}, "from 0 to 1"),
        (np.zeros((2, 15)), np.zeros((2, 15)), {"groups": ["a"]}, "groups name each"),
        (np.zeros((2, 15)), np.zeros((2, 15)), {"thresholds": [0.5, 0.5]}, "thresholds are"),
        (np.zeros((2, 3)), np.zeros((2, 3)), {}, "must have 15 columns, one a label, got 3"),
    ],
)
def test_evaluate_arrays_that_do_not_fit_are_named(targets, scores, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate(targets, scores, **options)


def test_estimate_reads_as_figure_with_interval():
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"
    assert str(Estimate(0.5)) == "0.500"
