"""Recognition with label sets other than the default: models of any set, and views of a model's set."""

import json
import pickle
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from organology import Recognition, Recognizer, audio
from organology.errors import ConfigError, ModelError
from organology.labels import LabelSet, default_set
from organology.recognition.onnx_model import ModelFile
from organology.recognition.serialization import schema
from organology.recognition.thresholds import resolve_thresholds
from tiny_model import RATE, build, frequency, metadata

DEEP = LabelSet(
    "deep",
    ("kazoo", "violin", "bowed_string", "string"),
    parents={"violin": "bowed_string", "bowed_string": "string"},
    display={"string": "all strings"},
)


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    about = metadata(label_set=DEEP, thresholds=(0.5, 0.4, 0.6, 0.9))
    return build(tmp_path_factory.mktemp("model") / "deep.onnx", about)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build(tmp_path_factory.mktemp("model") / "tiny.onnx")


def tone(*labels, of=default_set().labels, seconds=5):
    t = np.arange(seconds * RATE) / RATE
    return audio.from_array(sum(0.3 * np.sin(2 * np.pi * frequency(label, of) * t) for label in labels), RATE)


def test_recognize_model_of_a_deep_set_raises_all_its_parents(deep):
    recognition = Recognizer(deep, threads=1).recognize(tone("violin", of=DEEP.labels))
    assert recognition.label_set == DEEP and recognition.labels == DEEP.labels
    assert recognition.instruments == ["violin", "bowed_string", "string"]
    assert recognition.scores[:, 3] == pytest.approx(recognition.scores[:, 1])
    assert recognition.order() == ("kazoo", "string", "bowed_string", "violin")
    assert [DEEP.depth(label) for label in recognition.order()] == [0, 0, 1, 2]
    assert {segment.label for segment in recognition.segments} == {"violin", "bowed_string", "string"}


@pytest.mark.parametrize("timeline", [False, True])
def test_json_of_another_set_carries_it_there_and_back(deep, timeline):
    recognition = Recognizer(deep, threads=1).recognize(tone("violin", of=DEEP.labels))
    text = recognition.to_json(timeline, decimals=None)
    jsonschema.validate(json.loads(text), schema(), cls=jsonschema.Draft202012Validator)
    read = Recognition.from_json(text)
    assert read.label_set == DEEP and read.to_json(timeline, decimals=None) == text
    assert [row["family"] for row in json.loads(text)["labels"]] == [None, "string", "string", None]
    assert read.only(["kazoo"]).label_set == DEEP


def test_json_of_the_default_set_names_no_set(tiny):
    recognition = Recognizer(tiny, threads=1).recognize(tone("violin"))
    assert "label_set" not in recognition.to_dict()


def test_json_of_the_default_set_with_another_label_is_refused_by_the_schema(tiny):
    line = json.loads(Recognizer(tiny, threads=1).recognize(tone("violin")).to_json())
    jsonschema.validate(line, schema(), cls=jsonschema.Draft202012Validator)
    line["labels"][0]["label"] = "kazoo"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line, schema(), cls=jsonschema.Draft202012Validator)


def test_recognizer_view_gives_the_highest_score_and_lowest_threshold(tmp_path):
    thresholds = tuple(np.linspace(0.2, 0.9, 15))
    model = build(tmp_path / "m.onnx", metadata(thresholds=thresholds))
    recognizer = Recognizer(model, threads=1, labels="openmic20")
    assert "accordion" in recognizer.missing and "guitar" in recognizer.label_set.labels
    assert {*recognizer.missing, *recognizer.label_set.labels} == set(LabelSet.load("openmic20").labels)
    recognition = recognizer.recognize(tone("acoustic_guitar"))
    whole = Recognizer(model, threads=1).recognize(tone("acoustic_guitar"))
    assert recognition.instruments == ["guitar"]
    assert recognition.score("guitar") == whole.score("acoustic_guitar")
    index = default_set().index
    expected = min(thresholds[index("electric_guitar")], thresholds[index("acoustic_guitar")])
    assert recognition.thresholds[recognition.labels.index("guitar")] == pytest.approx(expected)
    assert Recognition.from_json(recognition.to_json()).instruments == ["guitar"]


def test_recognizer_view_of_a_set_that_the_model_cannot_tell_is_refused(tiny, tmp_path):
    with pytest.raises(ModelError, match="can tell no label of kazoos"):
        Recognizer(tiny, labels=LabelSet("kazoos", ("kazoo",)))
    with pytest.raises(ConfigError, match="did you mean openmic20"):
        Recognizer(tiny, labels="openmic2")
    (tmp_path / "own.tsv").write_text("label\nviolin\npiano\n")
    assert Recognizer(tiny, labels=tmp_path / "own.tsv").label_set.labels == ("violin", "piano")


