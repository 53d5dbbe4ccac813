"""Timelines by scores of frames: edges, streaming, presets, tentative labels, and what is written of them."""

import json
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organology import Recognition, Recognizer, audio
from organology.errors import ModelError
from organology.labels import default_set
from organology.model_metadata import FrameSettings, ModelMetadata
from organology.recognition import SegmentSettings, inference
from organology.recognition.frame_grid import FrameGrid, LevelMeter
from organology.recognition.frames import Frames, frame_segments, level_steps, logit_steps
from organology.recognition.serialization import schema
from tiny_model import RATE, build, frame_metadata, frequency, metadata

LABELS = default_set().labels
STRICT, SENSITIVE = (0.9,) * 15, (0.2,) * 15


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    about = frame_metadata(presets={"strict": STRICT, "sensitive": SENSITIVE}, tentative=("acoustic_guitar", "singer"))
    return build(tmp_path_factory.mktemp("model") / "frames.onnx", about)


@pytest.fixture(scope="module")
def recognizer(model):
    return Recognizer(model, threads=1, labels="all")


def play(parts, seconds, rate=RATE, amplitude=0.3):
    t = np.arange(round(seconds * rate)) / rate
    mixture = np.zeros_like(t)
    for label, spans in parts.items():
        for start, end in spans:
            mixture += amplitude * np.sin(2 * np.pi * frequency(label) * t) * (t >= start) * (t < end)
    return mixture.astype(np.float32)


MUSIC = play({"piano": [(0, 20)], "violin": [(3.3, 7.1), (11.7, 20)], "singer": [(8.05, 9.95)]}, 20)


def places(recognition, label):
    return [(segment.start, segment.end) for segment in recognition.segments_of(label)]


def same(left, right):
    for name in ("starts", "ends", "scores", "file_scores", "thresholds"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), name)
    np.testing.assert_array_equal(left.frames.logits, right.frames.logits)
    np.testing.assert_array_equal(left.frames.levels, right.frames.levels)
    assert left.segments == right.segments and left.segment_settings == right.segment_settings
    assert left.frames.settings == right.frames.settings


def test_frames_of_tones_put_edges_where_they_are(recognizer):
    recognition = recognizer.recognize(MUSIC, sr=RATE)
    assert recognition.hop_seconds == pytest.approx(1.92)
    for label, expected in {"piano": [(0, 20)], "violin": [(3.3, 7.1), (11.7, 20)], "singer": [(8.05, 9.95)]}.items():
        assert np.abs(np.array(places(recognition, label)) - expected).max() <= 0.4, label
    assert places(recognition, "voice") == places(recognition, "singer")
    grid = np.round(np.array([place for label in LABELS for place in places(recognition, label)]) * 10, 6)
    np.testing.assert_array_equal(grid, np.round(grid))


def test_frames_of_late_sound_begin_with_it(recognizer):
    for start in (5.0, 5.7):
        (found,) = places(recognizer.recognize(play({"brass": [(start, 15)]}, 15), sr=RATE), "brass")
        assert start - 0.1 <= found[0] <= start + 0.3 and found[1] == 15
    assert not recognizer.recognize(np.zeros(10 * RATE, np.float32), sr=RATE).segments


@pytest.mark.parametrize("seconds", [0.00001, 0.05, 0.5, 3.9, 4.0, 4.01, 5.92, 7.77])
def test_frames_of_any_length_end_with_the_file(recognizer, seconds):
    recognition = recognizer.recognize(play({"key": [(0, 9)]}, max(seconds, 1 / RATE)), sr=RATE)
    duration = recognition.duration
    assert recognition.activity.edges[-1] == duration and (np.diff(recognition.activity.edges) > 0).all()
    assert len(recognition.frames.times) == int(duration / 0.32 + 1e-6) + 1
    assert len(recognition.frames.levels) == max(1, int(np.ceil(duration * 10 - 1e-6)))
    if seconds >= 0.05:
        assert places(recognition, "key") == [(0, duration)]


@settings(deadline=None, max_examples=15)
@given(
    rate=st.sampled_from([8_000, 32_000, 44_100]),
    hop=st.sampled_from([None, 0.5, 3.0, 7.0]),
    threads=st.sampled_from([1, 3]),
    batch=st.sampled_from([1, 5]),
    block=st.integers(100, 200_000),
)
def test_frames_do_not_depend_on_threads_batches_and_blocks(model, rate, hop, threads, batch, block):
    samples = play({"piano": [(0, 4)], "violin": [(6.1, 9)]}, 13.37, rate)
    expected = Recognizer(model, threads=1).recognize(samples, hop, sr=rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "BATCH_WINDOWS", batch)
        got = Recognizer(model, threads=threads).recognize(audio.from_array(samples, rate, block_frames=block), hop)
    np.testing.assert_array_equal(got.frames.levels, expected.frames.levels)
    assert np.abs(got.frames.logits.astype(int) - expected.frames.logits).max() <= 1  # rounding of the model itself
    if batch == 1:
        same(got, expected)


