"""Mixtures: what is added up, labels of what is heard, the same with any number of workers."""

from __future__ import annotations

import dataclasses
import multiprocessing
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mixing_corpus import RATE, TestStem, write_corpus
from organology.errors import AudioError
from organology.labels import default_set
from organology.mixing import AudibilityConfig, EffectsConfig, Mixer, MixingConfig, StemPool
from organology.mixing.audibility import frame_powers, judge, mixture_labels, sounding_rms
from organology.mixing.cache import Cache
from organology.mixing.effects.chain import apply_effects, split_effects
from organology.mixing.reading import ChunkReader
from organology.mixing.wav import Wav, find_samples

PLAIN = MixingConfig(effects=EffectsConfig.none())
SET = default_set()
PLAYERS = {"piano": 261.6, "violin": 659.3, "drums": 180.0, "singer": 392.0}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> list[Path]:
    root = tmp_path_factory.mktemp("corpora")
    stems = [
        TestStem(f"song{i}", name, (name,), hertz=hertz * (1 + i / 10), active=((0.5, 5.5),))
        for i in range(3)
        for name, hertz in PLAYERS.items()
    ]
    return [write_corpus(root / "c", "c", stems)]


def make(corpora, config, seed=0):
    return Mixer(StemPool.load(corpora, "train", config), config, seed)


def test_mixture_is_the_sum_of_its_sources_with_the_reported_effects(corpora):
    config = MixingConfig(peak=None)
    mixer = make(corpora, config)
    seen = set()
    for index in range(12):
        mixture = mixer.mix(index)
        total = np.zeros(128_000)
        for source in mixture.sources:
            path = corpora[0] / "audio" / source.song / f"{source.stem}.flac"
            samples, _ = soundfile.read(path, start=source.start, frames=source.frames, dtype="float32", fill_value=0)
            seen.update(e.name for e in source.effects)
            total += apply_effects(samples, source.effects, RATE)[:128_000]
        np.testing.assert_allclose(mixture.audio, total, atol=1e-5)
        assert mixture.audio.dtype == np.float32 and mixture.audio.shape == (128_000,)
        assert mixture.labels.dtype == np.int8 and mixture.labels.shape == (15,)
        assert mixture.songs == tuple(dict.fromkeys(f"c/{s.song}" for s in mixture.sources))
        assert mixture.gain_db == 0
    assert "time_stretch" in seen and "gain" in seen


def test_labels_are_the_union_of_audible_sources(corpora):
    mixer = make(corpora, PLAIN)
    for index in range(10):
        mixture = mixer.mix(index)
        assert {s.audibility for s in mixture.sources} == {"audible"}
        assert np.array_equal(mixture.labels, SET.union([SET.encode_labels([s.word]) for s in mixture.sources]))


def test_mixer_same_seed_gives_the_same_mixtures_another_seed_others(corpora):
    a, b, c = (make(corpora, MixingConfig(), seed) for seed in (3, 3, 4))
    b.mix(7)
    assert np.array_equal(a.mix(2).audio, b.mix(2).audio)
    assert a.plan(2) == b.plan(2) != c.plan(2)
    assert a.plan(2) != a.plan(3)


def _mix(arguments):
    mixer, index = arguments
    random.seed()
    np.random.seed()  # noqa: NPY002
    mixture = mixer.mix(index)
    return mixture.audio.tobytes(), mixture.labels.tobytes()


def test_mixer_with_any_number_of_workers_gives_the_same_bits(corpora):
    mixer = make(corpora, MixingConfig(p_musical=0.3))
    alone = [_mix((mixer, i)) for i in range(6)]
    # forked after files were opened: the worst case for positions of shared files
    for workers in (1, 3):
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            assert pool.map(_mix, [(mixer, i) for i in range(6)], chunksize=1) == alone
    assert pickle.loads(pickle.dumps(mixer)).mix(1).audio.tobytes() == alone[1][0]


def _in_fork(mixer, index, queue):
    queue.put(_mix((mixer, index)))


