"""Pre-training by a teacher: recipes, a run at tiny size, its kill and resume, transfer from its checkpoint."""

from __future__ import annotations

import csv
import itertools
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

from organology import cli
from organology.corpora.readers.jamendo import TAGS
from organology.errors import ConfigError, ModelError
from organology.evaluation import evaluate
from organology.labels import default_set
from organology.model import AudioSetTagger, InstrumentNet, ModelConfig, load_checkpoint
from organology.model.taggers.audioset import ZeroShot
from organology.model.taggers.musicnn import MusicTagger
from organology.training import load_pretraining_recipe, load_recipe
from organology.training.data import Batch, fixed_loader, loader_by_epoch
from organology.training.distillation.data import held_out_audio, training_audio
from organology.training.distillation.module import DistillationModule, scored_columns, soft_loss, teacher_metrics
from organology.training.distillation.recipe import DistillationConfig, DistillationRecipe
from organology.training.distillation.task import DistillationTask
from organology.training.recipes import override
from organology.training.run import train
from organology.training.tag_pretraining.recipe import PretrainingRecipe
from organology.training.teachers.audioset import AudioSetTeacher, LabelTeacher, audioset_labels
from organology.training.teachers.published import MusicTeacher
from training_support import make_corpus, make_tagging_corpus, write_recipe

RECIPES = Path(__file__).parents[2] / "src/organology/recipes"


class StandIn(torch.nn.Module):
    """In place of the published tagger: scores from the energies of eight bands, by fixed random weights."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.to_labels = torch.nn.Identity(), ZeroShot()
        weights = torch.randn(8, 527, generator=torch.Generator().manual_seed(1))
        weights[:, 30:] = 0  # the scores of the others are always the same
        self.register_buffer("weights", weights)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        power = torch.fft.rfft(waveform).abs().square()[:, :-1]
        edges = [0, 100, 300, 600, 1000, 2000, 4000, 8000, power.shape[1]]
        bands = [power[:, i:j].sum(1) + 1e-3 for i, j in itertools.pairwise(edges)]
        return torch.stack(bands, dim=1).log10() @ self.weights / 2 - 2

    def zero_shot(self, waveform: torch.Tensor) -> torch.Tensor:
        return self.to_labels(self(waveform))


def stand_in(path: object = None, label_set: object = None) -> StandIn:
    return StandIn().eval()


def write(path: Path, **changes: object) -> Path:
    """A recipe of seconds."""
    values = {
        "teacher": "tagger.pt",
        "corpora": ["stems"],
        "seed": 2,
        "mixing": {
            "chunk_seconds": 1.1,
            "effects": {"pitch_shift": {"probability": 0}, "time_stretch": {"probability": 0}},
        },
        "model": {"channels": [4, 6, 8, 8, 8, 8, 8]},
        "training": {
            "epochs": 3, "batches_per_epoch": 3, "batch_size": 4, "learning_rate": 0.01, "warmup_epochs": 0,
            "weight_average": 0.5, "validation_mixtures": 12, "test_mixtures": 10, "min_items": 2, "workers": 0,
            "device": "cpu",
        },
        **changes,
    }  # fmt: skip
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


@pytest.fixture(scope="module", autouse=True)
def tagger():
    """One thread, and the stand-in wherever the published weights are opened."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AudioSetTagger, "from_published", stand_in)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teaching")
    make_corpus(folder / "stems")
    make_tagging_corpus(folder / "tagged", tracks_per_split=3)
    (folder / "tagger.pt").write_bytes(b"stand-in")
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


def test_distill_run_leaves_its_folder(run, place):
    assert sorted(path.name for path in run.iterdir()) == [
        "best", "last.ckpt", "logs", "recipe.yaml", "summary.json", "test",
    ]  # fmt: skip
    summary = json.loads((run / "summary.json").read_text())
    losses = [float(row["loss/validation"]) for row in rows(run)]
    assert summary["best"]["loss"] == min(losses) and len(losses) == 3
    test = summary["test"]
    assert (test["split"], test["mixtures"], summary["mixtures"]) == ("test", 10, 3 * 3 * 4)
    assert 0 < test["lowest_possible_loss"] < test["loss"]
    assert 1 < test["labels_scored"] < 527
    assert test["roc_auc_95"][0] <= test["roc_auc"] <= test["roc_auc_95"][1]
    figures = json.loads((run / "test/evaluation.json").read_text())
    assert len(figures["labels"]) == test["labels_scored"]
    network, metadata = load_checkpoint(run / "best")
    assert network.labels == metadata.labels == audioset_labels() and len(metadata.labels) == 527
    assert metadata.provenance["teacher"]["file"] == "tagger.pt"
    assert metadata.provenance["task"].startswith("AudioSet")
    assert metadata.provenance["corpora"][0]["licences"] == {"CC0-1.0": 12}
    assert str(place) not in metadata.to_json()
    assert not any("tagger" in name for name in torch.load(run / "last.ckpt", weights_only=True)["state_dict"])