def test_frames_with_windows_far_apart_cover_the_file(recognizer):
    recognition = recognizer.recognize(play({"brass": [(0, 40)]}, 40), 15, sr=RATE)
    assert places(recognition, "brass") == [(0, 40)]


def test_frame_grid_interpolates_and_averages_windows():
    about = FrameSettings((0.0,), (0.0,), seconds=1.0)
    grid = FrameGrid(about, 10, 1)

    def scores(*logits):
        return 1 / (1 + np.exp(-np.array(logits)))[:, None]

    grid.add(0, 40, scores(0, 1, 2, 3, 4))
    grid.add(15, 55, scores(4, 4, 4, 4, 4))  # between instants
    grid.add(25, 65, None)  # silent
    grid.add(90, 130, scores(-5, -5, -5, -5, -5))
    logits = grid.frames(np.zeros(1, np.uint8)).logits[:, 0] * 0.1 - 12
    np.testing.assert_allclose(logits, [0, 1, 3, 3.5, 4, 4, -12, -12, -5, -5, -5, -5, -5, -5], atol=1e-9)


def test_frame_grid_memory_is_flat():
    def peak(n_windows):
        grid = FrameGrid(frame_metadata().frames, RATE, 15)
        window = np.full((13, 15), 0.3, np.float32)
        tracemalloc.start()
        for i in range(n_windows):
            grid.add(i * 61_440, i * 61_440 + 128_000, window)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(100), peak(4_100)
    assert many - few < 4_000 * 6 * 15 * 3  # a byte a label and instant, and what a growing buffer leaves free


@given(st.lists(st.integers(1, 9_000), max_size=12), st.sampled_from([8_000, 11_025, 32_000]))
@settings(deadline=None, max_examples=30)
def test_level_meter_of_any_cut_gives_the_level_of_each_cell(pieces, rate):
    samples = (np.random.default_rng(1).normal(size=20_001) * np.linspace(0, 0.5, 20_001)).astype(np.float32)
    meter = LevelMeter(rate)
    cut = np.split(samples, np.minimum(np.cumsum(pieces, dtype=int), len(samples)))
    np.testing.assert_array_equal(np.concatenate(list(meter.measured(cut))), samples)
    bounds = np.append(np.ceil(np.arange(np.ceil(len(samples) / rate * 10)) * rate / 10).astype(int), len(samples))
    expected = [10 * np.log10(np.square(samples[a:b], dtype=float).mean()) for a, b in pairwise(bounds)]
    assert np.abs(meter.levels() * -0.5 - np.clip(expected, -127.5, 0)).max() <= 0.2501


def drums(frame_logits, window_logits, plays=False, **changes):
    """Segments of "drums", by frames 1 s apart in sound, and windows of 4 s, 1 s apart."""
    about = FrameSettings((-1.0,), (0.5,), **{"seconds": 1.0, "median_seconds": 0, "low_logits": 2.0, **changes})
    n = len(frame_logits)
    label_set = default_set().subset(["drums"])
    frames = Frames(
        about, logit_steps(np.array(frame_logits, float)[:, None]), level_steps(np.full(10 * n - 10, -20.0))
    )
    starts = np.arange(n - 4.0)
    scores = (1 / (1 + np.exp(-np.array(window_logits, float))))[:, None].astype(np.float32)
    found = frame_segments(
        frames,
        starts,
        starts + 4,
        scores,
        np.array([0.5]),
        label_set,
        SegmentSettings().resolved(about),
        np.array([plays]),
    )
    return [(one.start, one.end) for one in found]


def test_frame_segments_follow_hysteresis_and_windows():
    quiet, loud = [-9.0], [2.0]
    assert drums(quiet * 5 + loud * 6, [3] * 7) == [(pytest.approx(4.5, abs=0.11), 10)]  # down to -3
    assert drums(quiet * 5 + [-2.0] * 6, [3] * 7) == []  # never reaches -1
    assert drums(loud * 11, [0] * 7) == []  # no window reaches 0.5
    assert drums(loud * 11, [0] * 7, plays=True) == []
    assert drums(quiet * 5 + loud * 6, [3] * 7, plays=True) == [(pytest.approx(4.5, abs=0.11), 10)]
    # Of what plays in the file the best moment counts as reaching it, if it is at least -3.
    assert drums(quiet * 5 + [-2.0] * 6, [3] * 7, plays=True) == [(pytest.approx(4.9, abs=0.01), 10)]
    assert drums(quiet * 5 + [-3.5] * 6, [3] * 7, plays=True) == []
    assert drums(loud * 11, [0, 0, 0, 0, 0, 0, 3]) == [(6, 10)]
    assert drums(loud * 11, [3] * 7, low_logits=0.0) == [(0, 10)]


