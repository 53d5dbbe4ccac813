"""Whole runs at tiny size: transfer methods, a kill and its resume, evaluation."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from organology import cli
from organology.errors import AudioError, ConfigError, CorpusError, ModelError, OrganologyError
from organology.mixing import Mixer, StemPool
from organology.model import AudioSetTagger, load_checkpoint
from organology.training import load_recipe
from organology.training.callbacks.averaging import AveragedWeights
from organology.training.data import (
    EpochSampler,
    MixtureDataset,
    evaluation_mixer,
    fixed_loader,
    loader_by_epoch,
    one_line,
)
from organology.training.recipes import override, save_recipe
from organology.training.run import train
from organology.training.run_folder import RunFolder
from organology.training.scoring import evaluate_model, load_scorer
from organology.training.transfer.task import build
from training_support import make_corpus, write_recipe

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    make_corpus(folder / "corpus")
    write_recipe(folder / "tiny.yaml", folder / "corpus")
    return folder


@pytest.fixture(scope="module")
def recipe(place):
    return load_recipe(place / "tiny.yaml")


@pytest.fixture(scope="module")
def scratch(place, recipe):
    """An undisturbed run of three epochs."""
    train(override(recipe, epochs=3), place / "scratch")
    return place / "scratch"


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]


def assert_same_weights(one: Path, other: Path) -> None:
    for first, second in (
        (weights(one), weights(other)),
        (load_file(one / "best/model.safetensors"), load_file(other / "best/model.safetensors")),
    ):
        assert first.keys() == second.keys()
        for name, value in first.items():
            assert torch.equal(value, second[name]), name


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "logs/metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_override_corpora_keep_their_weights(place, tmp_path):
    recipe = load_recipe(place / "tiny.yaml")
    name = StemPool.load([place / "corpus"], "train", recipe.mixing).songs[0].corpus
    weighed = dataclasses.replace(recipe.mixing, corpus_weights={name: 2.0, "elsewhere": 3.0})
    recipe = dataclasses.replace(recipe, mixing=weighed)
    assert override(recipe, corpora=[place / "corpus"]).mixing.corpus_weights == {name: 2.0}
    assert override(recipe, epochs=1).mixing.corpus_weights == {name: 2.0, "elsewhere": 3.0}
    with pytest.raises(CorpusError, match="nowhere"):
        override(recipe, corpora=[tmp_path / "nowhere"])


def test_train_run_leaves_its_folder(scratch, place):
    assert sorted(path.name for path in scratch.iterdir()) == [
        "best", "last.ckpt", "logs", "recipe.yaml", "summary.json",
    ]  # fmt: skip
    assert [row["epoch"] for row in rows(scratch)] == ["1", "2", "3"]
    assert any(path.name.startswith("events.out.tfevents") for path in (scratch / "logs").iterdir())
    summary = json.loads((scratch / "summary.json").read_text())
    losses = [float(row["loss/validation"]) for row in rows(scratch)]
    assert summary["best"]["loss"] == min(losses)
    assert summary["best"]["epoch"] == 1 + int(np.argmin(losses))
    network, metadata = load_checkpoint(scratch / "best")
    assert metadata.window_seconds == 1.1
    assert metadata.provenance["validation"]["loss"] == pytest.approx(min(losses), abs=1e-6)
    assert metadata.provenance["corpora"][0]["licences"] == {"CC0-1.0": 12}
    assert metadata.provenance["epoch"] == summary["best"]["epoch"]
    per_label = metadata.provenance["thresholds"]["per_label"]
    assert metadata.thresholds == tuple(per_label[label] for label in metadata.labels)
    assert str(place) not in metadata.to_json()
    assert network.labels == metadata.labels


def test_train_killed_in_an_epoch_and_resumed_is_as_undisturbed(scratch, place):
    script = """
import os, signal, sys, torch
from pathlib import Path
from organology.training import load_recipe
from organology.training.module import TrainingModule
from organology.training.recipes import override
from organology.training.run import train
torch.set_num_threads(1)
step = TrainingModule.training_step
def killed(self, batch, batch_idx):
    if self.current_epoch == 1 and batch_idx == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch, batch_idx)