def test_distill_killed_in_an_epoch_and_resumed_is_as_undisturbed(run, place, recipe):
    script = """
import os, signal, sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from training.test_distillation import stand_in
from organology.model import AudioSetTagger
from organology.training import load_pretraining_recipe
from organology.training.distillation.module import DistillationModule
from organology.training.run import train
AudioSetTagger.from_published = stand_in
torch.set_num_threads(1)
step = DistillationModule.training_step
def killed(self, batch, batch_idx):
    if self.current_epoch == 2 and batch_idx == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, batch_idx)
DistillationModule.training_step = killed
train(load_pretraining_recipe(sys.argv[1]), Path(sys.argv[2]))
"""
    folder = place / "killed"
    arguments = [sys.executable, "-c", script, place / "tiny.yaml", folder, Path(__file__).parents[1]]
    done = subprocess.run(arguments, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len(rows(folder)) == 2
    summary = train(recipe, folder, resume=True)
    assert summary["test"] == json.loads((run / "summary.json").read_text())["test"]
    states = [torch.load(f / "last.ckpt", weights_only=True)["state_dict"] for f in (run, folder)]
    best = [load_file(f / "best/model.safetensors") for f in (run, folder)]
    for one, other in (states, best):
        assert one.keys() == other.keys()
        assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_transfer_from_distilled_takes_the_backbone_and_not_the_head(run, tmp_path):
    make_corpus(tmp_path / "stems")
    settings = load_recipe(write_recipe(tmp_path / "tiny.yaml", tmp_path / "stems", epochs=1, batches_per_epoch=2))
    train(override(settings, transfer="frozen", pretrained=run / "best"), tmp_path / "frozen")
    before, after = (load_file(folder / "best/model.safetensors") for folder in (run, tmp_path / "frozen"))
    backbone = {name for name in before if name.startswith("backbone")}
    assert backbone and all(torch.equal(before[name], after[name]) for name in backbone)
    assert len(load_checkpoint(tmp_path / "frozen/best")[1].labels) == 15


def test_distill_learns_what_the_teacher_says(place):
    """The loss falls well below that of saying the mean of each label to everything, where learning begins."""
    model = {"channels": [4, 6, 8, 8, 8, 8, 8], "head": "linear"}
    recipe = load_pretraining_recipe(write(place / "learns.yaml", corpora=[], recordings=["tagged"], model=model))
    recipe = override(recipe, epochs=4, batches_per_epoch=8, batch_size=8, weight_average=0.9)
    summary = train(recipe, place / "learns")
    first = float(rows(place / "learns")[0]["loss/train"])
    test = summary["test"]
    assert test["roc_auc"] > 0.75
    assert test["loss"] - test["lowest_possible_loss"] < 0.7 * (first - test["lowest_possible_loss"])
    assert summary["corpora"][0]["tracks"] == {"test": 3, "train": 3, "validation": 3}


def test_distill_in_bfloat16_learns_and_scores_are_float32(place, recipe):
    settings = override(recipe, epochs=1, precision="bf16-mixed")
    summary = train(settings, place / "bf16")
    assert 0 < summary["test"]["loss"] < 2
    scores = np.load(place / "bf16/test/scores.npz")["scores"]
    assert scores.dtype == np.float32
    coarse = torch.from_numpy(scores).bfloat16().float().numpy()
    assert (scores != coarse).mean() > 0.5
    kept = load_file(place / "bf16/best/model.safetensors")
    assert {value.dtype for value in kept.values() if value.is_floating_point()} == {torch.float32}


def test_distill_head_begins_at_the_teachers_mean(recipe):
    teacher, audio, task = AudioSetTeacher(recipe.teacher), training_audio(recipe), DistillationTask(recipe)
    one, other = (task.module(0) for _ in range(2))
    bias = one.network.head[-1].bias
    assert torch.equal(bias, other.network.head[-1].bias)
    wanted = teacher.scores(torch.stack([audio[i].waveform for i in range(32)])).mean(0)
    torch.testing.assert_close(bias.sigmoid(), wanted.clamp(1e-5, 1 - 1e-5))
    assert bias.requires_grad


def test_teacher_under_autocast_computes_in_float32():
    teacher, waveform = AudioSetTeacher("x.pt"), torch.randn(2, 35_200) * 0.1
    plain = teacher.scores(waveform)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(teacher.scores(waveform), plain)
        ours = LabelTeacher("x.pt", default_set().subset(("piano", "drums"))).scores(waveform)
    assert ours.dtype == torch.float32
    columns = [default_set().index(label) for label in ("piano", "drums")]
    torch.testing.assert_close(ours, stand_in().zero_shot(waveform).sigmoid()[:, columns].detach())
    assert plain.shape == (2, 527) and not plain.requires_grad


def test_distill_data_takes_mixtures_and_recordings_by_turns(place):
    both = load_pretraining_recipe(write(place / "both.yaml", recordings=["tagged"], recording_share=0.3))
    audio = training_audio(both)
    songs = [audio[i].songs for i in range(40)]
    read = sum(song.startswith("tones/") for song in songs)
    assert 4 < read < 22
    assert songs == [training_audio(both)[i].songs for i in range(40)]
    alone, helped = ([b for _ in range(2) for b in loader_by_epoch(audio, 3, 2, n, 1)] for n in (0, 1))
    assert all(torch.equal(a.waveform, b.waveform) for a, b in zip(alone, helped, strict=True))
    held = held_out_audio(both, "validation")
    kept, made = (list(fixed_loader(held, range(6), 4, 2, keep)) for keep in (True, False))
    assert all(torch.equal(a.waveform, b.waveform) for a, b in zip(kept, made, strict=True))


def test_distill_figures_are_against_the_teacher():
    taught = np.array([[0.9, 0.05, 0.2], [0.8, 0.01, 0.0], [0.02, 0.09, 0.3], [0.01, 0.0, 0.4]], dtype=np.float32)
    scores = np.array([[0.7, 0.5, 0.6], [0.6, 0.5, 0.1], [0.1, 0.5, 0.7], [0.2, 0.5, 0.05]], dtype=np.float32)
    config = DistillationConfig(min_items=1)
    assert scored_columns((taught >= 0.1).astype(np.int8), 1).tolist() == [0, 2]
    assert scored_columns((taught >= 0.1).astype(np.int8), 2).tolist() == [0]
    assert scored_columns((taught >= 0.1).astype(np.int8), 3).tolist() == [2]
    figures = teacher_metrics(taught, scores, config, ("a", "b", "c"))
    assert [f.label for f in figures.labels] == ["a", "c"]
    expected = evaluate((taught >= 0.1)[:, [0, 2]].astype(np.int8), scores[:, [0, 2]], n_bootstrap=0, labels=("a", "c"))
    assert figures.macro["roc_auc"].value == expected.macro["roc_auc"].value == pytest.approx((1 + 2 / 3) / 2)
    logits = torch.from_numpy(scores).logit()
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(taught))
    assert figures.loss.value == pytest.approx(float(wanted), rel=1e-5)
    assert soft_loss(taught, taught) < soft_loss(taught, scores)
    with pytest.raises(ModelError, match="not a number"):
        teacher_metrics(taught, scores * np.nan, config, ("a", "b", "c"))


