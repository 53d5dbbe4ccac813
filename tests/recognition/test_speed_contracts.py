"""What recognition promises of its speed: nothing that makes it fast changes what it says."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organology import Recognizer, audio
from organology.errors import AudioError
from organology.labels import default_set
from organology.recognition import inference
from organology.recognition.windows import ModelScores, Window, windows
from sounds import encode, noise, write
from tiny_model import RATE, WINDOW, build, frequency

LABELS = default_set().labels


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return build(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="module")
def recognizers(tiny):
    return {threads: Recognizer(tiny, threads=threads) for threads in (1, 2, 5)}


def music(seconds, rate=RATE, seed=0):
    """Tones that come and go, and rests."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    mixture = np.zeros_like(t)
    for label in rng.choice(LABELS, 4):
        start = rng.uniform(0, seconds)
        mixture += 0.2 * np.sin(2 * np.pi * frequency(label) * t) * (t >= start) * (t < start + seconds / 3)
    return mixture.astype(np.float32)


def in_pieces(samples, lengths, rate):
    """A stream that gives its samples in blocks of these lengths."""
    stream = audio.from_array(samples, rate)
    cuts = np.cumsum([*lengths])
    pieces = [piece for piece in np.split(samples[:, None], cuts[cuts < len(samples)]) if len(piece)]
    stream._reader.blocks = lambda block_frames: iter(pieces)
    return stream


@settings(deadline=None, max_examples=25)
@given(
    seconds=st.floats(0.1, 15),
    rate=st.sampled_from([8_000, 32_000, 44_100]),
    hop=st.sampled_from([0.4, 1, 4, 7]),
    threads=st.sampled_from([1, 2, 5]),
    batch=st.sampled_from([1, 2, 7]),
    lengths=st.lists(st.integers(1, 200_000), max_size=20),
)
def test_recognize_with_other_threads_batches_and_cuts_gives_the_same(
    recognizers, seconds, rate, hop, threads, batch, lengths
):
    samples = music(seconds, rate)
    expected = recognizers[1].recognize(samples, hop, sr=rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "BATCH_WINDOWS", batch)
        got = recognizers[threads].recognize(in_pieces(samples, lengths, rate), hop)
    for name in ("starts", "ends", "scores", "file_scores"):
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), atol=1e-5, rtol=0)
    assert got.segments == expected.segments or got.scores.tobytes() != expected.scores.tobytes()


def test_shipped_model_with_threads_and_batches_gives_the_same(monkeypatch):
    samples = music(13) + 0.01 * noise(13, RATE, 1)[:, 0]
    expected = Recognizer(threads=1).recognize(samples, sr=RATE)
    monkeypatch.setattr(inference, "BATCH_WINDOWS", 4)
    got = Recognizer(threads=3).recognize(samples, sr=RATE)
    np.testing.assert_allclose(got.scores, expected.scores, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["a.flac", "a.mp3", "a.m4a"])
def test_command_line_with_jobs_gives_the_same(tiny, tmp_path, name):
    paths = []
    for i in range(5):
        samples = np.repeat(music(5, 44_100, i)[:, None], 2, axis=1)
        path = tmp_path / f"{i}{name}"
        paths.append(encode(path, samples) if name == "a.m4a" else write(path, samples))
    one, many = Recognizer(tiny, threads=1), Recognizer(tiny, threads=2)
    expected = [result for _, result in one.recognize_many(paths)]
    for got, other in zip(many.recognize_many(paths, workers=4), expected, strict=True):
        np.testing.assert_allclose(got[1].scores, other.scores, atol=1e-5, rtol=0)


def test_recognizer_with_threads_and_many_callers_gives_the_same(recognizers):
    sounds = [music(9, seed=i) for i in range(6)]
    expected = [recognizers[1].recognize(sound, sr=RATE).scores for sound in sounds]
    got = [None] * len(sounds)

    def work(i):
        got[i] = recognizers[2].recognize(sounds[i], sr=RATE).scores

    callers = [threading.Thread(target=work, args=(i,)) for i in range(len(sounds))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=0)