TrainingModule.training_step = killed
train(override(load_recipe(sys.argv[1]), epochs=3), Path(sys.argv[2]))
"""
    folder = place / "killed"
    done = subprocess.run([sys.executable, "-c", script, place / "tiny.yaml", folder], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len(rows(folder)) == 1
    summary = train(override(load_recipe(place / "tiny.yaml"), epochs=3, workers=2), folder, resume=True)
    assert summary["epochs"] == 3
    assert_same_weights(scratch, folder)
    figures = [[{k: v for k, v in row.items() if "second" not in k} for row in rows(f)] for f in (scratch, folder)]
    assert figures[0] == figures[1]


def test_train_frozen_keeps_the_backbone_and_finetuned_moves_it_little(scratch, place, recipe):
    pretrained = weights(scratch)
    best = load_file(scratch / "best/model.safetensors")
    moved = {}
    for transfer in ("frozen", "finetuned"):
        settings = override(recipe, transfer=transfer, pretrained=scratch / "best", seed=5, epochs=1)
        train(settings, place / transfer)
        after = weights(place / transfer)
        moved[transfer] = max(
            float((after[f"network.{name}"].float() - value.float()).abs().max())
            for name, value in best.items()
            if name.startswith("backbone.blocks") and "running" not in name and "tracked" not in name
        )
        head = "network.head.4.weight"
        assert (after[head] - pretrained[head]).abs().max() > 0.01
    statistics = "backbone.blocks.3.1.running_mean"
    assert moved["frozen"] == 0
    assert torch.equal(weights(place / "frozen")[f"network.{statistics}"], best[statistics])
    # Three steps of Adam at 1e-4.
    assert 1e-5 < moved["finetuned"] < 4e-4
    assert not torch.equal(weights(place / "finetuned")[f"network.{statistics}"], best[statistics])
    assert "learning_rate/backbone" not in rows(place / "frozen")[0]
    assert float(rows(place / "finetuned")[0]["learning_rate/backbone"]) == pytest.approx(1e-4)


def test_train_options_beyond_the_paper_run_and_resume(place):
    torch.manual_seed(0)
    torch.save(AudioSetTagger().state_dict(), place / "teacher.pt")
    path = write_recipe(
        place / "options.yaml",
        place / "corpus",
        soft_targets={"teacher": "teacher.pt", "weight": 0.5},
        weight_average=0.9,
        gradient_clip=0.5,
        schedule="cosine",
        warmup_epochs=1,
        optimizer="adamw",
        weight_decay=0.01,
        thresholds="single",
    )
    recipe = load_recipe(path)
    train(recipe, place / "whole")
    # The cosine spans all epochs, so the run is cut short rather than told fewer of them.
    with pytest.raises(StopError):
        train_until(recipe, place / "parts", epochs=1)
    train(recipe, place / "parts", resume=True)
    assert_same_weights(place / "whole", place / "parts")
    _, metadata = load_checkpoint(place / "whole" / "best")
    assert len(set(metadata.thresholds)) == 1
    state = torch.load(place / "whole" / "last.ckpt", weights_only=True)["current_model_state"]
    learned = {name.removeprefix("network."): value for name, value in state.items()}
    kept = load_file(place / "whole" / "best/model.safetensors")
    assert not torch.equal(learned["head.4.weight"], kept["head.4.weight"])


def test_train_in_double_precision_is_resumed_with_every_digit(place):
    recipe = load_recipe(write_recipe(place / "double.yaml", place / "corpus", precision="64-true"))
    train(recipe, place / "double-whole")
    with pytest.raises(StopError):
        train_until(recipe, place / "double-parts", epochs=1)
    train(recipe, place / "double-parts", resume=True)
    assert [row["loss/train"] for row in rows(place / "double-parts")] == [
        row["loss/train"] for row in rows(place / "double-whole")
    ]
    kept = load_file(place / "double-whole" / "best/model.safetensors")
    assert {value.dtype for value in kept.values() if value.is_floating_point()} == {torch.float32}


class StopError(Exception):
    pass


def train_until(recipe, folder, epochs):
    from organology.training.module import TrainingModule

    step = TrainingModule.training_step

    def stop(self, batch, batch_idx):
        if self.current_epoch == epochs and batch_idx == 1:
            raise StopError
        return step(self, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingModule, "training_step", stop)
        train(recipe, folder, resume=True)  # where nothing is to resume it begins


def test_weight_average_by_hand(recipe):
    module = build(override(recipe, transfer="scratch"))
    average, trainer = AveragedWeights(0.5), SimpleNamespace(global_step=0)
    average.setup(trainer, module, "fit")
    name = "head.4.bias"
    for value in (1.0, 2.0, 4.0):
        module.network.state_dict()[name].fill_(value)
        trainer.global_step += 1
        average.on_train_batch_end(trainer, module, None, None, 0)
    # Decays: none at first, then min(0.5, 2 / 11), min(0.5, 3 / 12).
    expected = 0.25 * (1 * 2 / 11 + 2 * 9 / 11) + 0.75 * 4
    average.on_validation_epoch_start(trainer, module)
    assert float(module.network.state_dict()[name][0]) == pytest.approx(expected, rel=1e-6)
    average.on_validation_epoch_end(trainer, module)
    assert float(module.network.state_dict()[name][0]) == 4


def test_weight_average_of_an_earlier_version_is_taken_up(recipe):
    """States of runs before Lightning's callback was used hold the average under another name."""
    module = build(override(recipe, transfer="scratch"))
    learned = {name: value.clone() for name, value in module.state_dict().items()}
    earlier = {name: value + 1 for name, value in module.network.state_dict().items() if value.is_floating_point()}
    checkpoint = {"state_dict": learned, "callbacks": {"WeightAverage": {"steps": 7, "average": earlier}}}
    average, trainer = AveragedWeights(0.5), SimpleNamespace(global_step=0)
    average.setup(trainer, module, "fit")
    average.on_load_checkpoint(trainer, module, checkpoint)
    assert torch.equal(module.network.head[4].bias, learned["network.head.4.bias"])
    average.on_validation_epoch_start(trainer, module)
    assert torch.equal(module.network.head[4].bias, learned["network.head.4.bias"] + 1)
    assert int(average._average_model.n_averaged) == 7


