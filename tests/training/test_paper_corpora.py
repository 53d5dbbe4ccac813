"""The paper's way on its four corpora, in the layouts that their publishers have: prepare, pre-train, transfer."""

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

import corpora_trees
import corpora_trees_slakh
from organology.cli import command_line
from organology.corpora.table import read_table
from organology.labels.bradl15 import LABELS
from organology.model import load_checkpoint

SMALL = {"channels": [2, 2, 4, 4, 4, 4, 8]}


def run(*arguments):
    done = CliRunner().invoke(command_line(), list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    place = tmp_path_factory.mktemp("paper")
    corpora_trees.medleydb(place / "in" / "medleydb")
    corpora_trees.mixing_secrets(place / "in" / "mixing-secrets")
    corpora_trees_slakh.slakh(place / "in" / "slakh", seconds=1.0)
    corpora_trees_slakh.jamendo(place / "in" / "jamendo", "audio-low", low=True, seconds=3.0)
    for name in ("medleydb", "mixing-secrets", "slakh"):
        options = ["--split", "song", "--fractions", "0.6,0.4,0", "--jobs", 1]
        command_line_said = CliRunner().invoke(
            command_line(), ["prepare", name, str(place / "in" / name), "--out", str(place / name), *map(str, options)]
        )
        assert "stems" in command_line_said.output, command_line_said.output
    CliRunner().invoke(
        command_line(),
        ["prepare", "jamendo", str(place / "in" / "jamendo"), "--out", str(place / "jamendo"), "--in-place"],
    )
    return place


def test_prepare_by_default_no_artist_is_in_two_splits(prepared, tmp_path):
    for name in ("medleydb", "mixing-secrets", "slakh"):
        CliRunner().invoke(
            command_line(), ["prepare", name, str(prepared / "in" / name), "--out", str(tmp_path / name), "--jobs", "1"]
        )
        splits = read_table(tmp_path / name).group_by("artist").agg(pl.col("split").n_unique())["split"]
        assert splits.max() == 1, name


def test_train_after_pretraining_on_all_corpora_learns(prepared, tmp_path):
    pretraining = {
        "corpora": [str(prepared / "jamendo")],
        "name": "tags",
        "model": SMALL,
        "chunks": {"chunk_seconds": 1.1},
        "training": {"epochs": 1, "batches_per_epoch": 2, "batch_size": 4, "workers": 0, "validation_tracks": 4},
    }
    (tmp_path / "tags.yaml").write_text(yaml.safe_dump(pretraining))
    run("pretrain", tmp_path / "tags.yaml", "--out", tmp_path / "tags")
    network, _ = load_checkpoint(tmp_path / "tags" / "best")
    assert len(network.labels) == 50

    transfer = {
        "corpora": [str(prepared / name) for name in ("medleydb", "mixing-secrets", "slakh")],
        "name": "transfer",
        "pretrained": str(tmp_path / "tags" / "best"),
        "mixing": {"chunk_seconds": 1.1},
        "model": SMALL,
        "training": {
            "epochs": 1, "batches_per_epoch": 3, "batch_size": 4, "workers": 0, "validation_mixtures": 8,
        },
    }  # fmt: skip
    (tmp_path / "transfer.yaml").write_text(yaml.safe_dump(transfer))
    for method in ("scratch", "frozen", "finetuned"):
        run("train", tmp_path / "transfer.yaml", "--transfer", method, "--out", tmp_path / method)
        network, metadata = load_checkpoint(tmp_path / method / "best")
        assert network.labels == LABELS
        told = [name for corpus in metadata.provenance["corpora"] for name in corpus["corpora"]]
        assert told == ["medleydb", "mixing-secrets", "slakh"]