def test_reader_after_a_fork_does_not_move_the_files_of_its_parent(corpora):
    mixer = make(corpora, PLAIN)
    alone = _mix((mixer, 0))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_fork, args=(mixer, 0, queue))
    child.start()
    assert queue.get(timeout=60) == alone
    child.join()
    assert _mix((mixer, 0)) == alone


def test_mixer_leaves_the_global_generators_alone(corpora):
    mixer = make(corpora, MixingConfig(p_musical=0))
    before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    for index in range(4):
        mixer.mix(index)
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_mixer_with_a_cache_gives_the_same(corpora):
    plain = make(corpora, MixingConfig())
    for megabytes in (1, 100):
        cached = make(corpora, MixingConfig(cache_megabytes=megabytes))
        assert all(np.array_equal(plain.mix(i).audio, cached.mix(i).audio) for i in range(6))
        assert 0 < cached._cache.used <= megabytes * 2**20


def test_mixer_variants_are_the_same_in_every_mixture_and_with_any_cache(corpora):
    config = MixingConfig(p_musical=0, stretch_variants=2, level="rms")
    plain, cached = make(corpora, config), make(corpora, dataclasses.replace(config, cache_megabytes=100))
    chunks, others = {}, set()
    for index in range(60):
        for source in plain.plan(index).sources:
            changes, rest = split_effects(source.effects)
            assert (source.variant is not None) == bool(changes)
            if changes:
                assert source.effects == changes + rest
                chunks.setdefault((source.stem, source.variant), set()).add((source.start, repr(changes)))
                others.add(repr(rest))
    assert all(len(same) == 1 for same in chunks.values())
    assert {variant for _, variant in chunks} == {0, 1}
    assert len(others) > 20
    for index in range(8):
        assert np.array_equal(plain.mix(index).audio, cached.mix(index).audio)
        assert plain.mix(index).sources == cached.mix(index).sources
    assert any(isinstance(key, tuple) for key in cached._cache._arrays)
    assert make(corpora, config, seed=1).plan(0) != plain.plan(0)


def test_mixer_peak_guard_scales_loud_mixtures_down(tmp_path):
    stems = [TestStem("s", name, amplitude=0.9) for name in ("a", "b")]
    folder = write_corpus(tmp_path, "c", stems)
    config = dataclasses.replace(PLAIN, p_musical=1, p_single_source=0)
    mixture = make([folder], config).mix(0)
    assert np.abs(mixture.audio).max() == pytest.approx(1.0, abs=1e-6)
    assert mixture.gain_db == pytest.approx(20 * np.log10(1 / 1.8), abs=0.01)
    loud = make([folder], dataclasses.replace(config, peak=None)).mix(0)
    assert np.abs(loud.audio).max() == pytest.approx(1.8, abs=0.01)
    assert np.array_equal(loud.labels, mixture.labels)


def test_mixer_level_rms_brings_sources_to_a_common_level(tmp_path):
    stems = [TestStem(f"s{i}", "a", amplitude=10 ** (-i / 2), active=((1, 2),)) for i in range(5)]
    folder = write_corpus(tmp_path, "c", stems)
    config = dataclasses.replace(PLAIN, p_single_source=1, level="rms", level_offset_db=(-3, 3))
    offsets = []
    mixer = make([folder], config)
    for index in range(12):
        mixture = mixer.mix(index)
        powers = frame_powers(mixture.audio, 1600)
        level = 20 * np.log10(sounding_rms(powers))
        offsets.append(level + 26)
        assert mixture.sources[0].level_gain_db != 0
    assert -3.5 <= min(offsets) < -1 and 1 < max(offsets) <= 3.5
    plain = dataclasses.replace(config, level="as_is")
    ours, theirs = make([folder], plain).plan(3), mixer.plan(3)
    assert [s.start for s in ours.sources] == [s.start for s in theirs.sources]