def test_score_windows_with_an_error_ends_its_threads(recognizers):
    def broken():
        yield from windows([music(30)], WINDOW, 8_000)
        raise AudioError("x: gone")

    before = threading.active_count()
    with pytest.raises(AudioError, match="gone"):
        inference.score_windows(
            broken(),
            lambda batch: ModelScores(np.zeros((len(batch), len(LABELS)), np.float32)),
            default_set(),
            threads=3,
        )
    with pytest.raises(ZeroDivisionError):
        inference.score_windows(windows([music(30)], WINDOW, 8_000), lambda batch: 1 / 0, default_set(), threads=3)
    assert threading.active_count() == before


def test_score_windows_of_a_slow_model_holds_few_windows():
    held = most = 0
    lock = threading.Lock()

    def count(step):
        nonlocal held, most
        with lock:
            held += step
            most = max(most, held)

    def cut():
        for i in range(200):
            count(1)
            yield Window(i, i + WINDOW, np.ones(WINDOW, np.float32))

    def model(batch):
        count(-len(batch))
        return ModelScores(np.full((len(batch), len(LABELS)), 0.5, np.float32))

    scored = inference.score_windows(cut(), model, default_set(), threads=4)
    assert most <= 2 * 4 + 1 and held == 0
    assert scored.scores.shape == (200, len(LABELS)) and scored.sounds.all()
    np.testing.assert_array_equal(scored.starts, np.arange(200))


def test_recognize_samples_without_rate_is_refused(recognizers, tmp_path):
    recognize = recognizers[1].recognize
    samples = music(5)
    assert recognize(samples, sr=RATE).duration == 5
    assert recognize(samples, sr=np.int64(16_000)).duration == 10
    for wrong in (None, True, 32_000.5):
        with pytest.raises(TypeError, match="sample rate"):
            recognize(samples, sr=wrong)
    for wrong in (0, -1, 10**9):
        with pytest.raises(AudioError, match="sample rate"):
            recognize(samples, sr=wrong)
    path = write(tmp_path / "a.wav", samples[:, None], RATE)
    for source in (path, str(path), path.read_bytes(), audio.from_array(samples, RATE)):
        with pytest.raises(TypeError, match="sr is the sample rate of an array"):
            recognize(source, sr=RATE)


def test_recognize_samples_of_any_usual_form_gives_the_same(recognizers):
    recognize = recognizers[1].recognize
    samples = music(5)
    expected = recognize(samples, sr=RATE).scores
    for same in (
        samples.astype(np.float64),
        np.stack([samples, samples], axis=1),
        np.asfortranarray(np.stack([samples, samples], axis=1)),
        np.round(samples * 32_768).astype(np.int16),
        np.round(samples * 2.0**31).astype(np.int32),
    ):
        np.testing.assert_allclose(recognize(same, sr=RATE).scores, expected, atol=2e-3)
    with pytest.raises(AudioError, match="transpose it"):
        recognize(np.stack([samples, samples]), sr=RATE)
    with pytest.raises(AudioError, match="int64"):
        recognize(samples.astype(np.int64), sr=RATE)
    unchanged = samples.copy()
    recognize(samples, sr=RATE)
    np.testing.assert_array_equal(samples, unchanged)


def test_decode_many_channels_gives_small_blocks():
    with audio.from_array(np.zeros((70_000, 1_000), np.int16), RATE) as stream:
        blocks = list(stream)
    assert max(block.nbytes for block in blocks) <= 16 * 2**20 and sum(map(len, blocks)) == 70_000
    with pytest.raises(AudioError, match="channels are too many"):
        audio.from_array(np.zeros((5_000, 1_025), np.float32), RATE)


def test_recognize_wav_loads_neither_ffmpeg_nor_torch(tmp_path, tiny):
    path = write(tmp_path / "a.wav", music(5)[:, None], RATE)
    code = (
        "import sys; from organology import Recognizer; Recognizer(sys.argv[1]).recognize(sys.argv[2]); "
        "sys.exit(any(name in sys.modules for name in ('av', 'torch', 'scipy', 'matplotlib')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tiny), str(path)], check=True)


def test_model_waiting_uses_no_processor(recognizers):
    options = recognizers[5]._model._session.get_session_options()
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