def test_thresholds_of_a_caller_move_both_rules(recognizer):
    recognition = recognizer.recognize(MUSIC, sr=RATE)
    moved = recognition.refined({"violin": 0.995})  # above the tone's 0.988
    assert places(moved, "violin") == [] and places(moved, "singer") == places(recognition, "singer")
    assert recognizer.recognize(MUSIC, sr=RATE, thresholds={"violin": 0.995}).segments == moved.segments


def test_settings_of_a_caller_stand_in_place_of_the_models(recognizer):
    recognition = recognizer.recognize(MUSIC, sr=RATE)
    settings = recognition.segment_settings
    assert settings == SegmentSettings(None, 0.7, 1.0, 0.9, 2.0)
    assert recognition.refined(settings=SegmentSettings()) is recognition
    closed = recognition.refined(settings=SegmentSettings(max_gap_seconds=6))
    assert len(places(closed, "violin")) == 1 and closed.segment_settings == replace(settings, max_gap_seconds=6.0)
    assert places(recognition.refined(settings=SegmentSettings(min_seconds=3)), "singer") == []
    tight = recognition.refined(settings=SegmentSettings(low_ratio=1.0, median_seconds=0))
    assert tight.segment_settings == SegmentSettings(1.0, 0.7, 1.0, 0.0)
    ((start, end),), ((before, after),) = places(tight, "singer"), places(recognition, "singer")
    assert before <= start < end <= after and end - start < after - before
    with pytest.raises(ValueError, match="exclude each other"):
        SegmentSettings(low_ratio=0.5, low_logits=1.0)


def test_recognition_with_frames_keeps_them_in_every_form(recognizer):
    recognition = recognizer.recognize(MUSIC, sr=RATE)
    assert recognition.frame_scores.shape == (63, 15) == recognition.frames.logits.shape
    part = recognition.only(["violin", "piano"])
    assert part.frame_scores.shape == (63, 2) and part.segments_of("violin") == recognition.segments_of("violin")
    columns = [recognition.labels.index(label) for label in part.labels]
    np.testing.assert_array_equal(part.activity.scores, recognition.activity.scores[:, columns])
    table = recognition.to_dataframe("frames")
    assert list(table.columns) == ["file", "time", *LABELS] and len(table) == 63 and table["time"][2] == 0.64
    for one in (recognition, part):
        for timeline in (True, False):
            text = one.to_json(timeline, decimals=None)
            jsonschema.validate(json.loads(text), schema(), cls=jsonschema.Draft202012Validator)
            read = Recognition.from_json(text)
            assert json.loads(text)["segment_settings"]["low_logits"] == 2.0 and read.to_json(timeline, None) == text
            assert read.to_dict(timeline) == one.to_dict(timeline)
    whole = Recognition.from_json(recognition.to_json(timeline=True, decimals=None))
    same(whole, recognition)
    assert whole.refined(0.7).segments == recognition.refined(0.7).segments
    assert recognition.to_jams() is not None


def test_recognition_without_frames_has_none(tmp_path):
    recognition = Recognizer(build(tmp_path / "m.onnx"), threads=1).recognize(MUSIC, sr=RATE)
    assert recognition.frames is None and recognition.frame_scores is None and recognition.hop_seconds == 1
    assert recognition.segment_settings == SegmentSettings(0.75, 1.0, 1.0, 0.0)
    assert not {"frames", "low_logits"} & {
        *recognition.to_dict(timeline=True),
        *recognition.to_dict()["segment_settings"],
    }
    with pytest.raises(ValueError, match="no scores of frames"):
        recognition.to_dataframe("frames")


def test_presets_of_a_model_are_thresholds_by_name(recognizer):
    recognition = recognizer.recognize(MUSIC, sr=RATE, thresholds="strict")
    np.testing.assert_array_equal(recognition.thresholds, STRICT)
    np.testing.assert_array_equal(recognition.refined("sensitive").thresholds, SENSITIVE)
    with pytest.raises(ValueError, match="no thresholds 'loose'; it has sensitive, strict"):
        recognition.refined("loose")


def test_presets_of_a_model_without_them_are_refused(tmp_path):
    recognizer = Recognizer(build(tmp_path / "m.onnx"), threads=1)
    with pytest.raises(ValueError, match="no thresholds 'strict'; it has its own alone"):
        recognizer.recognize(MUSIC, sr=RATE, thresholds="strict")


