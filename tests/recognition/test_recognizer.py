"""From a file to a Recognition, with a tiny model whose answers are known."""

import io
import threading

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import organology
from organology import audio
from organology.errors import AudioError, ModelError
from organology.labels import default_set
from organology.recognition import Recognizer, inference
from organology.recognition.pooling import pool
from sounds import cut, encode, write
from tiny_model import RATE, WINDOW, build, frequency, metadata

FAMILY_OF = default_set().parents
LABELS = default_set().labels


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def recognize(tiny):
    return Recognizer(tiny, threads=1).recognize


def play(parts, seconds, rate=RATE, channels=1):
    """Tones of labels: {label: [(start, end), ...]}."""
    t = np.arange(round(seconds * rate)) / rate
    mixture = np.zeros_like(t)
    for label, spans in parts.items():
        for start, end in spans:
            mixture += 0.3 * np.sin(2 * np.pi * frequency(label) * t) * (t >= start) * (t < end)
    return np.repeat(mixture[:, None], channels, axis=1).astype(np.float32)


def sound(parts, seconds, **kinds):
    return audio.from_array(play(parts, seconds), RATE, **kinds)


def test_recognize_tones_finds_them_and_their_families(recognize):
    recognition = recognize(sound({"violin": [(0, 9)], "brass": [(0, 9)]}, 9))
    assert recognition.instruments == ["bowed_string", "brass", "violin"]
    assert recognition.score("violin") > 0.9 and recognition.score("piano") < 0.01
    assert recognition.score("bowed_string") >= recognition.score("violin")
    assert "violin" in repr(recognition)


def test_recognize_tone_in_the_middle_scores_high_only_there(recognize):
    recognition = recognize(sound({"piano": [(0, 30)], "singer": [(10, 20)]}, 30))
    column = recognition.scores[:, LABELS.index("singer")]
    hears = (recognition.ends > 10.5) & (recognition.starts < 19.5)
    assert (column[hears] > 0.5).all() and (column[(recognition.ends <= 10) | (recognition.starts >= 20)] < 0.01).all()
    (segment,) = recognition.segments_of("singer")
    assert segment.start == pytest.approx(10, abs=2) and segment.end == pytest.approx(20, abs=2)
    assert recognition.segments_of("voice")[0].start <= segment.start
    assert [(s.start, s.end) for s in recognition.segments_of("key")] == [(0, 30)]


def test_recognize_mixture_keeps_families_at_or_above_instruments(recognize):
    recognition = recognize(sound({"singer": [(3, 9)], "drums": [(0, 5)], "electric_bass": [(2, 4)]}, 12))
    for of in (recognition.scores, recognition.file_scores[None], recognition.activity.scores, recognition.plays[None]):
        for instrument, family in FAMILY_OF.items():
            assert (of[:, LABELS.index(family)] >= of[:, LABELS.index(instrument)]).all()


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 14 * 8_000),
    rate=st.sampled_from([8_000, 11_025, 44_100]),
    hop=st.sampled_from([0.3, 1, 2.5, 6]),
)
def test_recognize_any_length_ends_with_the_file(recognize, frames, rate, hop):
    recognition = recognize(audio.from_array(np.full(frames, 0.1, np.float32), rate), hop)
    duration = frames / rate
    starts, ends = recognition.starts, recognition.ends
    assert recognition.duration == duration == ends[-1] == recognition.activity.edges[-1]
    assert starts[0] == 0 and (np.diff(starts) > 0).all() and (np.diff(ends) >= 0).all() and (ends > starts).all()
    assert np.diff(starts[:-1]) == pytest.approx(hop, abs=1e-9)
    if duration >= 4:
        assert ends - starts == pytest.approx(4, abs=1 / RATE)
    else:
        assert len(starts) == 1
    assert all(segment.end <= duration for segment in recognition.segments)


def test_recognize_with_other_blocks_and_batches_gives_the_same(recognize, monkeypatch):
    samples = play({"synth": [(0, 8)], "woodwind": [(5, 13.3)]}, 13.3, rate=44_100)
    expected = recognize(audio.from_array(samples, 44_100), 0.5)
    for block, batch in ((1_000, 1), (44_100, 3), (10_000_000, 64)):
        monkeypatch.setattr(inference, "BATCH_WINDOWS", batch)
        got = recognize(audio.from_array(samples, 44_100, block_frames=block), 0.5)
        np.testing.assert_allclose(got.scores, expected.scores, atol=1e-5)
        np.testing.assert_array_equal(got.starts, expected.starts)


