"""Experiments at tiny size: all three, killed and taken up again, shared and missing arms, two processes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from filelock import FileLock
from typer.testing import CliRunner

from organology import cli
from organology.errors import ModelError, OrganologyError
from organology.evaluation import evaluate
from organology.labels.bradl15 import LABELS
from organology.mixing import Mixer
from organology.reproduce import mixtures, pictures, preparing, run
from organology.training import load_recipe
from organology.training.callbacks.checkpoint import BestCheckpoint
from organology.training.data import EVALUATION_SEED, evaluation_mixer
from training_support import RATE, make_corpus, sound

pytestmark = pytest.mark.usefixtures("one_thread")


def write_recipes(folder: Path) -> None:
    training = {
        "epochs": 2, "batches_per_epoch": 2, "batch_size": 4, "validation_mixtures": 6, "workers": 0, "device": "cpu",
        "step_epochs": 1,
    }  # fmt: skip
    plain = {
        "corpora": ["corpus"],
        "mixing": {"chunk_seconds": 1.1, "effects": {e: {"probability": 0} for e in ("pitch_shift", "time_stretch")}},
        "model": {"channels": [4, 4, 4, 4, 4, 4, 4]},
        "training": training,
    }
    before = {**plain, "seed": 9, "training": {**training, "epochs": 1, "transfer": "scratch"}}
    setup = {
        **plain,
        "pretraining": {"verb": "train", "recipe": "before.yaml"},
        "seeds": [0, 1],
        "test": {"mixtures": [6, 12], "tuning_mixtures": 8, "bootstrap": 20},
        "scales": {"short": {"seeds": [0], "training": {"epochs": 1}}},
    }
    table1 = {"transfer": ["scratch", "frozen", "finetuned"], "p_musical": [0.6]}
    figure3 = {"transfer": ["finetuned"], "p_musical": [0, 0.6]}
    files = {
        "before": before,
        "setup": setup,
        "table1": {"base": "setup.yaml", "experiment": "table1", "arms": table1},
        "figure3": {"base": "setup.yaml", "experiment": "figure3", "arms": figure3},
        "figure4": {"base": "setup.yaml", "experiment": "figure4", "arms": {**figure3, "p_musical": [0.6]}},
    }
    for name, values in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(values), "utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments")
    make_corpus(folder / "corpus")
    write_recipes(folder)
    rows = [",".join(["file", *LABELS, "group"])]
    for number, voice in enumerate(("piano", "drums") * 12):
        seconds = 0.5 + number % 3
        soundfile.write(folder / f"{number}.wav", sound(voice, number)[: round(seconds * RATE)], RATE)
        present = {"piano": ("piano", "key"), "drums": ("drums", "percussion")}[voice]
        cells = ["" if label == "synth" else str(int(label in present)) for label in LABELS]
        rows.append(",".join([f"{number}.wav", *cells, f"g{number // 2}"]))
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def reproduce(name: str, out: Path, *arguments: str, status: int = 0) -> str:
    """Run an experiment of the folder `out` lies in."""
    told = ["reproduce", str(out.parent / f"{name}.yaml"), "--scale", "short", "--out", str(out), *arguments]
    result = CliRunner().invoke(cli.command_line(), told, catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def no_pictures(monkeypatch):
    """For tests that look at other things: drawing takes longer than training here."""
    monkeypatch.setattr(pictures, "draw", lambda *_: [])


def clips(folder: Path) -> tuple[str, ...]:
    return ("--clips", str(folder / "labels.csv"), str(folder))


@pytest.fixture(scope="module")
def out(place):
    """Table 1 with one seed, undisturbed; the later experiments are put into a copy."""
    reproduce("table1", place / "out", *clips(place))
    return place / "out"


def report(out: Path, experiment: str = "table1") -> dict:
    return json.loads((out / f"report/{experiment}-short-chunk/report.json").read_text("utf-8"))


def test_table1_is_reported_with_the_papers_values_beside(out):
    folder = out / "report/table1-short-chunk"
    assert sorted(path.name for path in folder.iterdir()) == ["report.json", "report.md", "table1.png", "table1.svg"]
    told = report(out)
    assert list(told["conditions"]) == ["scratch", "frozen", "finetuned"]
    assert told["missing"] == told["failed"] == []
    assert list(told["test_sets"]) == ["12", "6", "clips"]
    assert told["test_sets"]["clips"]["items"] == 24
    for condition in told["conditions"].values():
        for figures in condition["tests"].values():
            assert 0 <= figures["roc_auc"]["value"] <= 1
            assert figures["loss"]["value"] > 0
    page = (folder / "report.md").read_text("utf-8")
    for value in ("0.8488", "0.7623", "0.3618", "](table1.png)", "+0.", "SHA-256", "real recordings"):
        assert value in page
    assert len(told["comparisons"]) == 2 * 3 * 3


def test_the_smaller_test_set_begins_the_larger(out):
    (arm,) = out.glob("arms/scratch-*")
    (scores,) = arm.glob("scores/test-12-*.npz")
    with np.load(scores) as values:
        targets, given = values["targets"][:6], values["scores"][:6]
    figures = evaluate(targets, given, n_bootstrap=0)
    told = report(out)["conditions"]["scratch"]["tests"]["6"]
    assert told["roc_auc"]["value"] == pytest.approx(figures.macro["roc_auc"].value, abs=1e-6)
    assert told["loss"]["value"] == pytest.approx(figures.loss.value, abs=1e-6)


def test_another_time_nothing_is_done_and_the_report_is_the_same(out, place, monkeypatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained or scored again")

    before = contents(out)
    for name in ("train", "make_mixtures", "score_set", "score_clips"):
        monkeypatch.setattr(run, name, never)
    reproduce("table1", out, *clips(place))
    assert contents(out) == before


def contents(out: Path) -> dict[str, bytes]:
    """The files of the report, without what depends on the clock."""
    files = {path.name: path.read_bytes() for path in (out / "report/table1-short-chunk").iterdir()}
    told = json.loads(files["report.json"])
    del told["times"]
    page = files["report.md"].partition(b"## Times")[0]
    return {**files, "report.json": json.dumps(told).encode(), "report.md": page}


def test_killed_anywhere_and_taken_up_again_it_gives_the_report_of_an_undisturbed_run(out, place, monkeypatch):
    """Within the pre-training, within an arm, while mixtures are made, and between the scores of an arm."""
    other = place / "killed"
    calls = {"train": 0, "scores": 0}
    real_train, real_save, real_mixer = run.train, run.save_scores, mixtures.evaluation_mixer

    def killed_mixing(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    def killed_before_the_last_checkpoint(*arguments: object, **named: object) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(BestCheckpoint, "on_train_epoch_end", killed_mixing)
            real_train(*arguments, **named)

    def killed_between_scores(*arguments: object) -> None:
        calls["scores"] += 1
        if calls["scores"] == 2:
            raise KeyboardInterrupt
        real_save(*arguments)

    for module, name, kill in (
        (preparing, "train", killed_before_the_last_checkpoint),
        (mixtures, "evaluation_mixer", killed_mixing),
        (run, "train", killed_before_the_last_checkpoint),
        (run, "save_scores", killed_between_scores),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, kill)
            reproduce("table1", other, *clips(place), status=130)
    assert not (other / "report").exists()
    assert real_mixer is mixtures.evaluation_mixer
    reproduce("table1", other, *clips(place))
    assert contents(other) == contents(out)


@pytest.fixture(scope="module")
def shared(out, place):
    """A copy of `out` with figure 3 and figure 4 beside table 1."""
    copy = place / "shared"
    shutil.copytree(out, copy)
    trained = []
    real = run.train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            run, "train", lambda recipe, *rest, **named: trained.append(recipe.name) or real(recipe, *rest, **named)
        )
        told = reproduce("figure3", copy)
        told += reproduce("figure4", copy)
    return copy, trained, told


def test_experiments_share_their_arms(shared):
    copy, trained, _ = shared
    assert trained == ["finetuned-p0-seed0"]
    assert len(list(copy.glob("arms/finetuned-p0.6-*"))) == 1
    assert report(copy, "figure4")["arms"][0]["key"] == report(copy, "figure3")["arms"][1]["key"]


def test_figure3_tells_where_it_is_best(shared):
    copy, _, told = shared
    assert list(report(copy, "figure3")["conditions"]) == ["0", "0.6"]
    assert "in the paper at p_musical 0.4" in told
    assert (copy / "report/figure3-short-chunk/figure3.svg").stat().st_size > 0


def test_figure4_has_every_class_at_both_kinds_of_threshold(shared):
    copy, _, told = shared
    labels = report(copy, "figure4")["conditions"]["0.6"]["thresholds"]
    assert list(labels["single"]["labels"]) == list(labels["per class"]["labels"]) == list(LABELS)
    assert "One threshold for all classes" in told
    assert "| drums |" in (copy / "report/figure4-short-chunk/report.md").read_text("utf-8")


def test_some_arms_at_a_time_and_what_is_missing_is_said(place, no_pictures):
    some = place / "some"
    told = reproduce("table1", some, "--arms", "scratch")
    assert "missing: 2 arms, of 3" in told
    assert [arm["transfer"] for arm in report(some)["missing"]] == ["frozen", "finetuned"]
    assert not (some / "pretraining").exists()
    assert "missing" in reproduce("table1", some, "--report-only", "--seeds", "0,7")
    assert {"transfer": "scratch", "p_musical": 0.6, "seed": 7} in report(some)["missing"]


def test_sweep_over_any_setting_is_reported_against_its_first_arm(out, place):
    sweep = {
        "base": "setup.yaml",
        "experiment": "sweep",
        "arms": {"transfer": ["finetuned"], "p_musical": [0.6], "vary": {"training.freeze_batch_norm": [False, True]}},
    }
    (place / "sweep.yaml").write_text(yaml.safe_dump(sweep), "utf-8")
    copy = place / "swept"
    shutil.copytree(out, copy)
    reproduce("sweep", copy)
    told = report(copy, "sweep")
    names = [f"finetuned, p_musical 0.6, freeze_batch_norm {value}" for value in (False, True)]
    assert list(told["conditions"]) == names
    assert told["arms"][0]["key"] == report(copy)["arms"][2]["key"], "the arm of table 1 is taken up"
    assert [(c["better"], c["worse"]) for c in told["comparisons"][:1]] == [(names[1], names[0])]
    assert "freeze_batch_norm True" in (copy / "report/sweep-short-chunk/report.md").read_text("utf-8")


def test_figure_3_with_a_frozen_backbone_makes_each_mixture_once(out, place, monkeypatch):
    frozen = {
        "base": "setup.yaml",
        "experiment": "figure3",
        "arms": {"transfer": ["frozen"], "p_musical": [0, 0.6, 1], "vary": {"mixing.musical_songs": [1, None]}},
    }
    (place / "figure3_frozen.yaml").write_text(yaml.safe_dump(frozen), "utf-8")
    copy = place / "shares"
    shutil.copytree(out, copy)
    made, real = [], Mixer.mix
    monkeypatch.setattr(
        Mixer,
        "mix",
        lambda self, i: made.append((self.plan(i).strategy, self.config.musical_songs, self.seed, i)) or real(self, i),
    )
    reproduce("figure3_frozen", copy)
    told = report(copy, "figure3_frozen")
    assert list(told["conditions"]) == [f"{p}, musical_songs {n}" for p in ("0", "0.6", "1") for n in ("1", "none")]
    training = [key for key in made if key[2] == 0]
    assert len(set(training)) == len(training), "none is made twice"
    assert all(number is not None for strategy, number, *_ in training if strategy == "musical") is False
    assert (copy / "report/figure3_frozen-short-chunk/figure3.svg").stat().st_size > 0


def test_remarks_beside_the_report_stay_in_it(out, place, no_pictures):
    copy = place / "remarked"
    shutil.copytree(out, copy)
    (copy / "report/table1-short-chunk/remarks.md").write_text("Too few mixtures.\n", "utf-8")
    reproduce("table1", copy, "--report-only")
    page = (copy / "report/table1-short-chunk/report.md").read_text("utf-8")
    assert "## Remarks\n\nToo few mixtures.\n\n" in page


def test_an_arm_that_another_process_works_on_is_passed_over(out, place, no_pictures):
    copy = place / "busy"
    shutil.copytree(out, copy)
    (arm,) = copy.glob("arms/frozen-*")
    shutil.rmtree(arm / "scores")
    with FileLock(arm / ".lock"):
        told = reproduce("table1", copy)
    assert "missing: 1 arms, of 3" in told
    assert not (arm / "scores").exists()


def test_an_arm_that_fails_costs_one_line_and_the_rest_goes_on(out, place, monkeypatch, no_pictures):
    copy = place / "failed"
    shutil.copytree(out, copy)
    for arm in copy.glob("arms/f*"):
        shutil.rmtree(arm)
    real = run.train

    def train(recipe, *rest, **named):
        if recipe.training.transfer == "frozen":
            raise ModelError("the loss is not a number")
        return real(recipe, *rest, **named)

    monkeypatch.setattr(run, "train", train)
    reproduce("table1", copy, status=1)
    told = report(copy)
    assert told["failed"] == ["frozen, p_musical 0.6, seed 0: the loss is not a number"]
    assert list(told["conditions"]) == ["scratch", "finetuned"]
    assert "cannot be judged" in told["claims"][0]


def test_mixtures_are_those_of_the_mixer_to_16_bits_and_can_be_made_again(out):
    recipe = load_recipe(next(out.glob("arms/scratch-*/run/recipe.yaml")))
    wanted = mixtures.mixture_set(out / "mixtures", recipe, "test", 12, 1.0, EVALUATION_SEED)
    made = np.concatenate(list(wanted.batches()))
    mixer = evaluation_mixer(recipe.corpora, "test", recipe.mixing)
    assert np.abs(made[7] - mixer.mix(7).audio).max() <= 0.51 / mixtures.FULL_SCALE
    assert (wanted.labels()[0][7] == mixer.mix(7).labels).all()
    before = wanted.audio.read_bytes()
    wanted.audio.unlink()
    mixtures.make_mixtures(wanted, recipe, "test", 1.0, EVALUATION_SEED)
    assert wanted.audio.read_bytes() == before


def test_bad_options_are_one_line(place):
    out = place / "never"
    for arguments, reason in (
        (("--arms", "thawed"), "no arm 'thawed' in table1; there are scratch, frozen, finetuned, 0.6"),
        (("--seeds", "one"), "--seeds one"),
        (("--pretrained", "nowhere"), "nowhere: No such file"),
        (("--clips", "nowhere.csv", "."), "nowhere.csv: No such file"),
        (("--corpus", "nowhere"), "nowhere"),
    ):
        with pytest.raises(OrganologyError, match=re.escape(reason)):
            reproduce("table1", out, *arguments)
