"""The recipes in the package: names, and paths relative to the working folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from organology import recipes
from organology.cli import command_line
from organology.errors import ConfigError


def said(*arguments):
    return CliRunner().invoke(command_line(), ["recipes", *arguments])


def test_recipes_list_names_each_with_what_it_is():
    lines = said("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(recipes.names())
    assert all(len(line.split(maxsplit=1)[1]) > 20 for line in lines)
    assert {"paper", "demo", "own_stems", "bradl2023/table1"} <= set(recipes.names())


def test_recipes_show_prints_the_file():
    assert said("show", "demo").stdout == (recipes.FOLDER / "demo.yaml").read_text("utf-8")
    missing = said("show", "demmo")
    assert missing.exit_code == 1 and "did you mean demo?" in str(missing.exception)


def test_file_of_a_name_that_is_a_file_here_is_that_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recipes.file_of("paper") == recipes.FOLDER / "paper.yaml"
    assert recipes.file_of("recipes/shipped/shipped.yaml") == recipes.FOLDER / "shipped/shipped.yaml"
    Path("paper").write_text("corpora: []")
    assert recipes.file_of("paper") == Path("paper")
    assert recipes.file_of("mine.yaml") == Path("mine.yaml")
    with pytest.raises(ConfigError, match="no such file, and no recipe"):
        recipes.file_of("../recipes/paper")


def test_recipe_of_the_package_begins_its_paths_here_and_a_copy_means_the_same(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from organology.training import load_recipe

    monkeypatch.chdir(tmp_path)
    recipe = load_recipe("demo")
    assert recipe.corpora == (Path("build/starter"),) and recipe.name == "demo"
    Path("demo.yaml").write_text(said("show", "demo").stdout)
    assert load_recipe("demo.yaml") == recipe


def test_experiment_of_the_package_finds_its_bases_and_begins_its_corpora_here(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from organology.reproduce.recipe import find_recipe, load_experiment

    monkeypatch.chdir(tmp_path)
    recipe = load_experiment(find_recipe("table1"), "demo")
    assert recipe.setup.corpora == (Path("build/starter"),)
    assert recipe.pretraining.recipe.resolve() == (recipes.FOLDER / "demo_pretraining.yaml")
    Path("in").mkdir()
    Path("in/mine.yaml").write_text("base: bradl2023/setup\nexperiment: sweep\n")
    own = load_experiment("in/mine.yaml", "demo")
    assert own.setup.corpora == recipe.setup.corpora