@pytest.mark.parametrize("left", ["logs/", ".organology-0123456789ab.yaml", ""])
@pytest.mark.parametrize("resume", [True, False])
def test_run_killed_as_it_began_can_be_begun_again(recipe, tmp_path, left, resume):
    folder = tmp_path / "run"
    (folder / left).parent.mkdir(parents=True, exist_ok=True)
    if left.endswith("/"):
        (folder / left).mkdir(parents=True)
    elif left:
        (folder / left).touch()
    RunFolder(folder).begin(recipe, resume)
    assert sorted(path.name for path in folder.iterdir()) == ["logs", "recipe.yaml"]


def test_train_folder_in_use_or_of_another_run_is_refused(scratch, place, recipe):
    with pytest.raises(ConfigError, match="there is a run already; --resume"):
        train(recipe, scratch)
    with pytest.raises(ConfigError, match="no run to resume"):
        train(recipe, place / "corpus", resume=True)
    with pytest.raises(ConfigError, match=r"another training\.batch_size"):
        train(override(recipe, batch_size=8), scratch, resume=True)
    with pytest.raises(ConfigError, match="3 epochs already"):
        train(override(recipe, epochs=1), scratch, resume=True)
    (place / "damaged").mkdir()
    (place / "damaged/recipe.yaml").write_text((scratch / "recipe.yaml").read_text())
    (place / "damaged/last.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(OrganologyError, match="not a state to resume from"):
        train(recipe, place / "damaged", resume=True)


def test_train_on_corpora_that_have_changed_is_not_resumed(scratch, tmp_path):
    shutil.copytree(scratch, tmp_path / "run")
    corpus = make_corpus(tmp_path / "corpus", songs_per_split=3)
    recipe = load_recipe(write_recipe(tmp_path / "tiny.yaml", corpus))
    save_recipe(override(recipe, epochs=4), tmp_path / "run/recipe.yaml")
    with pytest.raises(ConfigError, match="corpora have changed"):
        train(override(recipe, epochs=4), tmp_path / "run", resume=True)


def test_train_loss_that_is_no_number_ends_the_run(place, recipe, monkeypatch):
    monkeypatch.setattr("organology.training.transfer.module.transfer_loss", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(ModelError, match="epoch 1, batch 1: the loss is not a number"):
        train(recipe, place / "nan")


def test_train_finished_run_resumed_changes_nothing(scratch, recipe):
    before = (scratch / "last.ckpt").read_bytes()
    assert train(override(recipe, epochs=3), scratch, resume=True)["epochs"] == 3
    assert (scratch / "last.ckpt").read_bytes() == before


def test_mixture_dataset_any_workers_give_the_same_epochs(recipe):
    mixer = Mixer(StemPool.load(recipe.corpora, "train", recipe.mixing), recipe.mixing, 0)
    sampler = EpochSampler(6)
    sampler.set_epoch(2)
    assert list(sampler) == [12, 13, 14, 15, 16, 17]
    batches = []
    for workers in (0, 2):
        loader = loader_by_epoch(MixtureDataset(mixer), 3, 2, workers, first_epoch=1)
        batches.append([waveform for waveform, _, _ in loader])
    assert all(torch.equal(a, b) for a, b in zip(*batches, strict=True))
    assert torch.equal(batches[0][0][1], torch.from_numpy(mixer.mix(7).audio))


def test_evaluation_mixer_mixtures_are_fixed_and_musical(recipe):
    mixer = evaluation_mixer(recipe.corpora, "validation", recipe.mixing)
    assert {mixer.mix(i).strategy for i in range(10)} == {"musical"}
    assert all(not source.effects for source in mixer.mix(0).sources)
    kept, made = (list(fixed_loader(MixtureDataset(mixer), range(5), 2, 0, keep=keep)) for keep in (True, False))
    for first, second in zip(kept, made, strict=True):
        assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
        assert tuple(first[2]) == tuple(second[2])


def test_train_stem_that_cannot_be_read_is_one_line(tmp_path):
    make_corpus(tmp_path / "corpus")
    for file in (tmp_path / "corpus/audio").glob("*/piano.flac"):
        file.write_bytes(b"no audio")
    recipe = load_recipe(write_recipe(tmp_path / "r.yaml", tmp_path / "corpus"))
    for workers in (0, 1):
        with pytest.raises(OrganologyError, match=r"piano\.flac") as caught:
            train(override(recipe, workers=workers), tmp_path / str(workers))
        assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)


def test_one_line_worker_errors_lose_their_traceback():
    wrapped = (
        "Caught AudioError in DataLoader worker process 0.\nTraceback ...\norganology.errors.AudioError: a.flac: bad"
    )
    assert str(one_line(AudioError(wrapped))) == "a.flac: bad"
    assert str(one_line(AudioError("a.flac: bad"))) == "a.flac: bad"


def test_evaluate_verb_writes_the_metrics(scratch, place):
    out = place / "figures"
    result = CliRunner().invoke(
        cli.command_line(),
        ["evaluate", str(scratch / "best"), str(place / "tiny.yaml"), "--mixtures", "24", "--out", str(out),
         "--threshold", "0.35", "--bootstrap", "20"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "ROC-AUC" in result.output and "checkpoint" in result.output
    assert sorted(path.name for path in out.iterdir()) == [
        "evaluation.json", "evaluation.md", "evaluation.png", "scores.npz",
    ]  # fmt: skip
    plain = json.loads((out / "evaluation.json").read_text())
    assert list(plain["decisions"])[:2] == ["option", "checkpoint"]
    assert (plain["n_items"], plain["n_groups"], plain["split"]) == (24, 2, "test")
    saved = np.load(out / "scores.npz")
    assert saved["scores"].shape == saved["targets"].shape == (24, 15)
    assert set(saved["songs"]) <= {f"tiny/song {i}" for i in (2, 5)}


def test_evaluate_checkpoint_gives_the_validation_figures_again(scratch, recipe):
    scorer = load_scorer(scratch / "best")
    evaluation, _ = evaluate_model(scorer, recipe, "validation", 8, n_bootstrap=0)
    told = scorer.provenance["validation"]
    assert evaluation.loss.value == pytest.approx(told["loss"], abs=1e-5)
    assert evaluation.macro["roc_auc"].value == pytest.approx(told["roc_auc"], abs=1e-5)


def test_load_scorer_of_published_weights_and_other_files(place, tmp_path):
    torch.manual_seed(0)
    torch.save(AudioSetTagger().state_dict(), tmp_path / "mn.pt")
    scorer = load_scorer(tmp_path / "mn.pt")
    assert scorer.score(torch.zeros(2, 32_000)).shape == (2, 15)
    with pytest.raises(OrganologyError, match="no such checkpoint"):
        load_scorer(tmp_path / "none")
    with pytest.raises(OrganologyError, match=r"none\.onnx"):
        load_scorer(tmp_path / "none.onnx")


def test_train_verb_reports_faults_in_one_line(place):
    result = CliRunner().invoke(cli.command_line(), ["train", str(place / "tiny.yaml"), "--transfer", "frozen"])
    assert isinstance(result.exception, ConfigError)
    assert "frozen needs `pretrained`" in str(result.exception)


def test_tune_thresholds_anew_replaces_them(scratch, tmp_path):
    folder = tmp_path / "best"
    shutil.copytree(scratch / "best", folder)
    before = load_checkpoint(folder)
    arguments = ["tune", str(folder), str(scratch / "recipe.yaml"), "--mixtures", "24"]
    result = CliRunner().invoke(cli.command_line(), arguments)
    assert result.exit_code == 0, result.output
    network, metadata = load_checkpoint(folder)
    told = metadata.provenance["thresholds"]
    assert "24 mixtures" in told["tuned_on"] and metadata.thresholds != before[1].thresholds
    assert metadata.thresholds == tuple(told["per_label"][label] for label in metadata.labels)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[0].state_dict()[name]), name


def test_score_in_bfloat16_is_near_float32(scratch):
    waveform = torch.randn(3, 35_200) * 0.1
    exact, coarse = (load_scorer(scratch / "best", precision=p).score(waveform) for p in ("32-true", "bf16-mixed"))
    assert exact.dtype == coarse.dtype == np.float32
    assert not np.array_equal(exact, coarse)
    np.testing.assert_allclose(exact, coarse, atol=0.05)