def test_recognize_file_shorter_than_a_window_gives_one_window(recognize, tmp_path):
    path = write(tmp_path / "short.wav", play({"brass": [(0, 1)]}, 0.1), RATE)
    recognition = recognize(path)
    assert (recognition.starts, recognition.ends) == ([0], [0.1]) and np.isfinite(recognition.scores).all()
    assert recognize(sound({"brass": [(0, 9)]}, 2.0)).instruments == ["brass"]
    assert recognize(audio.from_array(np.array([0.5]), 192_000)).duration == 1 / 192_000


def test_recognize_silence_scores_zero_with_a_note(recognize):
    recognition = recognize(audio.from_array(np.full(10 * RATE, 1e-4), RATE))
    assert not recognition.scores.any() and not recognition.file_scores.any()
    assert recognition.instruments == [] and recognition.segments == () and "silent" in recognition.notes[0]


def test_recognize_with_silent_windows_leaves_them_out_of_the_file_score(recognize):
    lone = recognize(sound({"key": [(0, 6)]}, 6)).score("key")
    followed = recognize(sound({"key": [(0, 6)]}, 60))
    assert followed.score("key") > 0.5 and lone > 0.9 and not followed.notes


def test_recognize_unusable_samples_adds_a_note(recognize, tmp_path):
    samples = play({"key": [(0, 9)]}, 5)
    samples[1000:1007] = np.nan
    write(tmp_path / "nan.wav", samples, RATE, subtype="FLOAT")
    recognition = recognize(tmp_path / "nan.wav")
    assert recognition.instruments == ["key"] and recognition.notes[0].startswith("7 samples")


def test_recognize_cut_file_adds_a_note(recognize, tmp_path):
    path = cut(write(tmp_path / "cut.mp3", play({"key": [(0, 20)]}, 20, 44_100, 2), 44_100))
    recognition = recognize(path)
    assert recognition.instruments == ["key"] and 10 < recognition.duration < 14
    assert recognition.notes == (f"cut or damaged: {recognition.duration:.1f} s of 20.0 s could be decoded",)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (192_000, 8)])
def test_recognize_any_rate_and_channels_gives_the_same(recognize, tmp_path, rate, channels):
    path = write(tmp_path / "naïve 音.wav", play({"key": [(0, 9)]}, 5, rate, channels), rate)
    recognition = recognize(str(path))
    assert recognition.instruments == ["key"] and recognition.source == str(path) and recognition.duration == 5


def test_recognize_path_bytes_and_file_object_gives_the_same(recognize, tmp_path):
    path = encode(tmp_path / "a.m4a", play({"brass": [(0, 9)]}, 6, 44_100, 2))
    content = path.read_bytes()
    for source in (path, content, io.BytesIO(content)):
        recognition = recognize(source)
        assert recognition.instruments == ["brass"] and recognition.duration == pytest.approx(6, abs=0.1)


def test_recognize_many_with_a_bad_file_goes_on(tiny, tmp_path):
    write(tmp_path / "a.wav", play({"key": [(0, 9)]}, 4), RATE)
    (tmp_path / "b.wav").write_text("text")
    write(tmp_path / "c.wav", play({"brass": [(0, 9)]}, 4), RATE)
    asked = []

    def sources():
        for name in "abc":
            asked.append(name)
            yield tmp_path / f"{name}.wav"

    results = Recognizer(tiny, threads=1).recognize_many(sources())
    assert asked == []
    source, first = next(results)
    assert asked == ["a"] and source.name == "a.wav" and first.instruments == ["key"]
    (_, failed), (_, last) = results
    assert isinstance(failed, AudioError) and "b.wav: not audio" in str(failed) and last.instruments == ["brass"]


def test_recognize_many_with_workers_keeps_the_order(tiny):
    labels = ["key", "brass", "synth", "voice", "woodwind", "percussion", "key"]
    taken, told = [], set()

    def sources():
        for i, label in enumerate(labels):
            taken.append(label)
            yield sound({label: [(0, 9)]}, 4 + 7 * (i == 0), name=label)

    results = Recognizer(tiny, threads=1).recognize_many(
        sources(), workers=2, progress=lambda source, share: told.add((source.name, share))
    )
    assert next(results)[1].instruments == ["key"] and len(taken) <= 4
    assert [result.instruments for _, result in results] == [[label] for label in labels[1:]]
    assert {name for name, share in told if share == 1.0} == set(labels)