def test_distill_loss_is_the_cross_entropy_of_the_teachers_scores():
    teacher = AudioSetTeacher("x.pt")
    network = InstrumentNet(ModelConfig(channels=(4, 4)), audioset_labels())
    module = DistillationModule(network.eval(), DistillationConfig(), 0, teacher)
    waveform = torch.randn(2, 35_200) * 0.1
    batch = Batch(waveform, torch.empty(2, 0), ["", ""])
    target, score = teacher.scores(waveform).double(), network(waveform).double().sigmoid()
    wanted = -(target * score.log() + (1 - target) * (1 - score).log()).mean()
    torch.testing.assert_close(module.batch_loss(batch).double(), wanted, rtol=1e-5, atol=1e-6)


def test_distill_verb_trains_and_reports(place, tmp_path):
    arguments = ["pretrain", str(place / "tiny.yaml"), "--out", str(tmp_path / "run"), "--epochs", "1", "--seed", "5"]
    done = CliRunner().invoke(cli.command_line(), arguments)
    assert done.exit_code == 0, done.output
    assert "best: epoch 1 of 1" in done.output and "labels against the teacher" in done.output
    kept = load_pretraining_recipe(tmp_path / "run/recipe.yaml")
    assert (kept.seed, kept.training.epochs, kept.name) == (5, 1, "tiny")
    assert kept.teacher.resolve() == (place / "tagger.pt").resolve()


