"""Segments against annotations: the counts of mir_eval and of frames, tables, the verb."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from organology import cli
from organology.errors import ConfigError
from organology.evaluation.timed import (
    AnnotatedRecordings,
    EventSettings,
    count_cells,
    count_events,
    evaluate_timed,
    is_annotations,
    read_annotations,
)
from organology.evaluation.timed.annotations import joined
from organology.labels import default_set

NONE = np.zeros((0, 2))


def drawn(rng, n):
    """Intervals of one label, without overlap, on a grid of 0.01 s."""
    edges = np.sort(rng.choice(3000, size=2 * n, replace=False)) / 100
    return edges.reshape(-1, 2)


def jittered(rng, intervals):
    """The same with edges moved by up to a second, some missing, some more."""
    moved = intervals + rng.integers(-100, 101, intervals.shape) / 100
    moved = moved[(moved[:, 0] >= 0) & (moved[:, 1] - moved[:, 0] > 0.05) & (rng.random(len(moved)) < 0.8)]
    return joined([tuple(each) for each in [*moved, *drawn(rng, 2)]])


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("share", [None, 0.2, 0.5])
def test_counts_of_segments_are_those_of_mir_eval(seed, share):
    transcription = pytest.importorskip("mir_eval").transcription
    rng = np.random.default_rng(seed)
    reference = drawn(rng, 8)
    estimated = jittered(rng, reference)
    right, false, missed = count_events(reference, estimated, EventSettings(0.5, share))
    pairs = transcription.match_notes(
        reference, np.full(len(reference), 440.0), estimated, np.full(len(estimated), 440.0),
        onset_tolerance=0.5, offset_ratio=share, offset_min_tolerance=0.5,
    )  # fmt: skip
    assert right == len(pairs)
    assert (false, missed) == (len(estimated) - right, len(reference) - right)


@pytest.mark.parametrize("kind", ["cells", "events", "onsets"])
def test_figures_are_those_of_sed_eval(kind):
    given = json.loads((Path(__file__).parent / "fixtures/sed_eval.json").read_text("utf-8"))
    labels = tuple(given["labels"])
    reference, estimated = (
        [{label: np.array(each[label]).reshape(-1, 2) for label in labels} for each in given[name]]
        for name in ("reference", "estimated")
    )
    names = tuple(f"{i}" for i in range(len(reference)))
    result = evaluate_timed(AnnotatedRecordings((), names, labels, tuple(reference)), estimated, n_bootstrap=0)
    assert result.macro[kind]["f1"].value == pytest.approx(given[kind]["macro"]["f_measure"], abs=1e-12)
    for ours, theirs in (("f1", "f_measure"), ("precision", "precision"), ("recall", "recall")):
        assert result.micro[kind][ours].value == pytest.approx(given[kind]["micro"][theirs], abs=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_counts_of_cells_are_those_of_a_finer_grid(seed):
    rng = np.random.default_rng(seed)
    reference = drawn(rng, 6)
    estimated = jittered(rng, reference)

    def seconds(intervals):
        fine = np.zeros(3300, dtype=bool)  # of 0.01 s
        for start, end in np.rint(intervals * 100).astype(int):
            fine[start:end] = True
        return fine.reshape(-1, 100).any(1)

    wanted, found = seconds(reference), seconds(estimated)
    expected = ((wanted & found).sum(), (found & ~wanted).sum(), (wanted & ~found).sum())
    assert count_cells(reference, estimated, 1.0) == expected


@pytest.mark.parametrize(("reference", "estimated", "cells", "events"), [
    (NONE, NONE, (0, 0, 0), (0, 0, 0)),
    (NONE, np.array([[0.0, 2.0]]), (0, 2, 0), (0, 1, 0)),
    (np.array([[0.0, 2.0]]), NONE, (0, 0, 2), (0, 0, 1)),
    (np.array([[1.0, 2.0]]), np.array([[1.0, 2.0]]), (1, 0, 0), (1, 0, 0)),
    # Two annotated ones and two that are found, either of which fits the first: paired so that both count.
    (np.array([[0.0, 1.0], [1.4, 2.0]]), np.array([[0.4, 0.9], [1.0, 2.0]]), (2, 0, 0), (2, 0, 0)),
])  # fmt: skip
def test_counts_of_small_cases(reference, estimated, cells, events):
    assert count_cells(reference, estimated, 1.0) == cells
    assert count_events(reference, estimated, EventSettings()) == events


def recordings(**labels):
    """One recording with the annotations of each label."""
    intervals = ({name: joined(each) for name, each in labels.items()},)
    return AnnotatedRecordings((), ("a",), tuple(labels), intervals)


def test_figures_of_labels_and_their_means():
    truth = recordings(piano=[(0, 2), (5, 8)], violin=[(0, 10)])
    found = [{"piano": np.array([[0.1, 2.0]])}]
    result = evaluate_timed(truth, found, n_bootstrap=0)
    assert result.annotated.tolist() == [2, 1]
    assert result.counts["events"].tolist() == [[1, 0], [0, 0], [1, 1]]
    assert result.per_label["events"]["f1"][0].value == pytest.approx(2 / 3)
    assert result.macro["events"]["f1"].value == pytest.approx(1 / 3)
    assert result.micro["events"]["f1"].value == pytest.approx(2 / 4)
    assert result.per_label["cells"]["recall"][0].value == pytest.approx(2 / 5)


def test_interval_holds_the_value_and_nothing_without_resamples():
    rng = np.random.default_rng(1)
    intervals = [drawn(rng, 5) for _ in range(12)]
    truth = AnnotatedRecordings((), tuple("abcdefghijkl"), ("piano",), tuple({"piano": each} for each in intervals))
    result = evaluate_timed(truth, [{"piano": jittered(rng, each)} for each in intervals], n_bootstrap=200)
    f1 = result.macro["cells"]["f1"]
    assert f1.low < f1.value < f1.high
    assert result.to_dict()["labels"][0]["cells"]["f1"]["value"] == round(f1.value, 6)


def write(folder, text):
    soundfile.write(folder / "a.wav", np.zeros(64_000, np.float32), 32_000)
    (folder / "t.csv").write_text(text, "utf-8")
    return folder / "t.csv"


def test_table_is_read_with_families_and_silent_files(tmp_path):
    soundfile.write(tmp_path / "b.wav", np.zeros(64_000, np.float32), 32_000)
    table = write(tmp_path, "file,start,end,label\na.wav,0,1,violin\na.wav,0.5,2,bowed string\nb.wav,,,\n")
    assert is_annotations(table)
    read = read_annotations(table, None, default_set())
    assert read.labels == ("bowed_string", "violin") and read.names == ("a.wav", "b.wav")
    assert read.intervals[0]["bowed_string"].tolist() == [[0, 2]]
    assert read.intervals[0]["violin"].tolist() == [[0, 1]]
    assert len(read.intervals[1]["violin"]) == 0


@pytest.mark.parametrize(("row", "reason"), [
    ("a.wav,0,1,kazoo orchestra", "line 2"),
    ("a.wav,2,1,violin", "before end"),
    ("a.wav,x,1,violin", "must be seconds"),
    ("a.wav,0,inf,violin", "before end"),
    ("a.wav,0,1,guitar", "several labels"),
    ("b.wav,0,1,violin", "no such file"),
    ("a.wav,,,", "no row names a label"),
])  # fmt: skip
def test_table_at_fault_costs_one_line_that_names_it(tmp_path, row, reason):
    table = write(tmp_path, f"file,start,end,label\n{row}\n")
    with pytest.raises(ConfigError, match=reason) as caught:
        read_annotations(table, None, default_set())
    assert "\n" not in str(caught.value)


def test_columns_of_other_tools_are_known_and_tables_of_labels_are_not_taken(tmp_path):
    table = write(tmp_path, "filename\tonset\n".replace("\t", ",") + "a.wav,1\n")
    assert not is_annotations(table)
    table = write(tmp_path, "filename,onset,offset,event_label\na.wav,0,1,piano\n")
    assert is_annotations(table)
    assert read_annotations(table, tmp_path, default_set()).labels == ("piano",)


def test_verb_writes_segments_of_the_shipped_model(tmp_path):
    table = write(tmp_path, "file,start,end,label\na.wav,0,1,violin\n")
    from organology.recognition.onnx_model import read_model

    (tmp_path / "model.onnx").write_bytes(read_model()[1])
    told = ["evaluate", str(tmp_path / "model.onnx"), str(table), "--out", str(tmp_path / "out"), "--bootstrap", "0"]
    result = CliRunner().invoke(cli.command_line(), told, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "out/segments.json").read_text("utf-8"))
    assert (figures["labels"][0]["cells"]["right"], figures["labels"][0]["cells"]["missed"]) == (0, 1)
    assert "violin" in (tmp_path / "out/segments.md").read_text("utf-8")
