"""The whole way with any label set, by the command line: prepare, train, evaluate, export, recognize, find."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from typer.testing import CliRunner

from organology.cli import command_line
from organology.labels import LabelSet

pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("one_thread")

STARTER = Path(__file__).parents[2] / "starter"
SONGS = {
    "train": (
        "slow-ferry/3-cello", "winter-room/2-cello", "garden-trio/3-cello",
        "lantern-street/0-drums", "glass-arcade/0-drums", "window-seat/0-drums",
    ),
    "validation": ("first-light/3-cello", "market-swing/0-drums"),
    "test": ("orchard-quintet/3-cello", "gravel-road/0-drums"),
}  # fmt: skip
"""Stems of the starter corpus, by split; no artist is in two."""

OWN = "label,concepts\ncello,cello\ndrums,drums\nviolin,violin\nguitar,guitar\nflute,flute\n"


class Trained(NamedTuple):
    """A model of a label set, and where the files of its making are."""

    label_set: LabelSet
    place: Path
    model: Path


def invoke(*arguments: object) -> str:
    """What a verb writes to standard output."""
    done = CliRunner().invoke(command_line(), [str(argument) for argument in arguments])
    assert done.exit_code == 0, (arguments[0], done.output, done.exception)
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten stems of the starter corpus, prepared; a recipe; two recordings of songs that are not trained on."""
    folder = tmp_path_factory.mktemp("way")
    wanted = {f"{stem}.ogg": split for split, stems in SONGS.items() for stem in stems}
    with (STARTER / "stems.csv").open(newline="", encoding="utf-8") as file:
        rows = [{**row, "split": wanted[row["path"]]} for row in csv.DictReader(file) if row["path"] in wanted]
    assert len(rows) == len(wanted)
    for row in rows:
        (folder / "stems" / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(STARTER / row["path"], folder / "stems" / row["path"])
    with (folder / "stems" / "stems.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    invoke("prepare", "stems", folder / "stems", "--out", folder / "corpus", "--jobs", "1")
    recipe = {
        "corpora": ["corpus"],
        "mixing": {
            "chunk_seconds": 1.1,
            "p_musical": 0,
            "p_single_source": 0.6,
            "sources_max": 2,
            "effects": {"pitch_shift": {"probability": 0}, "time_stretch": {"probability": 0}},
        },
        "model": {"head": "linear", "channels": [8, 8, 16, 16, 16, 16, 16]},
        "training": {
            "transfer": "scratch", "epochs": 3, "batches_per_epoch": 12, "batch_size": 8, "validation_mixtures": 16,
            "workers": 0, "device": "cpu",
        },
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    (folder / "own.csv").write_text(OWN, encoding="utf-8")
    (folder / "music").mkdir()
    for stem in SONGS["test"]:
        shutil.copy(STARTER / f"{stem}.ogg", folder / "music" / f"{stem.rpartition('-')[2]}.ogg")
    return folder


@pytest.fixture(scope="module", params=["openmic20", "own.csv"])
def trained(request: pytest.FixtureRequest, place: Path) -> Trained:
    name = request.param
    labels = place / name if "." in name else name
    run = place / f"run-{name}"
    invoke("train", place / "recipe.yaml", "--labels", labels, "--out", run)
    invoke("evaluate", run / "best", place / "recipe.yaml", "--mixtures", "32", "--bootstrap", "0", "--out", run)
    invoke("export", run / "best", run / "model.onnx")
    return Trained(LabelSet.load(labels), run, run / "model.onnx")


def test_evaluate_after_training_tells_cello_from_drums(trained: Trained) -> None:
    report = json.loads((trained.place / "evaluation.json").read_text("utf-8"))
    assert [each["label"] for each in report["labels"]] == list(trained.label_set.labels)
    area = {each["label"]: (each["roc_auc"] or {}).get("value") for each in report["labels"]}
    assert area["cello"] > 0.8 and area["drums"] > 0.8 and area["flute"] is None


def test_recognize_and_find_after_training_name_what_plays(trained: Trained, place: Path, tmp_path: Path) -> None:
    music, store = place / "music", tmp_path / "results.sqlite"
    recognize = ("recognize", music, "--model", trained.model, "--threads", "1", "--store", store)
    recordings = json.loads(invoke(*recognize, "--format", "json"))["recordings"]
    assert recordings[0]["label_set"]["name"] == trained.label_set.name
    scores = {Path(one["file"]).stem: {row["label"]: row["score"] for row in one["labels"]} for one in recordings}
    assert set(scores["cello"]) == set(scores["drums"]) == set(trained.label_set.labels)
    assert scores["cello"]["cello"] > scores["drums"]["cello"] and scores["drums"]["drums"] > scores["cello"]["drums"]

    # Two songs to validate on make poor thresholds: take ones between the recordings, as a person would.
    thresholds: list[str] = []
    for label in ("cello", "drums"):
        thresholds += ("--threshold", f"{label}={(scores['cello'][label] + scores['drums'][label]) / 2}")
    playing = json.loads(invoke(*recognize, *thresholds, "--format", "json"))["recordings"]
    assert [{"cello", "drums"} & set(one["instruments"]) for one in playing] == [{"cello"}, {"drums"}]
    table = invoke(*recognize, *thresholds, "--format", "table")
    page = invoke(*recognize, *thresholds, "--format", "html")
    for label in ("cello", "drums"):
        assert trained.label_set.display[label] in table and trained.label_set.display[label] in page
    found = invoke("find", "cello and not drums", "--store", store, *thresholds, "--format", "paths").splitlines()
    assert [Path(path).name for path in found] == ["cello.ogg"]