@pytest.mark.parametrize(
    ("below_db", "seconds", "value", "heard"),
    [
        (0, 6, 1, "audible"),
        (15, 6, 1, "audible"),
        (30, 6, -1, "uncertain"),
        (50, 6, 0, "inaudible"),
        (0, 0.2, -1, "uncertain"),
        (0, 0.05, 0, "inaudible"),
    ],
)
def test_audibility_of_a_source_follows_its_level_and_length(tmp_path, below_db, seconds, value, heard):
    start = 2.0
    stems = [
        TestStem("s", "loud", ("singer",), amplitude=0.3, hertz=300),
        TestStem("s", "soft", ("violin",), amplitude=0.3 * 10 ** (-below_db / 20), hertz=1000,
                 active=((start, start + seconds) if seconds < 6 else (0, 6),)),
    ]  # fmt: skip
    folder = write_corpus(tmp_path, "c", stems)
    config = dataclasses.replace(PLAIN, p_musical=1, p_single_source=0, chunk_seconds=6)
    mixture = make([folder], config).mix(0)
    assert {s.stem: s.audibility for s in mixture.sources} == {"loud": "audible", "soft": heard}
    assert mixture.labels[SET.index("violin")] == mixture.labels[SET.index("bowed_string")] == value
    assert mixture.labels[SET.index("singer")] == 1
    assert mixture.labels[SET.index("piano")] == 0


def test_mixture_labels_of_uncertain_and_unknown_sources_are_unknown():
    either = ["electric_guitar", "acoustic_guitar"]
    violin, guitar = SET.encode_labels(["violin"]), SET.encode_labels(["plucked_string"], either)
    vectors = np.stack([violin, guitar])
    assert np.array_equal(mixture_labels(vectors, ["audible", "audible"], SET), SET.union([violin, guitar]))
    mixed = mixture_labels(vectors, ["uncertain", "audible"], SET)
    assert np.array_equal(mixed, SET.encode_labels(["plucked_string"], ["violin", *either]))
    assert np.array_equal(mixture_labels(vectors, ["inaudible", "inaudible"], SET), SET.encode_labels([]))
    assert np.array_equal(mixture_labels(np.stack([violin, violin]), ["uncertain", "audible"], SET), violin)
    hidden = mixture_labels(vectors, ["audible", "uncertain"], SET)
    assert np.array_equal(hidden, SET.encode_labels(["violin"], ["plucked_string", *either]))


powers = arrays.arrays(np.float32, 80, elements=st.floats(0, 1, width=32))


@settings(deadline=None, max_examples=60)
@given(powers, powers, st.floats(0, 40))
def test_audibility_louder_is_never_less_audible(source, mixture, gain_db):
    order = ["inaudible", "uncertain", "audible"]
    config = AudibilityConfig()
    soft = judge(source, mixture, 0.05, config)
    loud = judge(source * np.float32(10 ** (gain_db / 10)), mixture, 0.05, config)
    assert order.index(loud) >= order.index(soft)


@settings(deadline=None, max_examples=60)
@given(arrays.arrays(np.float32, st.integers(1, 500), elements=st.floats(-1, 1, width=32)), st.integers(1, 100))
def test_audibility_frame_powers_add_up(samples, frame):
    result = frame_powers(samples, frame)
    sizes = np.full(len(result), frame)
    sizes[-1] = len(samples) - frame * (len(result) - 1)
    assert (result * sizes).sum() == pytest.approx((samples.astype(float) ** 2).sum(), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("cache", [0, 10_000_000])
@settings(deadline=None, max_examples=60)
@given(start=st.integers(-3000, 10_000), frames=st.integers(1, 4000))
def test_reader_span_is_a_slice_with_silence_around(chunk_file, cache, start, frames):
    path, samples = chunk_file
    padded = np.concatenate([np.zeros(3000), samples, np.zeros(20_000)]).astype(np.float32)
    chunk = ChunkReader(RATE, cache=Cache(cache)).read(path, start, frames)
    assert chunk.dtype == np.float32
    np.testing.assert_array_equal(chunk, padded[3000 + start : 3000 + start + frames])


@pytest.fixture(scope="module", params=["flac", "wav", "extensible.wav", "24 bit.wav"])
def chunk_file(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("reading") / f"a b ü.{request.param}"
    kind = "WAVEX" if request.param.startswith("ext") else None
    subtype = "PCM_24" if request.param.startswith("24") else "PCM_16"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 8000), RATE, subtype, format=kind)
    return path, soundfile.read(path, dtype="float32")[0]


