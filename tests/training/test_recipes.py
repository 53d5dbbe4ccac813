"""Recipes: defaults, paths, faults."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from organology.errors import ConfigError
from organology.labels import LabelSet, default_set
from organology.training import Recipe, SelfTraining, SoftTargets, TrainingConfig, load_recipe
from organology.training.recipes import difference, load_recipe_as, override, save_recipe
from organology.training.transfer.task import require_files

RECIPES = sorted(
    path
    for pattern in ("*.yaml", "shipped/*.yaml")
    for path in (Path(__file__).parents[2] / "src/organology/recipes").glob(pattern)
    if path.stem not in ("pretraining", "teacher_pretraining", "music_teacher_pretraining")  # read by other loaders
)


def write(folder: Path, **values: object) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"corpora": ["a"], **values}), encoding="utf-8")
    return path


def test_recipe_defaults_are_the_papers():
    training = TrainingConfig()
    assert (training.transfer, training.epochs, training.batches_per_epoch, training.batch_size) == (
        "finetuned", 150, 120, 16,
    )  # fmt: skip
    assert training.items_per_epoch == 1920
    assert (training.optimizer, training.head_learning_rate, training.backbone_learning_rate) == ("adam", 0.01, 0.0001)
    assert (training.schedule, training.step_epochs, training.step_factor) == ("step", 20, 0.3)
    assert (training.weight_decay, training.gradient_clip, training.l2_sp) == (0, None, 0)
    assert (training.soft_targets, training.weight_average, training.unfreeze_after_epochs) == (None, None, 0)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_load_recipe_of_the_project_is_valid(path):
    assert load_recipe(path).name == path.stem


def test_load_recipe_of_the_paper_is_the_defaults():
    (path,) = (path for path in RECIPES if path.stem == "paper")
    recipe = load_recipe(path)
    assert dataclasses.replace(recipe.training, thresholds="per_label") == TrainingConfig()
    assert (recipe.mixing.p_musical, len(recipe.corpora)) == (0.6, 3)


def test_load_recipe_paths_are_relative_to_it(tmp_path):
    (tmp_path / "deep").mkdir()
    path = write(
        tmp_path / "deep",
        corpora=["../corpus", "/absolute"],
        pretrained="w.pt",
        training={"soft_targets": {"teacher": "../t.pt"}},
    )
    recipe = load_recipe(path)
    assert recipe.corpora == (tmp_path / "corpus", Path("/absolute"))
    assert recipe.pretrained == tmp_path / "deep" / "w.pt"
    assert recipe.training.soft_targets == SoftTargets(tmp_path / "t.pt")
    assert recipe.name == "mine"


def test_save_recipe_reads_back_from_anywhere(tmp_path):
    recipe = load_recipe(write(tmp_path, pretrained="w", mixing={"kind_weights": {"notes": 0.5}}))
    save_recipe(recipe, tmp_path / "runs" / "x" / "recipe.yaml")
    assert "../../a" in (tmp_path / "runs" / "x" / "recipe.yaml").read_text()
    again = load_recipe(tmp_path / "runs" / "x" / "recipe.yaml")
    assert difference(recipe, again, ()) is None
    assert again.mixing == recipe.mixing


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"corpora": []}, "names no prepared folder"),
        ({"sed": 1}, "sed.*unknown key"),
        ({"training": {"epoch": 3}}, r"training\.epoch.*unknown key"),
        ({"training": {"epochs": 0}}, "epochs must be 1 or more, got 0"),
        ({"training": {"transfer": "partial"}}, r"training\.transfer"),
        ({"training": {"batch_size": 1}}, "batch_size must be 2"),
        ({"training": {"head_learning_rate": 0}}, "head_learning_rate"),
        ({"training": {"soft_targets": {"weight": 0.5}}}, r"training\.soft_targets\.teacher"),
        ({"training": {"soft_targets": {"teacher": "t", "weight": 2}}}, "weight must be from 0 to 1"),
        ({"training": {"weight_average": 1}}, "weight_average must be above 0"),
        ({"mixing": {"p_musical": 2}}, "p_musical"),
        ({"mixing": {"chunk_seconds": 0.5}}, "chunk_seconds is too short"),
        ({"mixing": {"sample_rate": 16000}}, "16000 Hz"),
        ({"model": {"backbone": "resnet"}}, r"model\.backbone"),
        ({"seed": -1}, "seed must be 0"),
    ],
)
def test_load_recipe_faults_are_one_line_with_file_and_place(tmp_path, values, place):
    path = write(tmp_path, **values)
    with pytest.raises(ConfigError, match=place) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_override_settings_are_checked_too():
    recipe = Recipe(corpora=(Path("a"),))
    assert override(recipe, seed=0, transfer=None, epochs=3).training.epochs == 3
    assert override(recipe, corpora=[Path("b")]).corpora == (Path("b"),)
    with pytest.raises(ConfigError, match="epochs must be"):
        override(recipe, epochs=0)
    with pytest.raises(ConfigError, match="seed"):
        override(recipe, seed=-1)


def test_load_recipe_transfer_without_weights_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="finetuned needs `pretrained`"):
        require_files(Recipe(corpora=(Path("a"),), name="x"))
    with pytest.raises(ConfigError, match=r"none\.pt: no such"):
        require_files(Recipe(corpora=(Path("a"),), pretrained=tmp_path / "none.pt"))
    soft = TrainingConfig(transfer="scratch", soft_targets=SoftTargets(tmp_path / "t.pt"))
    with pytest.raises(ConfigError, match=r"t\.pt: no such teacher"):
        require_files(Recipe(corpora=(Path("a"),), training=soft))


def test_recipe_difference_names_the_place():
    one = Recipe(corpora=(Path("a"),))
    other = override(one, batch_size=8, workers=0)
    assert difference(one, other, ()) == "training.batch_size"
    assert difference(one, override(one, workers=0), ("training.workers",)) is None


def test_load_recipe_of_an_earlier_version_understands_old_names(tmp_path, caplog):
    path = write(tmp_path, goes_on_with="w", training={"start_decay": 0.5, "label_smoothing": 0.0, "epochs": 3})
    recipe = load_recipe(path)
    assert (recipe.init_from, recipe.training.l2_sp, recipe.training.epochs) == (tmp_path / "w", 0.5, 3)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        f"{path}: goes_on_with is now called init_from",
        f"{path}: training.start_decay is now called training.l2_sp",
    ]
    caplog.clear()
    assert load_recipe_as(path, Recipe, quiet=True) == recipe and not caplog.records


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"training": {"label_smoothing": 0.1}}, r"training\.label_smoothing was removed"),
        ({"training": {"trainable_stages": 3}}, r"training\.trainable_stages was removed"),
        ({"training": {"unfreeze_every_epochs": 2}}, r"training\.unfreeze_every_epochs was removed"),
        ({"init_from": "a", "goes_on_with": "b"}, "goes_on_with is the old name of init_from"),
    ],
)
def test_load_recipe_of_an_earlier_version_refuses_what_is_gone(tmp_path, values, reason):
    path = write(tmp_path, **values)
    with pytest.raises(ConfigError, match=reason) as caught:
        load_recipe(path)
    assert str(path) in str(caught.value)


def test_load_recipe_run_folder_of_an_earlier_version_is_read(tmp_path):
    """All settings stood in it, those that were off too."""
    off = {"label_smoothing": 0.0, "unfreeze_every_epochs": 0, "trainable_stages": None, "start_decay": 0.0}
    own = {"recordings": ["r"], "model": "m", "overlay": 0.0, "overlay_db": [-3.0, 6.0]}
    recipe = load_recipe(write(tmp_path, goes_on_with=None, training={**off, "self_training": own}))
    assert recipe.training.self_training == SelfTraining((tmp_path / "r",), tmp_path / "m")
    assert recipe.init_from is None


def test_recipe_labels_are_a_name_or_a_path(tmp_path):
    (tmp_path / "mine.csv").write_text("label\npiano\ndrums\n", encoding="utf-8")
    assert load_recipe(write(tmp_path)).label_set == default_set()
    assert load_recipe(write(tmp_path, labels="irmas11")).label_set == LabelSet.load("irmas11")
    recipe = load_recipe(write(tmp_path, labels="mine.csv"))
    assert recipe.labels == tmp_path / "mine.csv" and recipe.label_set.labels == ("piano", "drums")
    with pytest.raises(ConfigError, match=r"mine\.yaml: labels: no label set 'openmic'.*openmic20"):
        load_recipe(write(tmp_path, labels="openmic"))
    with pytest.raises(ConfigError, match=r"mine\.yaml: labels: .*nowhere\.csv: cannot be read"):
        load_recipe(write(tmp_path, labels="nowhere.csv"))