def test_recognizer_pickled_gives_the_same_scores(tiny):
    for labels in (None, "openmic20"):
        recognizer = Recognizer(tiny, threads=1, labels=labels)
        copy = pickle.loads(pickle.dumps(recognizer))
        assert copy.digest == recognizer.digest and copy.label_set == recognizer.label_set
        ours, theirs = (one.recognize(tone("violin")) for one in (recognizer, copy))
        np.testing.assert_array_equal(ours.scores, theirs.scores)


def test_recognizer_pickled_before_its_model_changed_is_refused(tmp_path):
    path = build(tmp_path / "m.onnx")
    pickled = pickle.dumps(Recognizer(path, threads=1))
    build(path, metadata(name="another"))
    with pytest.raises(ModelError, match="got another content"):
        pickle.loads(pickled)


def test_recognizer_left_as_a_context_manager_is_closed(tiny):
    with Recognizer(tiny, threads=1) as recognizer:
        assert recognizer.recognize(tone("violin")).instruments == ["bowed_string", "violin"]
    with pytest.raises(ModelError, match="closed"):
        recognizer.recognize(tone("violin"))


def test_model_file_is_read_once(tiny, monkeypatch):
    reads = []
    real = type(tiny).read_bytes
    monkeypatch.setattr(type(tiny), "read_bytes", lambda path: reads.append(path) or real(path))
    assert len(ModelFile(tiny).digest) == 64 and len(reads) == 1


def test_segments_of_something_that_is_no_label_says_so(tiny):
    recognition = Recognizer(tiny, threads=1).recognize(tone("violin"))
    for ask in (recognition.segments_of, recognition.score):
        with pytest.raises(ValueError, match=r"not a label of bradl15: 'violn'; did you mean violin\?"):
            ask("violn")
        with pytest.raises(ValueError, match="'flute'"):
            ask("flute")
    with pytest.raises(ValueError, match="'piano' is not one of the labels here: violin"):
        recognition.only(["violin"]).segments_of("piano")


def test_only_takes_words_that_mean_several_labels(tiny):
    recognition = Recognizer(tiny, threads=1).recognize(tone("violin"))
    assert recognition.only(["guitars", "keys"]).labels == ("key", "electric_guitar", "acoustic_guitar")
    with pytest.raises(ValueError, match="cello"):
        recognition.only(["cello"])


def test_without_brief_leaves_out_segments_of_labels_that_do_not_play(tiny):
    scores = {"violin": 0.9, "bowed_string": 0.9, "piano": 0.4, "key": 0.4}
    file_scores = np.array([scores.get(label, 0) for label in default_set().labels], np.float32)
    windows = np.tile(file_scores, (8, 1))
    windows[:2, default_set().index("piano")] = windows[:2, default_set().index("key")] = 0.8
    starts = np.arange(8.0)
    whole = Recognition("a.wav", 11.0, starts, starts + 4, windows, file_scores, np.full(15, 0.5), 1.0)
    assert whole.segments_of("piano") and "piano" not in whole.instruments
    assert whole.brief == ["key", "piano"]
    assert not replace(whole, file_scores=np.where(file_scores == np.float32(0.4), 0.2, file_scores)).brief
    part = whole.without_brief()
    assert not part.segments_of("piano") and part.segments_of("violin") == whole.segments_of("violin")
    assert part.instruments == whole.instruments and part.without_brief() is part


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, [0.5, 0.5, 0.5]),
        (0.2, [0.2, 0.2, 0.2]),
        ([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]),
        ({"guitar": 0.3}, [0.3, 0.3, 0.5]),
        ({"acoustic guitar": 0.1, "guitars": 0.3}, [0.3, 0.1, 0.5]),
    ],
)
def test_resolve_thresholds_by_label_and_word(given, expected):
    label_set = LabelSet("three", ("electric_guitar", "acoustic_guitar", "piano"))
    assert resolve_thresholds(label_set, [0.5] * 3, given).tolist() == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (2.0, "between 0 and 1, got 2"),
        (float("nan"), "between 0 and 1"),
        ([0.5] * 3, "one for each of 15 labels, got 3"),
        ({"violn": 0.5}, "did you mean violin"),
    ],
)
def test_resolve_thresholds_of_something_else_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        resolve_thresholds(default_set(), [0.5] * 15, given)
