"""`organology mix`: files that one can listen to, with labels and sources."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from mixing_corpus import TestStem, write_corpus
from organology.cli.corpora import mix
from organology.errors import ConfigError, OrganologyError
from organology.labels import default_set
from organology.mixing import Mixer, MixingConfig, StemPool
from organology.mixing.recipe import load_recipe


@pytest.fixture
def recipe(tmp_path):
    for name in ("one", "two"):
        stems = [TestStem(f"s{i}", w, (w,), split=split) for i, split in enumerate(("train", "test"))
                 for w in ("piano", "violin")]  # fmt: skip
        write_corpus(tmp_path / "prepared" / name, name, stems)
    path = tmp_path / "recipes" / "a.yaml"
    path.parent.mkdir()
    path.write_text(
        "corpora: [../prepared/one, ../prepared/two]\n"
        "mixing: {p_musical: 0.5, chunk_seconds: 1.0, effects: {gain: {probability: 1}}}\n"
        "model: {backbone: mobilenet}\ntraining: {epochs: 3}\n"
    )
    return path


LABELS = default_set().labels


def run(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    mix.register(app)
    result = CliRunner().invoke(app, ["mix", *map(str, arguments)])
    if isinstance(result.exception, OrganologyError):
        raise result.exception
    return result


def test_mix_verb_writes_mixtures_labels_and_sources(recipe, tmp_path):
    out = tmp_path / "out"
    result = run("--recipe", recipe, "-n", 4, "--out", out, "--seed", 5)
    assert result.exit_code == 0, result.output
    assert "4 mixtures" in result.output
    config = MixingConfig(p_musical=0.5, chunk_seconds=1.0, effects=load_recipe(recipe).mixing.effects)
    folders = [tmp_path / "prepared" / name for name in ("one", "two")]
    mixer = Mixer(StemPool.load(folders, "train", config), config, 5)
    rows = list(csv.DictReader((out / "mixtures.csv").open()))
    details = json.loads((out / "sources.json").read_text())
    assert list(rows[0]) == ["file", "strategy", *LABELS]
    for index, (row, detail) in enumerate(zip(rows, details, strict=True)):
        expected = mixer.mix(index)
        audio, rate = soundfile.read(out / row["file"], dtype="float32")
        assert rate == 32_000
        np.testing.assert_array_equal(audio, expected.audio)
        assert [int(row[label]) for label in LABELS] == expected.labels.tolist()
        assert row["strategy"] == detail["strategy"] == expected.strategy
        assert detail["file"] == row["file"] and detail["seed"] == 5 and detail["index"] == index
        assert [s["stem"] for s in detail["sources"]] == [s.stem for s in expected.sources]
        gain = next(e for e in detail["sources"][0]["effects"] if e["name"] == "gain")
        assert 0.25 < gain["parameters"]["amplitude_ratio"] < 4
    assert {path.suffix for path in out.iterdir()} == {".wav", ".csv", ".json"}


def test_mix_verb_corpus_split_format_and_evaluation_are_followed(recipe, tmp_path):
    out = tmp_path / "out"
    corpus = tmp_path / "prepared" / "two"
    choices = ("--split", "test", "--corpus", corpus, "--format", "flac", "--evaluation")
    result = run("-r", recipe, "-n", 3, "-o", out, *choices)
    assert result.exit_code == 0, result.output
    details = json.loads((out / "sources.json").read_text())
    assert len(list(out.glob("*.flac"))) == 3
    assert {s["corpus"] for d in details for s in d["sources"]} == {"two"}
    assert {s["song"] for d in details for s in d["sources"]} == {"s1"}
    assert {d["strategy"] for d in details} == {"musical"}
    assert not [e for d in details for s in d["sources"] for e in s["effects"]]


def test_mix_verb_recipe_paths_are_relative_to_the_recipe(recipe, monkeypatch):
    monkeypatch.chdir(recipe.parent)
    assert all(path.is_dir() for path in load_recipe(recipe).corpora)
    assert all(path.is_dir() for path in load_recipe("a.yaml").corpora)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mixing: {p_musicl: 1}", r"mixing\.p_musicl"),
        ("corpora: 3", "corpora"),
        ("corpora: []", "no corpora"),
        ("corpora: [nowhere]", "nowhere"),
        ("mixing: [", "bad.yaml"),
    ],
)
def test_mix_verb_bad_recipes_cost_one_line(tmp_path, text, reason):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(OrganologyError, match=reason) as caught:
        run("-r", path, "-o", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_mix_verb_unknown_format_is_one_line(recipe, tmp_path):
    with pytest.raises(ConfigError, match="--format must be wav or flac, got mp3"):
        run("-r", recipe, "-o", tmp_path, "--format", "mp3")
