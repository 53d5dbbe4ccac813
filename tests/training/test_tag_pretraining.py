"""Pre-training on tags: recipes, a run at tiny size, its kill and resume, transfer from its checkpoint."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from typer.testing import CliRunner

from corpora_trees_slakh import jamendo, prepare_tags
from organology import cli
from organology.corpora.readers.jamendo import TAGS as JAMENDO_TAGS
from organology.corpora.tagging import ChunkConfig, TaggedChunks, TaggingPool
from organology.errors import ConfigError, CorpusError
from organology.model import load_checkpoint
from organology.training import load_pretraining_recipe, load_recipe
from organology.training.data import fixed_loader, loader_by_epoch
from organology.training.recipes import override
from organology.training.run import train
from organology.training.scoring import Scored
from organology.training.tag_pretraining.data import ChunkDataset, evaluation_chunks, spread
from organology.training.tag_pretraining.recipe import WON, Phase, PretrainingConfig
from organology.training.tag_pretraining.task import by_track
from training_support import TAGS, make_corpus, make_tagging_corpus, write_recipe

RECIPE = Path(__file__).parents[2] / "src/organology/recipes/pretraining.yaml"


def write(path: Path, **changes: object) -> Path:
    """A recipe of seconds."""
    values = {
        "corpora": ["corpus"],
        "seed": 2,
        "chunks": {"chunk_seconds": 1.1},
        "model": {"channels": [4, 6, 8, 8, 8, 8, 8]},
        "training": {
            "epochs": 4, "batches_per_epoch": 3, "batch_size": 4, "workers": 0, "device": "cpu",
            "validation_tracks": 6, "test_chunks_per_track": 2,
            "phases": [
                {"optimizer": "adam", "learning_rate": 0.003},
                {"optimizer": "sgd", "learning_rate": 0.001, "after_epochs": 2},
            ],
        },
        **changes,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretraining")
    make_tagging_corpus(folder / "corpus")
    write(folder / "tiny.yaml")
    return folder


@pytest.fixture(scope="module")
def recipe(place):
    return load_pretraining_recipe(place / "tiny.yaml")


@pytest.fixture(scope="module")
def run(place, recipe):
    """An undisturbed run."""
    train(recipe, place / "run")
    return place / "run"


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "logs/metrics.csv").open() as file:
        return list(csv.DictReader(file))


def assert_same_weights(one: Path, other: Path) -> None:
    states = ((torch.load(f / "last.ckpt", weights_only=True)["state_dict"] for f in (one, other)),
              (load_file(f / "best/model.safetensors") for f in (one, other)))  # fmt: skip
    for first, second in states:
        assert first.keys() == second.keys()
        for name, value in first.items():
            assert torch.equal(value, second[name]), name


def test_pretrain_run_leaves_its_folder(run, place):
    assert sorted(path.name for path in run.iterdir()) == [
        "best", "last.ckpt", "logs", "recipe.yaml", "summary.json", "test",
    ]  # fmt: skip
    assert any(path.name.startswith("events.out.tfevents") for path in (run / "logs").iterdir())
    assert [(row["epoch"], float(row["learning_rate"])) for row in rows(run)] == [
        ("1", 0.003), ("2", 0.003), ("3", 0.001), ("4", 0.001),
    ]  # fmt: skip
    summary = json.loads((run / "summary.json").read_text())
    losses = [float(row["loss/validation"]) for row in rows(run)]
    assert summary["best"]["loss"] == min(losses)
    assert (summary["best"]["chunks"], summary["chunks"]) == (6, 4 * 3 * 4)
    assert (summary["test"]["chunks"]["items"], summary["test"]["tracks"]["items"]) == (16, 8)
    low, high = summary["test"]["tracks"]["roc_auc_95"]
    assert 0 <= low <= summary["test"]["tracks"]["roc_auc"] <= high <= 1
    assert summary["corpora"][0]["tracks"] == {"test": 8, "train": 8, "validation": 8}
    figures = json.loads((run / "test/evaluation.json").read_text())
    assert [label["label"] for label in figures["labels"]] == list(TAGS)
    network, metadata = load_checkpoint(run / "best")
    assert network.labels == metadata.labels == TAGS
    assert metadata.window_seconds == 1.1
    assert metadata.provenance["corpora"][0]["licences"] == {"CC0-1.0": 24}
    assert str(place) not in metadata.to_json()


def test_pretrain_killed_in_an_epoch_and_resumed_is_as_undisturbed(run, place, recipe):
    script = """