def test_reader_of_16_bit_wav_needs_no_decoder(tmp_path, monkeypatch):
    path, odd = tmp_path / "a.wav", tmp_path / "odd.wav"
    samples = np.random.default_rng(0).uniform(-1, 1, 4000)
    soundfile.write(path, samples, RATE, "PCM_16")
    plain = path.read_bytes()
    assert find_samples(path, RATE) == Wav(plain.index(b"data") + 8, 4000)
    # A chunk of odd length, padded to an even one, before the samples.
    place = plain.index(b"data")
    odd.write_bytes(plain[:place] + b"note\x03\x00\x00\x00abc\x00" + plain[place:])
    assert find_samples(odd, RATE) == Wav(place + 12 + 8, 4000)
    expected = soundfile.read(path, dtype="float32")[0]
    monkeypatch.setattr(ChunkReader, "_file", None)
    reader = ChunkReader(RATE, cache=Cache(10**6))
    np.testing.assert_array_equal(reader.read(odd, 100, 50), expected[100:150])
    assert reader.cache.used == 0
    for other, rate in ((path, 16_000), (tmp_path / "cut.wav", RATE), (tmp_path / "head.wav", RATE)):
        (tmp_path / "cut.wav").write_bytes(plain[:-100])
        (tmp_path / "head.wav").write_bytes(plain[:20])
        assert find_samples(other, rate) is None
    reader.read(path, 0, 100)
    path.write_bytes(plain[:-4000])  # cut short while it is in use
    with pytest.raises(AudioError, match=r"a\.wav: ends after 2000 frames, its header says 4000"):
        reader.read(path, 1900, 200)


def test_reader_open_files_are_limited_and_the_oldest_is_closed(tmp_path):
    stems = [TestStem("s", f"t{i}", seconds=0.1, active=(), hertz=100 * i) for i in range(5)]
    write_corpus(tmp_path, "c", stems)
    paths = [tmp_path / "audio" / "s" / f"t{i}.flac" for i in range(5)]
    reader = ChunkReader(RATE, max_open=2)
    for path in (paths[0], paths[1], paths[0], paths[2]):
        reader.read(path, 0, 10)
    assert list(reader._open) == [paths[0], paths[2]]
    copy = pickle.loads(pickle.dumps(reader))
    assert not copy._open and copy.max_open == 2
    reader.close()
    assert not reader._open
    assert len(reader.read(paths[1], 0, 100)) == 100  # opened again after closing


def test_reader_file_that_cannot_be_used_costs_one_line(tmp_path):
    reader = ChunkReader(RATE)
    text = tmp_path / "text.wav"
    text.write_text("no audio")
    stereo, slow, broken = tmp_path / "stereo.wav", tmp_path / "slow.wav", tmp_path / "nan.wav"
    soundfile.write(stereo, np.zeros((100, 2)), RATE)
    soundfile.write(slow, np.zeros(100), 8000)
    soundfile.write(broken, np.array([0, np.nan] * 50), RATE, "FLOAT")
    reasons = {
        text: r"text\.wav: .*[Ff]ormat",
        stereo: "2 channels at 32000 Hz; mixing needs 1",
        slow: "1 channels at 8000 Hz",
        broken: "not finite",
        tmp_path / "none.flac": r"none\.flac: ",
    }
    for path, reason in reasons.items():
        with pytest.raises(AudioError, match=reason) as caught:
            reader.read(path, 0, 100)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    cut = tmp_path / "cut.flac"
    soundfile.write(cut, np.random.default_rng(0).uniform(-1, 1, RATE), RATE)
    cut.write_bytes(cut.read_bytes()[:9000])
    with pytest.raises(AudioError, match=r"cut\.flac: "):
        reader.read(cut, 20_000, 1000)


def test_mixer_negative_seed_is_refused(corpora):
    with pytest.raises(ValueError, match="seed"):
        make(corpora, PLAIN, seed=-1)
