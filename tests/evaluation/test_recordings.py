"""Labelled recordings: the forms of labels, and `organology evaluate` on them."""

from __future__ import annotations

import csv
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from organology import cli
from organology.errors import AudioError, ConfigError
from organology.evaluation import evaluate
from organology.evaluation.recordings import read_recordings, score_recordings
from organology.evaluation.recordings.labelled import through
from organology.labels import LabelSet, default_set

CLIPS = Path(__file__).parents[2].parent / "shared/dev_clips"
MODEL = Path(cli.__file__).parents[1] / "recognition/models/organology.onnx"
RATE = 32_000


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def columns(recordings, *labels):
    return recordings.targets[:, [recordings.label_set.index(label) for label in labels]].tolist()


def test_csv_columns_go_by_any_name_of_a_label(tmp_path):
    write(tmp_path, "a.wav", "b.wav", "c.wav")
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,bowed string,electric_guitar,keys,dataset,group\na.wav,1,0,,x,g\nb.wav,0,1.0,-1,x,g\nc.wav,,,1,x,\n",
        "utf-8",
    )
    read = read_recordings(table, tmp_path, default_set())
    assert columns(read, "bowed_string", "electric_guitar", "key") == [[1, 0, -1], [0, 1, -1], [-1, -1, 1]]
    assert columns(read, "voice") == [[-1]] * 3
    assert read.groups.tolist() == ["g", "g", "c.wav"]


def test_csv_column_that_takes_in_several_labels_only_tells_their_absence(tmp_path):
    write(tmp_path, "a.wav", "b.wav", "c.wav")
    table = tmp_path / "labels.csv"
    table.write_text("file,guitar,acoustic guitar\na.wav,1,\nb.wav,0,\nc.wav,1,1\n", "utf-8")
    read = read_recordings(table, None, default_set())
    assert columns(read, "electric_guitar", "acoustic_guitar") == [[-1, -1], [0, -1], [-1, 1]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,piano\nx.wav,1\n", "x.wav: no such file"),
        ("file,piano\na.wav,yes\n", "a.wav: piano must be 1, 0 or empty, got 'yes'"),
        ("name,piano\na.wav,1\n", "no column `file`"),
        ("file,kazoo\na.wav,1\n", "no column is a label"),
        ("file,piano,pianos\na.wav,1,1\n", "'piano' and 'pianos' are one label"),
        ("file,piano\n", "no rows"),
    ],
)
def test_csv_with_a_fault_is_one_line(tmp_path, text, reason):
    write(tmp_path, "a.wav")
    (tmp_path / "labels.csv").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=reason):
        read_recordings(tmp_path / "labels.csv", tmp_path, default_set())


def test_openmic_as_published_gives_three_values_and_groups_by_track(tmp_path):
    write(tmp_path, "audio/000/000046_3840.ogg", "audio/000/000046_9600.ogg")
    table = tmp_path / "openmic-2018-aggregated-labels.csv"
    rows = ["sample_key,instrument,relevance,num_responses", "000046_3840,piano,0.9,3", "000046_3840,voice,0.1,3"]
    table.write_text("\n".join([*rows, "000046_9600,violin,0.5,3", "000046_9600,clarinet,0.0,3"]) + "\n", "utf-8")
    read = read_recordings(table, tmp_path / "audio", LabelSet.load("openmic20"))
    assert columns(read, "piano", "voice", "violin", "clarinet") == [[1, 0, -1, -1], [-1, -1, 1, 0]]
    assert read.groups.tolist() == ["000046", "000046"]
    ours = read_recordings(table, tmp_path / "audio", default_set())
    assert columns(ours, "piano", "voice", "violin", "woodwind") == [[1, 0, -1, -1], [-1, -1, 1, -1]]
    table.write_text("\n".join([*rows, "000046_9600,kazoo,1,3"]), "utf-8")
    with pytest.raises(ConfigError, match=r"000046_9600: .*kazoo"):
        read_recordings(table, tmp_path / "audio", default_set())