def test_distill_faults_of_files_come_before_the_folder(recipe, run, tmp_path):
    with pytest.raises(ConfigError, match="no such teacher"):
        train(recipe.with_paths(lambda p: tmp_path / p.name), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="there is a run already"):
        train(recipe, run)
    with pytest.raises(ConfigError, match=r"another training\.learning_rate"):
        train(override(recipe, learning_rate=0.5), run, resume=True)
    with pytest.raises(ConfigError, match="has 3 epochs already"):
        train(override(recipe, epochs=2), run, resume=True)


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"corpora": []}, "name no prepared folder"),
        ({"tags": []}, "tags.*unknown key"),
        ({"recording_share": 2}, "recording_share must be from 0 to 1"),
        ({"seed": -1}, "seed must be 0"),
        ({"chunks": {"chunk_seconds": 2}}, "must be the same"),
        ({"chunks": {"chunk_seconds": 1.1, "draw": "in_turn"}}, r"chunks\.draw must be random"),
        ({"mixing": {"sample_rate": 16000}}, "sample_rate must be 32000"),
        ({"model": {"backbone": "mobilenet", "head": "anchored"}}, "'anchored' knows only"),
        ({"training": {"epoch": 3}}, r"training\.epoch.*unknown key"),
        ({"training": {"batch_size": 1}}, "batch_size must be 2"),
        ({"training": {"learning_rate": 0}}, "learning_rate must be above 0"),
        ({"training": {"present_from": 0}}, "present_from must be above 0"),
        ({"training": {"test_mixtures": 0}}, "test_mixtures must be 1"),
        ({"training": {"test_split": "train"}}, r"training\.test_split"),
    ],
)
def test_distill_faults_are_one_line_with_file_and_place(tmp_path, values, place):
    path = write(tmp_path / "mine.yaml", **values)
    with pytest.raises(ConfigError, match=place) as caught:
        load_pretraining_recipe(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["teacher_pretraining", "music_teacher_pretraining"])
def test_distill_recipe_of_the_project_is_valid(name):
    recipe = load_pretraining_recipe(RECIPES / f"{name}.yaml")
    assert isinstance(load_pretraining_recipe(RECIPES / "pretraining.yaml"), PretrainingRecipe)
    paper = load_recipe(RECIPES / "paper.yaml")
    assert (recipe.model.backbone, recipe.model.frontend_config) == ("short-chunk", paper.model.frontend_config)
    assert isinstance(recipe, DistillationRecipe) and recipe.training.precision == "bf16-mixed"


def write_musicnn(path: Path) -> Path:
    """Random weights under the published names."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tagger = MusicTagger()
        state = {key: value for key, value in tagger.state_dict().items() if not key.endswith("long_window")}
        state = {key: torch.rand_like(value) if key.endswith("fb") else value for key, value in state.items()}
    torch.save(state, path)
    return path


def test_a_music_tagger_teaches_its_50_tags_on_recordings_alone(place, tmp_path):
    write_musicnn(place / "musicnn.pth")
    write(place / "music.yaml", teacher="musicnn.pth", corpora=[], recordings=["tagged"])
    train(load_pretraining_recipe(place / "music.yaml"), tmp_path / "run")
    network, metadata = load_checkpoint(tmp_path / "run/best")
    assert network.labels == TAGS and len(TAGS) == 50
    assert metadata.provenance["task"].startswith("mtg-jamendo tags of a teacher")
    assert metadata.provenance["teacher"]["file"] == "musicnn.pth"
    assert json.loads((tmp_path / "run/summary.json").read_text())["test"]["lowest_possible_loss"] > 0


def test_scores_of_a_music_teacher_are_those_of_its_tagger(tmp_path):
    teacher = MusicTeacher(write_musicnn(tmp_path / "m.pth"), "magnatagatune")
    waveform = torch.randn(2, 3 * 32_000, generator=torch.Generator().manual_seed(3)) * 0.1
    with torch.no_grad():
        wanted = MusicTagger.from_published(tmp_path / "m.pth")(waveform).sigmoid()
    assert torch.equal(teacher.scores(waveform), wanted)
    assert teacher.labels[0] == "guitar" and len(teacher.labels) == wanted.shape[1]


def test_file_that_is_no_tagger_is_refused_by_name(place, tmp_path):
    torch.save({"a": torch.zeros(1)}, place / "other.pth")
    write(place / "other.yaml", teacher="other.pth")
    with pytest.raises(ModelError, match=r"other\.pth"):
        train(load_pretraining_recipe(place / "other.yaml"), tmp_path / "run")