def test_recognize_many_closed_early_stops_its_workers(tiny):
    def sources():
        while True:
            yield sound({"key": [(0, 9)]}, 60)

    results = Recognizer(tiny, threads=1).recognize_many(sources(), workers=2)
    next(results)
    before = threading.active_count()
    results.close()
    assert threading.active_count() < before


def test_recognize_with_thresholds_uses_them(recognize):
    def instruments(thresholds):
        return recognize(sound({"violin": [(0, 9)]}, 5), thresholds=thresholds).instruments

    assert instruments(1.0) == [] and len(instruments(0.0)) == 15
    assert instruments({"bowed_string": 1.0}) == ["bowed_string", "violin"]  # a family plays where its instrument does
    assert instruments({"violin": 1.0}) == ["bowed_string"]
    assert instruments([0.5] * 15) == instruments(None)
    for wrong in (2.0, {"kazoo": 0.5}, [0.5] * 3):
        with pytest.raises(ValueError):
            instruments(wrong)
    for hop in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="hop_seconds"):
            recognize(sound({}, 5), hop)


def test_recognize_with_progress_reports_rising_shares(recognize):
    told = []
    recognize(sound({"key": [(0, 20)]}, 20), progress=told.append)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) > 5


def test_recognizer_shared_by_threads_gives_the_same(tiny):
    shared = Recognizer(tiny, threads=1)
    expected = {label: shared.recognize(sound({label: [(0, 6)]}, 6)).file_scores for label in ("key", "drums", "brass")}
    wrong = []

    def work(label):
        got = [shared.recognize(sound({label: [(0, 6)]}, 6)).file_scores for _ in range(3)]
        wrong.extend(scores for scores in got if not np.allclose(scores, expected[label], atol=1e-6))

    threads = [threading.Thread(target=work, args=(label,)) for label in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_pool_by_each_rule_gives_known_scores():
    scores = np.array([[0.0, 0.5], [0.8, 0.5], [0.4, 0.5], [0.0, 0.5], [0.0, 0.5]], np.float32)
    places = np.arange(5.0), np.arange(5.0) + 4
    assert pool(scores, "mean", *places) == pytest.approx([0.24, 0.5])
    assert pool(scores, "max", *places) == pytest.approx([0.8, 0.5])
    assert pool(scores, "noisy_or", *places) == pytest.approx([1 - 0.2 * 0.6, 1 - 0.5**5])
    assert pool(scores, "top_mean", *places) == pytest.approx([0.6, 0.5])  # 2 of 5
    assert pool(scores[:0], "mean", *places).tolist() == [0, 0]
    with pytest.raises(ValueError, match="median"):
        pool(scores, "median", *places)


def test_pool_top_stretch_takes_the_best_12_seconds():
    def best(scores, starts, ends=None):
        ends = starts + 4 if ends is None else ends
        return pool(np.array(scores, np.float32)[:, None], "top_stretch", starts, ends)[0]

    hop = np.arange(57.0)  # a minute
    solo = np.where((hop >= 20) & (hop < 29), 0.9, 0.1)
    assert best(solo, hop) == pytest.approx(0.9)  # nine windows are 12 s
    assert best(np.where(hop < 9, 0.9, 0.1), hop) == best(np.where(hop > 47, 0.9, 0.1), hop) == pytest.approx(0.9)
    # Half of a stretch: the mean of the logits of 0.9 and 0.1 would be 0.5 for ten windows; a single one is little.
    assert best(np.where((hop >= 20) & (hop < 24), 0.9, 0.1), hop) == pytest.approx(0.4393, abs=1e-4)
    assert best(np.where(hop == 56, 0.99, 0.01), hop) < 0.05
    # A file shorter than a stretch is one; so are windows farther apart than it is long.
    assert best([0.9, 0.1], np.array([0.0, 1.0])) == pytest.approx(0.5)
    assert best([0.2, 0.7, 0.4], np.array([0.0, 20.0, 40.0])) == pytest.approx(0.7)
    # The last window is cut so as to end with the file; silence in between leaves what sounds around it.
    assert best([0.1, 0.9, 0.9], np.array([0.0, 9.0, 9.5])) == pytest.approx(0.9)
    assert best([0.1, 0.9, 0.9], np.array([2.0, 9.0, 9.5])) < 0.9
    assert best([0.8, 0.8], np.array([0.0, 8.0])) == pytest.approx(0.8)
    # Certainty has a finite say, and a window longer than a stretch is one.
    assert 0.5 < best([1.0, 0.0, 1.0], np.array([0.0, 1.0, 2.0])) < 1
    assert best([0.3, 0.6], np.array([0.0, 15.0]), np.array([15.0, 30.0])) == pytest.approx(0.6)


def test_recognizer_pools_by_the_metadata_of_the_model(tmp_path):
    parts = {"key": [(0, 5)], "brass": [(0, 60)]}
    scores, sure = {}, {}
    for how in ("mean", "max", "noisy_or", "top_mean", "top_stretch"):
        model = build(tmp_path / f"{how}.onnx", metadata(pooling=how))
        recognition = Recognizer(model, threads=1).recognize(sound(parts, 60))
        scores[how] = recognition.score("key")
        sure[how] = recognition.score("brass")
    assert scores["mean"] < 0.2 < scores["top_mean"] < scores["max"] <= scores["noisy_or"]
    assert scores["top_stretch"] < 0.1  # 5 seconds of 12
    assert min(sure.values()) > 0.5


def test_model_with_labels_in_another_order_gives_them_in_order(tmp_path):
    about = metadata(label_set=default_set().subset(LABELS[::-1]), thresholds=tuple(np.linspace(0.1, 0.5, 15)))
    recognition = Recognizer(build(tmp_path / "m.onnx", about), threads=1).recognize(sound({"violin": [(0, 5)]}, 5))
    assert recognition.instruments == ["bowed_string", "violin"]
    assert recognition.thresholds == pytest.approx(np.linspace(0.5, 0.1, 15))


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        ({"text": ""}, "without the metadata property 'organology'"),
        ({"text": "{"}, "bad model metadata"),
        ({"text": metadata().to_json().replace('"version": 2', '"version": 9')}, "metadata version 9"),
        ({"text": metadata(pooling="median").to_json()}, "pooling must be one of top_stretch"),
        ({"batch": 1}, "'waveform' is tensor(float) [1, 128000]"),
        ({"output": "classes"}, "classes where a model has 'scores' alone"),
        ({"text": metadata(window_seconds=2.0).to_json()}, "has to be tensor(float) ['batch', 64000]"),
    ],
)
def test_model_off_the_contract_is_refused_in_one_line(tmp_path, kinds, reason):
    path = build(tmp_path / "model.onnx", **kinds)
    with pytest.raises(ModelError) as error:
        Recognizer(path, threads=1)
    assert str(error.value).startswith(f"{path}: ") and reason in str(error.value) and "\n" not in str(error.value)


