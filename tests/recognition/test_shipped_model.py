"""The model in the package: what it carries, and what it says of the examples and of real recordings."""

import csv
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import soundfile

from organology import Recognizer, evaluation, lineage
from organology.labels import PRESENT, UNKNOWN, default_set
from organology.mixing.channel.noise import hiss
from organology.recognition.onnx_model import ModelFile

LABELS = default_set().labels

ROOT = Path(__file__).parents[2]
CLIPS = ROOT.parent / "shared" / "dev_clips"

with (ROOT / "examples" / "expected.csv").open(newline="", encoding="utf-8") as _file:
    EXPECTED = list(csv.DictReader(_file))


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer(labels="bradl15")


def test_shipped_model_is_small_and_says_what_it_is(recognizer):
    file = resources.files("organology.recognition") / "models" / "organology.onnx"
    assert len(file.read_bytes()) <= 16 * 2**20
    told = recognizer.metadata
    assert told.labels == LABELS and (told.sample_rate, told.window_seconds) == (32_000, 4.0)
    assert all(0 < threshold < 1 for threshold in told.thresholds)
    assert told.frontend["n_mels"] == 128
    assert told.frontend["level_db"] < -30


def test_shipped_model_tells_families_instruments_and_finer_names():
    with Recognizer() as recognizer:
        assert set(LABELS) < set(recognizer.label_set.labels)
        assert {"flute", "trumpet", "guitar"} <= set(recognizer.label_set.labels)
        assert not {"viola", "oboe"} & set(recognizer.label_set.labels)
    with Recognizer(labels="openmic20") as recognizer:
        assert len(recognizer.label_set) == 20 and not recognizer.missing


def tags(told):
    return [entry["tags"] for entry in told["distilled"]]


def test_shipped_model_names_its_parents_alone(recognizer):
    parents = recognizer.metadata.provenance["average_of"]
    assert [(parent["name"], parent["share"]) for parent in parents] == [("extended", 0.45), ("strong-2", 0.55)]
    assert all(len(parent["sha256"]) == 64 for parent in parents)
    assert len(json.dumps(recognizer.metadata.provenance)) < 1000
    whole = ModelFile().metadata
    assert len(whole.to_json()) < 250 * len(whole.labels)


def test_shipped_model_lineage_can_be_followed_to_the_start():
    text = (ROOT / "docs" / "model_lineage.json").read_text(encoding="utf-8")
    before, last = lineage.unfold(json.loads(text))["average_of"]
    assert (before["share"], last["share"]) == (0.5, 0.5)
    assert tags(last) == ["mtg-jamendo"]
    for trained in last["average_of"]:
        assert "more_instruments.yaml" in trained["command"]
        assert trained["goes_on_with"]["average_of"] == before["average_of"]
    assert tags(before) == ["mtg-jamendo", "magnatagatune"]
    for trained_last in before["average_of"]:
        first_distilled = trained_last["goes_on_with"]
        assert tags(first_distilled) == ["mtg-jamendo", "magnatagatune"]
        for self_trained in first_distilled["average_of"]:
            *trained, start = self_trained["goes_on_with"]["average_of"]
            trainings = [*trained, self_trained, trained_last]
            assert all(part["command"].startswith("organology train") for part in trainings)
            assert start["file"] == "mn04_as_mAP_432.pt"
            assert sum(part["share"] for part in [*trained, start]) == pytest.approx(1)


def test_shipped_model_at_other_volumes_gives_the_same(recognizer):
    music, rate = soundfile.read(ROOT / "examples/mutilated-mime.ogg", dtype="float32")
    loud, quiet = (recognizer.recognize(gain * music, sr=rate).scores for gain in (1.0, 0.05))
    np.testing.assert_allclose(loud, quiet, atol=1e-3)


@pytest.mark.parametrize("level_db", [-20, -45])
@pytest.mark.parametrize("color", [0, 1, 2], ids=["white", "pink", "brown"])
def test_shipped_model_on_noise_finds_nothing(recognizer, color, level_db):
    noise = hiss(np.random.default_rng(0), 8 * 32_000, 32_000, color=color, low_hz=20, high_hz=16_000)
    found = recognizer.recognize(noise * np.float32(10 ** (level_db / 20)), sr=32_000)
    assert not found.instruments, dict(zip(LABELS, np.round(found.file_scores, 2), strict=True))


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["file"])
def test_shipped_model_on_the_examples_finds_what_plays(recognizer, row):
    found = recognizer.recognize(ROOT / "examples" / row["file"])
    wanted = {label: int(row[label]) for label in LABELS}
    wrong = [
        label
        for label, value in wanted.items()
        if value != UNKNOWN and (label in found.instruments) != (value == PRESENT)
    ]
    assert not wrong, f"{wrong}: {dict(zip(LABELS, np.round(found.file_scores, 2), strict=True))}"


@pytest.mark.skipif(not CLIPS.exists(), reason="needs the shared clips")
def test_shipped_model_on_real_recordings_reaches_its_quality(recognizer):
    with (CLIPS / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scores = np.stack([recognizer.recognize(CLIPS / "clips" / row["file"]).file_scores for row in rows])
    cells = [[row[label.replace("_", " ")] for label in LABELS] for row in rows]
    targets = np.array([[UNKNOWN if cell == "" else int(float(cell)) for cell in line] for line in cells], np.int8)
    often = [i for i, label in enumerate(LABELS) if (targets[:, i] == PRESENT).sum() >= 10]
    figures = evaluation.evaluate(
        targets[:, often], scores[:, often], n_bootstrap=0, labels=[LABELS[i] for i in often]
    ).macro
    assert figures["roc_auc"].value >= 0.988 and figures["pr_auc"].value >= 0.984
