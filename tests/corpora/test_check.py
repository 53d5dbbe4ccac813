"""organology corpus check and list: sources told by their tree, prepared folders, what is missing."""

import json

import pytest
import typer
from typer.testing import CliRunner

from corpora_trees_slakh import jamendo, prepare_tags, slakh
from organology.cli.corpora import corpus as verb
from organology.corpora.checking.check import check, detect
from organology.corpora.prepare import prepare
from organology.corpora.readers.jamendo import TAGS
from organology.corpora.registry import CORPORA, find
from organology.errors import CorpusError


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trees")
    slakh(folder / "slakh", "original_wav", seconds=1.2)
    jamendo(folder / "jamendo", "audio-low", low=True, seconds=1.5)
    return folder


def run(*arguments):
    app = typer.Typer()
    verb.register(app)
    return CliRunner().invoke(app, ["corpus", *map(str, arguments)])


def labels(result, split, label):
    return result.splits[split]["labels"][label]


def test_detect_by_tree_names_the_corpus(trees, tmp_path):
    assert detect(trees / "slakh") == ("slakh", "source")
    assert detect(trees / "jamendo") == ("jamendo", "source")
    assert detect(trees / "slakh" / "train" / "Track00001" / "stems") == ("stems", "source")
    with pytest.raises(CorpusError, match=r"neither a prepared corpus nor one of stems, .*slakh.*, jamendo"):
        detect(tmp_path)
    with pytest.raises(CorpusError, match="no such folder"):
        detect(tmp_path / "gone")


def test_check_source_counts_songs_stems_and_labels(trees):
    result = check(trees / "slakh")
    assert result.complete and (result.corpus, result.form, result.holds) == ("slakh", "source", "stems")
    assert (result.total["songs"], result.total["stems"], result.total["artists"]) == (6, 13, 5)
    assert result.total["minutes"] == pytest.approx(13 * 1.2 / 60, abs=0.01)
    assert sum(labels(result, split, "drums")["stems"] for split in result.splits) == 2
    assert sum(labels(result, split, "electric_guitar")["songs"] for split in result.splits) == 1
    assert result.licences == {"CC BY 4.0": 13}
    assert result.masked["22 as transistor_compact"] == {"stems": 1, "unknown": ["synth"]}
    assert len([issue for issue in result.issues if issue.severity == "dropped"]) == 3
    assert check(trees / "slakh", minutes=False).total["minutes"] is None


def test_check_missing_and_broken_audio_is_named(tmp_path):
    slakh(tmp_path / "s")
    gone = tmp_path / "s/train/Track00004/stems/S00.flac"
    gone.unlink()
    (tmp_path / "s/test/Track01876/stems/S01.flac").write_bytes(b"")
    result = check(tmp_path / "s")
    failed = {issue.place: issue.reason for issue in result.issues if issue.severity == "failed"}
    assert failed == {"train/Track00004/stems/S00.flac": "no such file", "test/Track01876/stems/S01.flac": "empty file"}
    assert not result.complete and result.total["stems"] == 11


def test_check_prepared_stems_count_as_their_source(trees, tmp_path):
    prepare(find("slakh").corpus(), trees / "slakh", tmp_path / "out")
    source, result = check(trees / "slakh"), check(tmp_path / "out")
    assert (result.corpus, result.form, result.seconds) == ("slakh", "prepared", "sounding") and result.complete
    for split in source.splits:
        for label in source.splits[split]["labels"]:
            one, other = labels(source, split, label), labels(result, split, label)
            assert {**one, "minutes": 0} == {**other, "minutes": 0}
            assert one["minutes"] == pytest.approx(other["minutes"], abs=0.02)
    assert result.masked == source.masked
    next((tmp_path / "out/audio").rglob("*.flac")).unlink()
    (tmp_path / "out/report.json").unlink()
    result = check(tmp_path / "out")
    assert [issue.severity for issue in result.issues] == ["note", "failed"] and not result.complete


def test_check_tagging_corpus_counts_as_what_is_prepared_of_it(trees, tmp_path):
    source = check(trees / "jamendo")
    assert source.holds == "tags" and source.total["songs"] == 6 and source.complete
    assert labels(source, "train", "genre---rock") == {
        "songs": 2, "stems": 2, "artists": 2, "minutes": pytest.approx(0.05)
    }  # fmt: skip
    assert list(source.splits["test"]["labels"]) == list(TAGS)
    assert source.licences["CC BY-NC 3.0"] == 1
    prepare_tags("jamendo", trees / "jamendo", tmp_path / "out", in_place=True)
    result = check(tmp_path / "out")
    assert (result.form, result.total["songs"]) == ("prepared", 6)
    assert [labels(result, "train", tag)["songs"] for tag in TAGS] == [
        labels(source, "train", tag)["songs"] for tag in TAGS
    ]


def test_corpus_check_verb_prints_and_writes_json(trees, tmp_path):
    done = run("check", trees / "slakh", trees / "jamendo")
    assert done.exit_code == 0, done.output
    assert "6 songs, 13 stems, 5 artists, 0.3 minutes (audio)" in done.output
    assert "6 tracks, 6 artists" not in done.output and "6 tracks, 5 artists" in done.output
    assert "masked: word" in done.output and "same MIDI file as Track00004" in done.output
    done = run("check", "--json", trees / "slakh", tmp_path / "gone")
    assert done.exit_code == 1
    values = json.loads(done.stdout)
    assert values[0]["corpus"] == "slakh" and values[0]["total"]["stems"] == 13 and values[0]["complete"]
    assert "gone: no such folder" in done.stderr


def test_corpus_check_verb_many_issues_of_a_kind_share_a_line(tmp_path):
    slakh(tmp_path)
    for file in tmp_path.rglob("S01.flac"):
        file.unlink()
    done = run("check", "--no-minutes", tmp_path)
    assert done.exit_code == 1
    assert "failed: 5 times: no such file (train/Track00001/stems/S01.flac, " in done.output
    assert run("check", "--no-minutes", "--all", tmp_path).output.count("no such file") == 5


def test_corpus_list_verb_names_all_corpora():
    done = run("list")
    names = set(CORPORA)
    assert {"stems", "slakh", "jamendo"} <= names
    assert done.exit_code == 0 and all(f"{name}: " in done.output for name in names)
    assert "zenodo.org/records/4599666" in done.output
    done = run("list", "slakh")
    assert "Manilow" in done.output and "metadata.yaml" in done.output and "jamendo" not in done.output
    rows = json.loads(run("list", "--json").output)
    assert {row["name"]: row["holds"] for row in rows}["jamendo"] == "tags"
    assert run("list", "nothing").exit_code == 1
