"""Any label set from recipe to exported file: train, evaluate, tune, average, export, import."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from organology import cli
from organology.errors import ConfigError, ModelError
from organology.labels import LabelSet, default_set
from organology.model import average_checkpoints, import_onnx, load_checkpoint
from organology.model.taggers.audioset import AudioSetTagger
from organology.training import load_recipe
from organology.training.data import MixtureDataset, evaluation_mixer
from organology.training.recipes import override
from organology.training.run import train
from organology.training.scoring import evaluate_model, load_scorer
from organology.training.teachers.audioset import LabelTeacher
from organology.training.teachers.tags import tag_table
from training_support import make_corpus, write_recipe

pytestmark = pytest.mark.usefixtures("one_thread")

OWN = "label,concepts\nkeyboards,keyboard\nbass,bass guitar|double bass\ndrums,drums\nguitar,guitar\nflute,flute\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    make_corpus(folder / "corpus")
    write_recipe(folder / "tiny.yaml", folder / "corpus", epochs=1)
    (folder / "own.csv").write_text(OWN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def openmic(place: Path) -> Path:
    """A run with `--labels openmic20`."""
    done = run("train", place / "tiny.yaml", "--labels", "openmic20", "--out", place / "openmic")
    assert done.exit_code == 0, done.output
    return place / "openmic" / "best"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.command_line(), [str(argument) for argument in arguments])


def test_train_with_a_shipped_set_is_evaluated_tuned_and_exported(openmic: Path, place: Path) -> None:
    wanted = LabelSet.load("openmic20")
    network, metadata = load_checkpoint(openmic)
    assert network.label_set == metadata.label_set == wanted
    assert metadata.provenance["recipe"]["labels"] == "openmic20"
    done = run(
        "evaluate", openmic, place / "tiny.yaml", "--mixtures", "16", "--bootstrap", "0", "--out", place / "metrics"
    )
    assert done.exit_code == 0, done.output
    assert "cannot tell" not in done.output
    report = json.loads((place / "metrics" / "evaluation.json").read_text())
    assert report["labels"] and {each["label"] for each in report["labels"]} == set(wanted.labels)
    scores = np.load(place / "metrics" / "scores.npz")
    assert scores["scores"].shape == (16, 20) and tuple(scores["labels"]) == wanted.labels
    present = {label for label, column in zip(wanted.labels, scores["targets"].T, strict=True) if (column == 1).any()}
    assert present == {"piano", "drums", "bass"}
    done = run("tune", openmic, place / "tiny.yaml", "--mixtures", "16", "--workers", "0")
    assert done.exit_code == 0, done.output
    assert len(load_checkpoint(openmic)[1].provenance["thresholds"]["per_label"]) == 20
    done = run("export", openmic, place / "openmic.onnx")
    assert done.exit_code == 0, done.output
    imported, described = import_onnx(place / "openmic.onnx")
    assert described.label_set == imported.label_set == wanted
    mean, _ = average_checkpoints([openmic, openmic])
    assert mean.label_set == wanted


def test_train_with_a_table_of_ones_own_is_found_from_the_recipe_and_the_run_folder(place: Path) -> None:
    path = place / "own.yaml"
    path.write_text((place / "tiny.yaml").read_text(encoding="utf-8") + "labels: own.csv\n", encoding="utf-8")
    recipe = load_recipe(path)
    assert recipe.labels == place / "own.csv"
    assert recipe.label_set.labels == ("keyboards", "bass", "drums", "guitar", "flute")
    train(recipe, place / "own")
    assert load_recipe(place / "own" / "recipe.yaml").label_set == recipe.label_set
    assert load_checkpoint(place / "own" / "best")[0].label_set == recipe.label_set
    _, scored = evaluate_model(load_scorer(place / "own" / "best"), recipe, "test", 8, n_bootstrap=0, workers=0)
    assert scored.scores.shape == (8, 5)
    assert {int(i) for i in np.flatnonzero((scored.targets == 1).any(0))} == {0, 1, 2}


def test_resume_with_another_table_is_refused(place: Path) -> None:
    (place / "moving.csv").write_text(OWN, encoding="utf-8")
    path = place / "moving.yaml"
    path.write_text((place / "tiny.yaml").read_text(encoding="utf-8") + "labels: moving.csv\n", encoding="utf-8")
    train(load_recipe(path), place / "moving")
    (place / "moving.csv").write_text(OWN.replace("flute,flute", "flute,flute|recorder"), encoding="utf-8")
    with pytest.raises(ConfigError, match="the label set has changed since the run began"):
        train(override(load_recipe(path), epochs=2), place / "moving", resume=True)


def test_evaluate_in_another_set_is_a_view_and_names_what_cannot_be_told(openmic: Path, place: Path) -> None:
    done = run(
        "evaluate", openmic, place / "tiny.yaml", "--labels", "bradl15", "--mixtures", "16", "--bootstrap", "0",
        "--out", place / "viewed",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    view = default_set().view_of(LabelSet.load("openmic20"))
    assert view.missing
    assert f"cannot tell {len(view.missing)} of the 15 labels: {', '.join(view.missing)}" in done.output
    scores = np.load(place / "viewed" / "scores.npz")
    assert tuple(scores["labels"]) == view.labels
    recipe = override(load_recipe(place / "tiny.yaml"), labels="bradl15")
    mixer = evaluation_mixer(recipe.corpora, "test", recipe.mixing)
    batch = [MixtureDataset(mixer)[i] for i in range(16)]
    columns = [default_set().index(label) for label in view.labels]
    np.testing.assert_array_equal(scores["targets"], torch.stack([each.targets for each in batch]).numpy()[:, columns])
    own = load_scorer(openmic).score(torch.stack([each.waveform for each in batch]))
    np.testing.assert_allclose(scores["scores"], view.apply(own), atol=1e-5)


def test_evaluate_in_a_set_without_a_common_label_costs_one_line(openmic: Path, place: Path) -> None:
    (place / "none.csv").write_text("label,concepts\ntimpani,timpani\n", encoding="utf-8")
    done = run("evaluate", openmic, place / "tiny.yaml", "--labels", place / "none.csv")
    assert isinstance(done.exception, ModelError)
    assert "its labels (openmic20) tell none of those of none" in str(done.exception)


def test_tune_in_another_set_is_refused(openmic: Path, place: Path) -> None:
    done = run("tune", openmic, place / "tiny.yaml", "--labels", "irmas11")
    assert isinstance(done.exception, ConfigError)
    assert "tuned on its own labels, those of openmic20" in str(done.exception)


def test_init_from_a_model_of_another_set_is_refused(openmic: Path, place: Path) -> None:
    path = place / "on.yaml"
    text = (place / "tiny.yaml").read_text(encoding="utf-8").replace("transfer: scratch", "transfer: finetuned")
    path.write_text(text + f"init_from: {openmic}\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"its labels are those of openmic20, the recipe's of bradl15.*pretrained"):
        train(load_recipe(path), place / "on")
    train(override(load_recipe(path), labels="openmic20"), place / "on")
    path.write_text(text + f"pretrained: {openmic}\n", encoding="utf-8")
    train(load_recipe(path), place / "backbone")
    assert load_checkpoint(place / "backbone" / "best")[0].label_set == default_set()


def test_recipe_unknown_set_is_one_line_with_the_file(place: Path) -> None:
    path = place / "wrong.yaml"
    path.write_text((place / "tiny.yaml").read_text(encoding="utf-8") + "labels: openmic\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"wrong\.yaml: labels: no label set 'openmic'"):
        load_recipe(path)


def test_audioset_teacher_knows_the_labels_that_it_has_classes_for(tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(AudioSetTagger().state_dict(), tmp_path / "teacher.pt")
    label_set = LabelSet("own", ("piano", "kazoo_choir", "cello"))
    teacher = LabelTeacher(tmp_path / "teacher.pt", label_set)
    assert teacher.knows.tolist() == [True, False, True]
    assert teacher.scores(torch.zeros(2, 32_000)).shape == (2, 3)
    scorer = load_scorer(tmp_path / "teacher.pt", label_set=label_set)
    assert scorer.label_set.labels == ("piano", "cello")
    assert scorer.score(torch.zeros(2, 32_000)).shape == (2, 2)


def test_tag_table_reads_words_through_concepts() -> None:
    from organology.corpora.readers.jamendo import TAGS

    wanted = LabelSet.load("openmic20")
    table = dict(zip(wanted.labels, tag_table(wanted), strict=True))
    names = {label: {TAGS[i].removeprefix("instrument---") for i in tags} for label, tags in table.items()}
    assert names["piano"] >= {"piano"} and names["violin"] >= {"violin"}
    assert "bass" in names["bass"] and not names["mandolin"]


def test_training_with_a_teacher_that_lacks_a_label(place: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(AudioSetTagger().state_dict(), tmp_path / "teacher.pt")
    (tmp_path / "own.csv").write_text(
        "label,concepts\npiano,piano\nbass,bass guitar|double bass\ndrums,drums\nwhistle,tin whistle\n",
        encoding="utf-8",
    )
    path = write_recipe(tmp_path / "soft.yaml", place / "corpus", epochs=1, soft_targets={"teacher": "teacher.pt"})
    path.write_text(path.read_text(encoding="utf-8") + "labels: own.csv\n", encoding="utf-8")
    assert train(load_recipe(path), tmp_path / "run")["epochs"] == 1
