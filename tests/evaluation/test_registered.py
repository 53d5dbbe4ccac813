"""A new metric: one registration, and tables, JSON and intervals have it; any label set can be evaluated."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from organology.evaluation import evaluate, markdown, plot, rich_table, roc_auc
from organology.evaluation.metrics import registered
from organology.evaluation.metrics.base import Counts, DecisionMetric, ScoreMetric
from organology.evaluation.report import headings
from organology.labels import LabelSet, default_set

DOCS = Path(__file__).parents[2] / "docs" / "evaluation.md"


def mean_distance(items, weights):
    known = items.targets >= 0
    distance = np.where(known, np.abs(items.targets - items.scores), 0)
    return (weights @ distance) / np.maximum(weights @ known, 1)


def mcc(counts: Counts):
    below = np.sqrt(
        (counts.tp + counts.fp) * (counts.tp + counts.fn) * (counts.tn + counts.fp) * (counts.tn + counts.fn)
    )
    above = counts.tp * counts.tn - counts.fp * counts.fn
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)


@pytest.fixture
def toys():
    names = [
        ScoreMetric("distance", "distance", "dist.", "mean distance of score and target", mean_distance),
        DecisionMetric("mcc", "MCC", "MCC", "Matthews correlation", mcc, has_intervals=True),
    ]
    for metric in names:
        registered.register(metric)
    yield
    for metric in names:
        registered.remove(metric.name)


def example(n_labels, n_items=120):
    rng = np.random.default_rng(0)
    targets = (rng.random((n_items, n_labels)) < 0.4).astype(np.int8)
    scores = np.clip(0.4 * targets + 0.6 * rng.random(targets.shape), 0, 1)
    return targets, scores


def test_registered_metric_stands_in_tables_and_json(toys):
    targets, scores = example(15)
    result = evaluate(targets, scores, thresholds=0.5, n_bootstrap=50)
    label, decisions = result.labels[3], result.decisions["given"]
    assert label.distance.value == pytest.approx(np.abs(targets[:, 3] - scores[:, 3]).mean())
    assert label.distance.low < label.distance.value < label.distance.high
    assert decisions.mcc[3] == pytest.approx(sk.matthews_corrcoef(targets[:, 3], scores[:, 3] >= 0.5))
    assert decisions.macro["mcc"].low < decisions.macro["mcc"].value < decisions.macro["mcc"].high
    plain = json.loads(result.to_json())
    assert plain["labels"][3]["distance"]["value"] == label.distance.value
    assert plain["decisions"]["given"]["mcc"]["percussion"] is not None
    assert "mcc" in plain["decisions"]["given"]["intervals"] and "mcc" in plain["decisions"]["given"]["macro"]
    assert headings()[-1] == "MCC" and "distance" in headings() and "dist." in headings(narrow=True)
    lines = markdown(result).splitlines()
    assert {line.count("|") for line in lines} == {len(headings()) + 1}
    assert len(rich_table(result).columns) == len(headings())


def test_removed_metric_is_gone():
    targets, scores = example(15)
    result = evaluate(targets, scores, n_bootstrap=10)
    assert list(result.macro) == ["roc_auc", "pr_auc", "loss"]
    with pytest.raises(AttributeError, match="distance"):
        result.labels[0].distance  # noqa: B018
    assert pickle.loads(pickle.dumps(result)).labels[0].roc_auc == result.labels[0].roc_auc
    with pytest.raises(ValueError, match="metric 'f1' is registered already"):
        registered.register(registered.decision_metrics()[0])


@pytest.mark.parametrize("name", ["bradl15", "openmic20", "irmas11"])
def test_evaluation_of_any_label_set(name, tmp_path):
    label_set = LabelSet.load(name)
    targets, scores = example(len(label_set))
    result = evaluate(targets, scores, labels=label_set, n_bootstrap=20)
    assert tuple(each.label for each in result.labels) == label_set.labels
    assert result.labels[2].roc_auc.value == pytest.approx(roc_auc(targets[:, 2], scores[:, 2]))
    lines = markdown(result).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:-1]] == [
        f"| {label_set.display[each]}" for each in label_set.labels
    ]
    assert set(result.to_dict()["decisions"]["best single"]["tp"]) == set(label_set.labels)
    plot(result, tmp_path / "a.png")


def test_labels_without_a_set_are_shown_as_they_are():
    targets, scores = example(2)
    assert (
        markdown(evaluate(targets, scores, labels=["rock_music", "ambient"], n_bootstrap=0))
        .splitlines()[2]
        .startswith("| rock_music |")
    )
    assert evaluate(*example(15), n_bootstrap=0).display == default_set().display


def test_docs_list_every_metric():
    text = DOCS.read_text("utf-8")
    for metric in (*registered.score_metrics(), *registered.decision_metrics()):
        assert f"| {metric.heading} | {metric.meaning} |" in text