def test_irmas_test_data_as_published_have_every_instrument_decided(tmp_path):
    write(tmp_path, "Part1/Song-1.wav", "Part1/Song-2.wav", "Part2/Other-7.wav")
    for name, codes in (("Part1/Song-1", "gel\nvoi\n"), ("Part1/Song-2", "voi\t\r\n"), ("Part2/Other-7", "pia")):
        (tmp_path / f"{name}.txt").write_text(codes, "utf-8")
    read = read_recordings(tmp_path, None, LabelSet.load("irmas11"))
    assert columns(read, "electric_guitar", "piano") == [[1, 0], [0, 0], [0, 1]]
    assert (read.targets >= 0).all() and read.targets.sum() == 4
    assert read.groups.tolist() == ["Song", "Song", "Other"]
    (tmp_path / "Part1/Song-1.txt").write_text("kaz", "utf-8")
    with pytest.raises(ConfigError, match="'kaz' is no instrument of IRMAS"):
        read_recordings(tmp_path, None, LabelSet.load("irmas11"))


def test_targets_through_another_set_are_absent_only_where_all_within_is():
    source = LabelSet("fine", ("electric_guitar", "acoustic_guitar", "violin"))
    wanted = LabelSet("coarse", ("guitar", "violin", "piano"))
    given = np.array([[1, -1, 0], [0, 0, 1], [0, -1, -1]], np.int8)
    assert through(wanted, source, given).tolist() == [[1, 0, -1], [0, 1, -1], [-1, -1, -1]]


def test_labels_with_few_present_are_left_out_of_the_means_only():
    rng = np.random.default_rng(0)
    targets = (rng.random((60, 2)) < 0.5).astype(np.int8)
    targets[:, 1] = np.arange(60) < 4
    scores = rng.random((60, 2))
    result = evaluate(targets, scores, n_bootstrap=0, labels=("often", "rare"), fewest_present=5)
    assert result.left_out == ("rare",)
    assert np.isfinite(result.labels[1].roc_auc.value)
    assert result.macro["roc_auc"].value == pytest.approx(result.labels[0].roc_auc.value)
    assert result.decisions["best single"].macro["f1"].value == pytest.approx(result.decisions["best single"].f1[0])


def test_recordings_that_cannot_be_read_are_left_out(tmp_path):
    write(tmp_path, "a.wav", "b.wav")
    (tmp_path / "labels.csv").write_text("file,piano\na.wav,1\nb.wav,0\n", "utf-8")
    read = read_recordings(tmp_path / "labels.csv", tmp_path, default_set())

    def scores(path: Path) -> np.ndarray:
        if path.name == "a.wav":
            raise AudioError(f"{path}: no sound")
        return np.full(15, 0.25)

    found = score_recordings(read, scores)
    assert found.recordings.names == ("b.wav",)
    assert found.scores.tolist() == [[0.25] * 15]
    assert [str(error) for error in found.errors] == [f"{tmp_path / 'a.wav'}: no sound"]
    with pytest.raises(ConfigError, match="none of 1 recording can be read"):
        score_recordings(read_recordings_of_a(tmp_path), scores)


def read_recordings_of_a(folder: Path):
    (folder / "one.csv").write_text("file,piano\na.wav,1\n", "utf-8")
    return read_recordings(folder / "one.csv", folder, default_set())