def test_tentative_labels_are_given_only_where_they_are_asked_for(model, recognizer):
    usual = Recognizer(model, threads=1)
    assert usual.label_set.labels == tuple(label for label in LABELS if label not in ("acoustic_guitar", "singer"))
    assert usual.label_set.name == "bradl15" and usual.missing == () and usual.metadata.tentative == ()
    for named in ("all", "bradl15", default_set()):
        assert Recognizer(model, threads=1, labels=named).label_set == default_set()
    few, every = usual.recognize(MUSIC, sr=RATE), recognizer.recognize(MUSIC, sr=RATE)
    assert "singer" not in few.labels and places(every, "singer") and places(every, "voice")
    assert few.score("voice") < 0.01 and not places(few, "voice")  # the family's own score
    for label in ("violin", "piano", "key"):
        assert few.segments_of(label) == every.segments_of(label)
    np.testing.assert_array_equal(few.refined("strict").thresholds, STRICT[:13])


def test_other_sets_are_read_from_tentative_labels_too(model):
    recognition = Recognizer(model, threads=1, labels="openmic20").recognize(
        play({"acoustic_guitar": [(2, 9)]}, 12), sr=RATE
    )
    assert recognition.instruments == ["guitar"]
    ((start, end),) = places(recognition, "guitar")
    assert start == pytest.approx(2, abs=0.4) and end == pytest.approx(9, abs=0.4)


def test_view_with_frames_reports_what_the_labels_within_report(tmp_path):
    index = default_set().index
    shifts, thresholds = np.zeros(15), np.full(15, 0.5)
    shifts[index("electric_guitar")], thresholds[index("electric_guitar")] = 5, 0.2
    about = frame_metadata({"frame_shifts": tuple(shifts)}, thresholds=tuple(thresholds))
    build(tmp_path / "m.onnx", about)
    seen = Recognizer(tmp_path / "m.onnx", threads=1, labels="openmic20").metadata
    i = seen.labels.index("guitar")
    assert seen.thresholds[i] == 0.2
    assert seen.frames.frame_shifts[i] == pytest.approx(np.log(0.8 / 0.2), abs=1e-5)  # the acoustic one's 0
    assert seen.frames.frame_shifts[seen.labels.index("violin")] == 0


def test_metadata_with_frames_come_back(model):
    about = frame_metadata(presets={"strict": STRICT}, tentative=("singer",))
    assert ModelMetadata.from_json(about.to_json(), "x") == about
    assert not {"frames", "presets", "tentative"} & set(json.loads(metadata().to_json()))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tentative": ["kazoo"]}, "not a label"),
        ({"tentative": list(LABELS)}, "tentative must leave"),
        ({"presets": {"strict": [0.5]}}, "1 thresholds of the preset 'strict'"),
        ({"presets": {"strict": [1.5] * 15}}, "between 0 and 1"),
        ({"frames": {"frame_shifts": [0.0], "window_shifts": [0.0]}}, "1 frame_shifts"),
        ({"frames": {"frame_shifts": [0.0] * 15, "window_shifts": [0.0]}}, "1 window_shifts"),
        (
            {"frames": {"frame_shifts": [0.0] * 15, "window_shifts": [0.0] * 15, "seconds": 0}},
            "seconds must be positive",
        ),
        ({"frames": {"frame_shifts": [0.0] * 15, "window_shifts": [0.0] * 15, "steps": 1}}, "frames.steps"),
    ],
)
def test_metadata_off_the_contract_are_refused(changes, reason):
    text = json.dumps({**json.loads(metadata().to_json()), **changes})
    with pytest.raises(ModelError, match=reason):
        ModelMetadata.from_json(text, "x")


def test_model_whose_outputs_are_not_those_of_its_metadata_is_refused(tmp_path):
    with_frames, without = frame_metadata(), metadata()
    for about, text, reason in (
        (without, with_frames.to_json(), "has scores where a model has 'scores' and 'frame_scores' alone"),
        (with_frames, without.to_json(), "has frame_scores, scores where a model has 'scores' alone"),
        (with_frames, frame_metadata({"seconds": 0.5}).to_json(), r"\['batch', 9, 15\]"),
    ):
        with pytest.raises(ModelError, match=reason):
            Recognizer(build(tmp_path / "m.onnx", about, text), threads=1)


def test_model_with_labels_in_another_order_gives_frames_in_order(tmp_path):
    ordered = default_set().subset(LABELS[::-1])
    shifts = tuple(np.linspace(0, 1.4, 15).round(1).tolist())
    about = frame_metadata({"frame_shifts": shifts}, label_set=ordered, presets={"strict": shifts[:1] * 14 + (0.5,)})
    recognizer = Recognizer(build(tmp_path / "m.onnx", about), threads=1)
    assert recognizer.metadata.frames.frame_shifts == shifts[::-1]
    assert recognizer.metadata.presets["strict"][0] == 0.5
    assert places(recognizer.recognize(MUSIC, sr=RATE), "violin")