def test_model_that_is_no_onnx_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "text.onnx").write_text("text\n")
    for path, reason in (("text.onnx", "not an ONNX model"), ("none.onnx", "no such file"), (".", "")):
        with pytest.raises(ModelError) as error:
            Recognizer(tmp_path / path)
        assert reason in str(error.value) and "\n" not in str(error.value)


def test_recognizer_cuts_windows_as_long_as_the_model_takes(tmp_path):
    about = metadata(window_seconds=2.0)
    model = Recognizer(build(tmp_path / "m.onnx", about, samples=WINDOW // 2), threads=1)
    recognition = model.recognize(sound({"key": [(0, 9)]}, 5))
    assert recognition.starts.tolist() == [0, 1, 2, 3] and recognition.ends.tolist() == [2, 3, 4, 5]
    assert recognition.instruments == ["key"] and model.model == "tiny" and model.metadata == about


def test_package_exports_recognizer():
    assert organology.Recognizer is Recognizer


def test_recognize_long_file_holds_little_at_once(recognize, tmp_path, monkeypatch):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8_000, 1, subtype="PCM_U8") as file:
        for _ in range(40):
            file.write(play({"key": [(0, 15)]}, 15, 8_000)[:, 0])
    largest = 0
    real = np.concatenate

    def watched(arrays, *args, **kwargs):
        nonlocal largest
        joined = real(arrays, *args, **kwargs)
        largest = max(largest, joined.size)
        return joined

    monkeypatch.setattr(np, "concatenate", watched)
    recognition = recognize(path, 4.0)
    assert recognition.duration == 600 and len(recognition.starts) == 150
    assert largest < 20 * RATE  # a window and a block, not the file
    assert recognition.instruments == ["key"]