def run(*arguments: object, status: int = 0) -> str:
    result = CliRunner().invoke(cli.command_line(), ["evaluate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


def test_command_line_scores_a_model_file_as_recognize_does(tmp_path):
    rng = np.random.default_rng(1)
    for i in range(6):
        seconds = 3 + i % 3
        soundfile.write(tmp_path / f"{i}.wav", 0.1 * rng.standard_normal(seconds * RATE), RATE)
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    rows = [f"{i}.wav,{i % 2},{i // 2}" for i in range(6)]
    (tmp_path / "labels.csv").write_text("file,piano,group\n" + "\n".join([*rows, "bad.wav,1,9"]) + "\n", "utf-8")
    out = tmp_path / "out"
    said = run(
        MODEL,
        tmp_path / "labels.csv",
        tmp_path,
        "--out",
        out,
        "--labels",
        "bradl15",
        "--bootstrap",
        20,
        "--fewest-present",
        1,
        status=1,
    )
    assert "6 recordings of 3 groups" in said and "bad.wav" in said
    told = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert (told["n_items"], told["n_groups"], told["unreadable"]) == (6, 3, 1)
    assert list(told["decisions"]) == ["model", "best single"]
    from organology import Recognizer

    with (out / "predictions.csv").open(newline="") as file:
        predicted = list(csv.DictReader(file))
    expected = Recognizer(MODEL, labels="bradl15").recognize(tmp_path / "4.wav").file_scores
    assert [float(predicted[4][label]) for label in default_set().labels] == pytest.approx(expected.tolist(), abs=1e-6)
    assert "| piano |" in (out / "evaluation.md").read_text("utf-8")


def test_checkpoint_scores_files_as_its_model_file_does(tmp_path):
    from organology import Recognizer
    from organology.evaluation.recordings import of_windows
    from organology.recognition.onnx_model import ModelFile

    rng = np.random.default_rng(2)
    soundfile.write(tmp_path / "a.wav", 0.1 * rng.standard_normal(9 * RATE), RATE)
    model = ModelFile(MODEL)
    about = model.metadata
    seconds = about.window_frames / about.sample_rate
    scores = of_windows(model.scores, about.label_set, about.sample_rate, seconds, 1.0, about.pooling)
    recognizer = Recognizer(MODEL)
    expected = recognizer.recognize(tmp_path / "a.wav", 1.0).file_scores
    ours = dict(zip(about.label_set.labels, scores(tmp_path / "a.wav"), strict=True))
    leaves = [label for label in recognizer.label_set.labels if label not in about.label_set.parents.values()]
    assert len(leaves) > 5
    for label in leaves:
        assert ours[label] == pytest.approx(expected[recognizer.label_set.index(label)], abs=1e-5), label


def test_command_line_scores_a_checkpoint_folder(tmp_path):
    pytest.importorskip("torch")
    from organology.model import InstrumentNet, ModelConfig, save_checkpoint
    from organology.model_metadata import ModelMetadata

    network = InstrumentNet(ModelConfig(channels=(4, 4, 4, 4, 4, 4, 4))).eval()
    save_checkpoint(tmp_path / "model", network, ModelMetadata(network.label_set, (0.5,) * 15))
    rng = np.random.default_rng(3)
    for i in range(4):
        soundfile.write(tmp_path / f"{i}.wav", 0.1 * rng.standard_normal(5 * RATE), RATE)
    (tmp_path / "labels.csv").write_text("file,piano\n" + "".join(f"{i}.wav,{i % 2}\n" for i in range(4)), "utf-8")
    said = run(tmp_path / "model", tmp_path / "labels.csv", "--bootstrap", 0, "--fewest-present", 1)
    assert "4 recordings of 4 groups" in said
    told = json.loads((tmp_path / "model-labels/evaluation.json").read_text("utf-8"))
    assert told["macro"]["roc_auc"]["value"] is not None


@pytest.mark.skipif(not CLIPS.is_dir(), reason="no ../shared")
def test_development_set_is_scored_as_its_own_script_does(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    out = tmp_path / "out"
    run(
        MODEL,
        CLIPS / "labels.csv",
        CLIPS / "clips",
        "--out",
        out,
        "--bootstrap",
        0,
        "--workers",
        2,
        "--labels",
        "bradl15",
    )
    told = json.loads((out / "evaluation.json").read_text("utf-8"))
    monkeypatch.setattr(sys, "argv", ["score.py", str(CLIPS / "labels.csv"), str(out / "predictions.csv")])
    theirs = runpy.run_path(str(CLIPS / "score.py"))
    capsys.readouterr()
    macro = theirs["macro"](theirs["L"], theirs["P"], theirs["names"])
    assert [told["macro"][name]["value"] for name in ("roc_auc", "pr_auc")] == pytest.approx(macro, abs=1e-6)
    for label in told["labels"]:
        name = label["label"].replace("_", " ")
        alone = theirs["macro"](theirs["L"], theirs["P"], [name])
        assert [label[metric]["value"] for metric in ("roc_auc", "pr_auc")] == pytest.approx(alone, abs=1e-6)
