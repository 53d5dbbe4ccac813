"""Metrics, checked against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from organology.evaluation import (
    average_precision,
    best_threshold,
    best_thresholds,
    binary_cross_entropy,
    decide,
    roc_auc,
)
from organology.evaluation.metrics.ranking import areas, rank


@st.composite
def arrays(draw, max_items=40, n_labels=3, ties=True):
    n_items = draw(st.integers(1, max_items))
    targets = draw(hnp.arrays(np.int8, (n_items, n_labels), elements=st.integers(-1, 1)))
    # Few distinct values: many ties.
    elements = st.integers(0, 8).map(lambda k: k / 8) if ties else st.floats(0, 1, width=32)
    scores = draw(hnp.arrays(np.float64, (n_items, n_labels), elements=elements))
    return targets, scores


@settings(max_examples=150, deadline=None)
@given(arrays(n_labels=1), st.integers(0, 2**32 - 1))
def test_areas_agree_with_scikit_learn_with_masks_ties_and_weights(drawn, seed):
    targets, scores = (array[:, 0] for array in drawn)
    weights = np.random.default_rng(seed).integers(0, 4, (3, len(targets))).astype(float)
    weights[0] = 1
    known = targets >= 0
    for row, roc, pr in zip(weights, *areas(rank(targets, scores), weights), strict=True):
        y, s, w = targets[known], scores[known], row[known]
        present, absent = (w * (y == 1)).sum(), (w * (y == 0)).sum()
        if present and absent:
            np.testing.assert_allclose(roc, sk.roc_auc_score(y, s, sample_weight=w), atol=1e-12)
        else:
            assert np.isnan(roc)
        if present:
            np.testing.assert_allclose(pr, sk.average_precision_score(y, s, sample_weight=w), atol=1e-12)
        else:
            assert np.isnan(pr)


@settings(max_examples=80, deadline=None)
@given(arrays(ties=False))
def test_cross_entropy_agrees_with_scikit_learn(drawn):
    targets, scores = drawn
    known = targets >= 0
    if not known.any():
        assert np.isnan(binary_cross_entropy(targets, scores))
        return
    clipped = np.clip(scores[known], 1e-7, 1 - 1e-7)
    np.testing.assert_allclose(
        binary_cross_entropy(targets, scores), sk.log_loss(targets[known], clipped, labels=[0, 1]), rtol=1e-6
    )


@settings(max_examples=80, deadline=None)
@given(arrays(), st.floats(0, 1))
def test_decisions_agree_with_scikit_learn(drawn, threshold):
    targets, scores = drawn
    decisions = decide(targets, scores, threshold)
    f1 = []
    for i in range(targets.shape[1]):
        known = targets[:, i] >= 0
        y, p = targets[known, i], scores[known, i] >= threshold
        if known.any():
            assert decisions.accuracy[i] == pytest.approx(sk.accuracy_score(y, p))
        if len(np.unique(y)) < 2:
            assert np.isnan([decisions.f1[i], decisions.precision[i], decisions.recall[i]]).all()
            continue
        f1.append(sk.f1_score(y, p, zero_division=0))
        assert decisions.f1[i] == pytest.approx(f1[-1])
        assert decisions.precision[i] == pytest.approx(sk.precision_score(y, p, zero_division=0))
        assert decisions.recall[i] == pytest.approx(sk.recall_score(y, p, zero_division=0))
    assert decisions.macro["f1"].value == pytest.approx(np.mean(f1) if f1 else np.nan, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(arrays(max_items=25), st.sampled_from(["macro", "micro"]))
def test_best_single_threshold_none_is_better(drawn, average):
    targets, scores = drawn
    best = best_threshold(targets, scores, average)

    def f1(threshold):
        decisions = decide(targets, scores, threshold)
        return decisions.macro["f1"].value if average == "macro" else decisions.micro_f1

    tried = [f1(t) for t in np.linspace(0, 1, 33)]
    if np.isnan(tried).all():
        assert best == 0.5
    else:
        assert f1(best) >= max(tried) - 1e-9


@settings(max_examples=60, deadline=None)
@given(arrays(max_items=25))
def test_best_thresholds_none_of_a_label_is_better(drawn):
    targets, scores = drawn
    best = decide(targets, scores, best_thresholds(targets, scores)).f1
    for threshold in np.linspace(0, 1, 33):
        f1 = decide(targets, scores, threshold).f1
        assert (np.isnan(f1) == np.isnan(best)).all()
        assert (np.nan_to_num(best) >= np.nan_to_num(f1) - 1e-9).all()


def test_best_thresholds_lie_half_way_between_the_scores_they_part():
    targets = np.array([[0], [0], [1], [1]])
    assert best_threshold(targets, np.array([[0.1], [0.2], [0.6], [0.9]])) == pytest.approx(0.4)


def test_best_thresholds_separate_neighboring_floats():
    low = 0.3
    scores = np.array([[low], [np.nextafter(low, 1)]])
    assert decide([[0], [1]], scores, best_threshold([[0], [1]], scores)).f1[0] == 1


def test_best_thresholds_labels_with_one_value_take_that_of_the_others():
    targets = np.array([[0, 1, -1], [1, 1, -1]])
    scores = np.array([[0.2, 0.9, 0.1], [0.6, 0.8, 0.2]])
    np.testing.assert_allclose(best_thresholds(targets, scores), [0.4, 0.4, 0.4])
    np.testing.assert_allclose(best_thresholds(targets, scores, default=0.5), [0.4, 0.5, 0.5])


def test_metrics_unknown_targets_change_nothing():
    assert roc_auc([1, 0, -1], [0.9, 0.1, 1.0]) == roc_auc([1, 0], [0.9, 0.1]) == 1
    assert average_precision([1, 0, -1], [0.9, 0.1, 1.0]) == 1
    assert binary_cross_entropy([[1, -1]], [[0.5, 0.0]]) == pytest.approx(np.log(2))


def test_metrics_nothing_present_or_known_is_not_a_number():
    assert np.isnan(roc_auc([0, 0], [0.1, 0.2]))
    assert np.isnan(average_precision([0, 0], [0.1, 0.2]))
    assert np.isnan(roc_auc([-1, -1], [0.1, 0.2]))