import os, signal, sys, torch
from pathlib import Path
from organology.training import load_pretraining_recipe
from organology.training.module import TrainingModule
from organology.training.run import train
torch.set_num_threads(1)
step = TrainingModule.training_step
def killed(self, batch, batch_idx):
    if self.current_epoch == 3 and batch_idx == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, batch_idx)
TrainingModule.training_step = killed
train(load_pretraining_recipe(sys.argv[1]), Path(sys.argv[2]))
"""
    folder = place / "killed"
    done = subprocess.run([sys.executable, "-c", script, place / "tiny.yaml", folder], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len(rows(folder)) == 3
    summary = train(recipe, folder, resume=True)
    assert summary["test"] == json.loads((run / "summary.json").read_text())["test"]
    assert_same_weights(run, folder)
    kept = [[{k: v for k, v in row.items() if "second" not in k} for row in rows(f)] for f in (run, folder)]
    assert kept[0] == kept[1]


def test_pretrain_new_phase_begins_with_the_best_weights(place, recipe):
    train(override(recipe, epochs=2), place / "two")
    last = torch.load(place / "two/last.ckpt", weights_only=True)
    for name, value in load_file(place / "two/best/model.safetensors").items():
        assert torch.equal(last["state_dict"][f"network.{name}"], value), name
    assert "momentum" in last["optimizer_states"][0]["param_groups"][0]
    assert not last["optimizer_states"][0]["state"]


def test_pretrain_lengthened_over_a_phase_is_as_long_from_the_start(run, place, recipe):
    folder = place / "lengthened"
    train(override(recipe, epochs=2), folder)
    train(recipe, folder, resume=True)
    assert_same_weights(run, folder)


def test_transfer_from_pretrained_takes_the_checkpoint(run, tmp_path):
    make_corpus(tmp_path / "stems")
    transfer = override(
        load_recipe(write_recipe(tmp_path / "tiny.yaml", tmp_path / "stems", epochs=1, batches_per_epoch=2)),
        transfer="frozen",
        pretrained=run / "best",
    )
    train(transfer, tmp_path / "frozen")
    before, after = (load_file(folder / "best/model.safetensors") for folder in (run, tmp_path / "frozen"))
    backbone = {name for name in before if name.startswith("backbone")}
    assert backbone
    assert all(torch.equal(before[name], after[name]) for name in backbone)
    assert load_checkpoint(tmp_path / "frozen/best")[1].labels != TAGS


def test_pretrain_tones_are_learned(place, recipe):
    """Tones of two octaves are told apart after a few epochs."""
    settings = override(recipe, epochs=8, phases=(Phase("adam", 0.01),), batches_per_epoch=6)
    test = train(settings, place / "longer")["test"]["tracks"]
    assert test["roc_auc"] > 0.9


def test_pretrain_verb_on_a_jamendo_tree_in_place_trains(tmp_path):
    tree = jamendo(tmp_path / "tree", "audio-low", low=True, seconds=3)
    prepare_tags("jamendo", tree, tmp_path / "corpus", in_place=True)
    arguments = ["pretrain", str(write(tmp_path / "tiny.yaml")), "--out", str(tmp_path / "run"), "--epochs", "1"]
    done = CliRunner().invoke(cli.command_line(), [*arguments, "--seed", "5"])
    assert done.exit_code == 0, done.output
    assert "best: epoch 1 of 1" in done.output and "test tracks: ROC-AUC" in done.output
    kept = load_pretraining_recipe(tmp_path / "run/recipe.yaml")
    assert (kept.seed, kept.training.epochs, kept.name) == (5, 1, "tiny")
    assert load_checkpoint(tmp_path / "run/best")[1].labels == JAMENDO_TAGS


def test_pretrain_without_matplotlib_leaves_the_picture_out_alone(place, recipe, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    train(override(recipe, epochs=1), place / "plain")
    assert sorted(path.name for path in (place / "plain/test").iterdir()) == [
        "evaluation.json", "evaluation.md", "scores.npz",
    ]  # fmt: skip
    assert (place / "plain/summary.json").is_file()


def test_pretrain_folder_in_use_or_of_another_run_is_refused(run, recipe, tmp_path):
    with pytest.raises(ConfigError, match="there is a run already"):
        train(recipe, run)
    with pytest.raises(ConfigError, match=r"another training\.batch_size"):
        train(override(recipe, batch_size=2), run, resume=True)
    with pytest.raises(ConfigError, match="has 4 epochs already"):
        train(override(recipe, epochs=3), run, resume=True)
    with pytest.raises(CorpusError, match=r"nowhere.*tags\.json"):
        train(override(recipe, corpora=[tmp_path / "nowhere"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"corpora": []}, "names no prepared folder"),
        ({"mixing": {}}, "mixing.*unknown key"),
        ({"training": {"epoch": 3}}, r"training\.epoch.*unknown key"),
        ({"training": {"epochs": 0}}, "epochs must be 1 or more, got 0"),
        ({"training": {"batch_size": 1}}, "batch_size must be 2"),
        ({"training": {"validation_tracks": 0}}, "validation_tracks must be 1"),
        ({"training": {"phases": []}}, "phases must begin after 0 epochs"),
        ({"training": {"phases": [{"optimizer": "adam", "learning_rate": 1, "after_epochs": 2}]}}, "phases must begin"),
        ({"training": {"phases": [{"optimizer": "lion", "learning_rate": 1}]}}, r"phases\.0\.optimizer"),
        ({"training": {"phases": [{"optimizer": "sgd", "learning_rate": 0}]}}, "learning_rate must be above 0"),
        ({"chunks": {"chunk_seconds": 0.5}}, "chunk_seconds is too short"),
        ({"chunks": {"draw": "in_turn"}}, r"chunks\.draw must be random"),
        ({"model": {"backbone": "mobilenet", "head": "anchored"}}, "'anchored' knows only"),
        ({"model": {"backbone": "mobilenet", "frontend": {"sample_rate": 16000, "f_max": 8000}}}, "16000 Hz"),
        ({"seed": -1}, "seed must be 0"),
    ],
)
def test_pretrain_faults_are_one_line_with_file_and_place(tmp_path, values, place):
    path = write(tmp_path / "mine.yaml", **values)
    with pytest.raises(ConfigError, match=place) as caught:
        load_pretraining_recipe(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_pretrain_recipe_of_the_project_is_the_defaults():
    recipe = load_pretraining_recipe(RECIPE)
    assert override(recipe, workers=2).training == PretrainingConfig()
    paper = load_recipe(RECIPE.with_name("paper.yaml"))
    assert paper.pretrained.name == "best" and paper.pretrained.parent.name == recipe.name
    assert (paper.model, paper.mixing.chunk_seconds) == (recipe.model, recipe.chunks.chunk_seconds)


def test_phases_of_epochs_follow_each_other():
    config = PretrainingConfig()
    rates = {epoch: config.phase(epoch).learning_rate for epoch in (0, 79, 80, 99, 100, 120, 199)}
    assert rates == {0: 1e-4, 79: 1e-4, 80: 1e-3, 99: 1e-3, 100: 1e-4, 120: 1e-5, 199: 1e-5}
    assert [phase.optimizer for phase in WON] == ["adam", "sgd", "sgd", "sgd"]


def test_chunk_dataset_epochs_differ_and_workers_do_not_matter(place):
    chunks = TaggedChunks(TaggingPool.load([place / "corpus"], "train"), ChunkConfig(chunk_seconds=0.2), 1)
    alone, helped = ([b for _ in range(2) for b in loader_by_epoch(ChunkDataset(chunks), 3, 2, n, 1)] for n in (0, 1))
    assert all(torch.equal(a.waveform, b.waveform) for a, b in zip(alone, helped, strict=True))
    first = next(iter(loader_by_epoch(ChunkDataset(chunks), 3, 2, 0, 0)))
    assert not torch.equal(first.waveform, alone[0].waveform)
    assert alone[0].targets.shape == (3, 3)


def test_evaluation_chunks_of_every_track_are_fixed(place):
    chunks = evaluation_chunks([place / "corpus"], "validation", ChunkConfig(chunk_seconds=0.2))
    kept, read = (list(fixed_loader(ChunkDataset(chunks), spread(8, 4, 2), 4, 0, keep)) for keep in (True, False))
    assert all(torch.equal(a.waveform, b.waveform) for a, b in zip(kept, read, strict=True))
    assert list(kept[0].songs) == list(kept[1].songs) == [f"tones/track_{n:03}" for n in (1, 7, 13, 19)]
    assert not torch.equal(kept[0].waveform, kept[1].waveform)


def test_by_track_score_is_the_mean_of_its_chunks():
    scored = Scored(
        np.array([[1], [0], [1]], dtype=np.int8),
        np.array([[0.2], [0.5], [0.4]], dtype=np.float32),
        np.array(["b", "a", "b"]),
    )
    tracks = by_track(scored)
    assert tracks.songs.tolist() == ["a", "b"]
    assert tracks.targets.tolist() == [[0], [1]]
    np.testing.assert_allclose(tracks.scores, [[0.5], [0.3]], rtol=1e-6)
