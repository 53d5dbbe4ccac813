"""Transforms of the channel one by one: length, level, delay, spectrum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft, signal

from organology.mixing import TRANSFORMS, ChannelConfig
from organology.mixing.channel import band, codec, filters
from organology.mixing.channel.amplifier import Amplifier, amplifier_for, amplify
from organology.mixing.channel.base import Player
from organology.mixing.channel.chain import apply_transforms, draw_channel
from organology.mixing.channel.codec import Codec
from organology.mixing.channel.compressor import compress
from organology.mixing.channel.loudness import limit, loudness, to_loudness
from organology.mixing.channel.noise import Noise, add_noise
from organology.mixing.channel.room import late_response, reverberation
from organology.mixing.channel.saturation import saturate
from organology.mixing.seeds import Seed

RATE = 32_000
FRAMES = 32_000


GUITAR, BASS = (Player(frozenset({name}), name) for name in ("electric_guitar", "electric_bass"))
OTHER = Player(frozenset({"piano"}), "piano")


def only(name: str) -> ChannelConfig:
    """Everything off but one."""
    kind = TRANSFORMS[name]
    return ChannelConfig(**{name: Amplifier(1, 1) if kind is Amplifier else kind(probability=1)})


def bursts(rng: np.random.Generator) -> np.ndarray:
    """Pink noise in bursts: a broad spectrum and a clear time line."""
    noise = signal.lfilter([0.05, -0.049], [1, -0.98], rng.standard_normal(FRAMES)) + 0.02 * rng.standard_normal(FRAMES)
    gate = np.repeat(rng.uniform(0.05, 1, 20), FRAMES // 20)
    return (0.1 * noise * gate / np.std(noise)).astype(np.float32)


def level(samples: np.ndarray) -> float:
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64))) + 1e-12)


def delay_ms(before: np.ndarray, after: np.ndarray) -> float:
    size = 2 * FRAMES
    likeness = fft.irfft(fft.rfft(after, size) * np.conj(fft.rfft(before, size)), size)
    place = int(np.abs(likeness).argmax())
    return (place - size if place > size // 2 else place) / RATE * 1000


def band_db(samples: np.ndarray, low: float, high: float) -> float:
    spectrum = np.square(np.abs(np.fft.rfft(samples)))
    hertz = np.linspace(0, RATE / 2, len(spectrum))
    return 10 * np.log10(spectrum[(hertz >= low) & (hertz < high)].mean() + 1e-20)


def treat(name: str, samples: np.ndarray, seed: int) -> np.ndarray:
    plan = draw_channel(Seed((seed,)), only(name), [GUITAR])
    return apply_transforms(samples, plan.of_source(0) + plan.mixture, RATE, [samples])


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("seed", range(4))
def test_transforms_keep_length_level_and_time(name, seed):
    samples = bursts(np.random.default_rng(seed))
    before = samples.copy()
    treated = treat(name, samples, seed)
    assert treated.shape == samples.shape and treated.dtype == np.float32
    assert np.isfinite(treated).all() and np.array_equal(samples, before)
    assert not np.array_equal(treated, samples)
    assert abs(delay_ms(samples, treated)) < 5
    if name != "loudness":
        assert -15 < level(treated) - level(samples) < 7


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_of_silence_are_silent(name):
    treated = treat(name, np.zeros(FRAMES, np.float32), 0)
    assert treated.shape == (FRAMES,) and np.abs(treated).max() < 1e-4


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_same_draw_gives_the_same_samples(name):
    samples = bursts(np.random.default_rng(0))
    assert np.array_equal(treat(name, samples, 5), treat(name, samples, 5))
    assert not np.array_equal(treat(name, samples, 5), treat(name, samples, 6))


def test_transforms_settings_do_not_disturb_each_other():
    everything = ChannelConfig(**{name: only(name)[name] for name in TRANSFORMS})
    together = draw_channel(Seed((3,)), everything, [GUITAR, BASS, OTHER])
    assert [one.name for one in together.mixture] == [name for name in TRANSFORMS if name != "amp"]
    for one in together.mixture:
        assert draw_channel(Seed((3,)), only(one.name), [GUITAR, BASS, OTHER]).mixture == (one,)
    assert [[one.name for one in source] for source in together.sources] == [["amp"], ["amp"], []]
    assert draw_channel(Seed((3,)), only("amp"), [GUITAR, BASS, OTHER]).sources == together.sources
    assert draw_channel(Seed((3,)), ChannelConfig(), [GUITAR]).mixture == ()


def test_amplifier_is_for_electric_guitars_and_basses_alone():
    def amplifier(instruments: set[str], word: str) -> str:
        return amplifier_for(Player(frozenset(instruments), word))

    assert amplifier({"electric_guitar"}, "clean electric guitar") == "guitar"
    assert amplifier({"electric_bass"}, "bass") == "bass"
    assert amplifier({"steel_guitar"}, "lap steel") == "guitar" and amplifier({"guitar"}, "guitar") == ""
    assert amplifier({"electric_guitar"}, "Distorted Electric Guitar") == ""
    assert amplifier({"electric_guitar", "drum_kit"}, "band") == ""
    assert amplifier({"piano"}, "piano") == "" == amplifier(set(), "flute")


AMP = {"shape": "tanh", "bias": 0.2, "tight_hz": 80.0, "mid_db": 3.0, "cabinet_low_hz": 75.0, "cabinet_hz": 5000.0}


def test_amplifier_adds_harmonics_with_its_drive_and_the_cabinet_ends_above():
    seconds = np.arange(FRAMES) / RATE
    note = (0.2 * np.sin(2 * np.pi * 220 * seconds) * np.exp(-2 * seconds)).astype(np.float32)
    harmonics = []
    for drive_db in (-30.0, 0.0, 30.0):
        played = amplify(note, RATE, drive_db=drive_db, peaks=[], **AMP)
        harmonics.append(band_db(played, 640, 680) - band_db(played, 200, 240))
        assert band_db(played, 12_000, 16_000) < band_db(played, 640, 680) - 30
        assert abs(level(played[:16_000]) - level(note[:16_000])) < 3
    assert harmonics[0] < -40 and harmonics[0] < harmonics[1] - 10 < harmonics[2]
    # sustain: the end of the note is nearer to its beginning
    loss = [level(x[-8000:]) - level(x[:8000]) for x in (note, played)]
    assert loss[1] > loss[0] + 6


@settings(max_examples=25, deadline=None)
@given(rt60=st.floats(0.05, 3), slope=st.floats(0, 0.4), seed=st.integers(0, 100))
def test_room_decays_in_its_time(rt60, slope, seed):
    response = late_response(np.random.default_rng(seed), RATE, rt60_seconds=rt60, slope=slope, predelay_ms=0.0)
    assert np.sqrt(np.square(response).sum()) == pytest.approx(1, rel=1e-3)
    middle = filters.run(response, [signal.butter(4, (700, 1400), "bandpass", fs=RATE, output="sos")])
    left = 10 * np.log10(np.square(middle)[::-1].cumsum()[::-1] + 1e-20)
    fall = np.flatnonzero(left < left[0] - 25)[0] - np.flatnonzero(left < left[0] - 5)[0]
    assert 3 * fall / RATE == pytest.approx(rt60, rel=0.35, abs=0.03)


def test_room_distant_source_has_more_reverberation():
    samples = bursts(np.random.default_rng(0))
    (room,) = draw_channel(Seed((1,)), only("room"), [OTHER]).mixture
    wet = {}
    for ratio in (-3.0, 15.0):
        added = reverberation([samples], RATE, **{**room.parameters, "direct_to_reverb_db": [ratio]})
        wet[ratio] = level(added) - level(samples)
    assert wet[-3.0] - wet[15.0] == pytest.approx(18, abs=0.1)
    assert wet[-3.0] == pytest.approx(3, abs=2.5)


def test_compressor_narrows_levels():
    rng = np.random.default_rng(0)
    gate = np.repeat([1.0, 0.1], FRAMES // 2)
    samples = (0.1 * rng.standard_normal(FRAMES) * gate).astype(np.float32)
    pressed = compress(samples, RATE, threshold_db=-30, ratio=4, attack_ms=5, release_ms=50)
    half = FRAMES // 2
    before = level(samples[2000:half]) - level(samples[half + 8000 :])
    after = level(pressed[2000:half]) - level(pressed[half + 8000 :])
    assert before == pytest.approx(20, abs=0.5) and 5 < after < before * 0.55
    assert level(pressed) == pytest.approx(level(samples), abs=0.01)
    nothing = compress(samples, RATE, threshold_db=60, ratio=4, attack_ms=5, release_ms=50)
    np.testing.assert_allclose(nothing, samples, rtol=1e-5, atol=1e-7)


def test_saturation_lowers_the_crest():
    samples = bursts(np.random.default_rng(0))
    crests = []
    for drive_db in (0.0, 6.0, 12.0):
        clipped = saturate(samples, drive_db=drive_db, hardness=1.0)
        assert level(clipped) == pytest.approx(level(samples), abs=0.01)
        crests.append(np.abs(clipped).max())
    assert np.abs(samples).max() == pytest.approx(crests[0], rel=1e-4) and crests[0] > crests[1] > crests[2]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), gain=st.floats(0.5, 40), clicks=st.integers(0, 5))
def test_limiter_never_passes_its_ceiling(seed, gain, clicks):
    rng = np.random.default_rng(seed)
    samples = (0.1 * gain * rng.standard_normal(8000)).astype(np.float32)
    samples[rng.integers(0, 8000, clicks)] = 10 * gain
    unclipped = limit(samples, RATE, 0.9)
    assert np.abs(unclipped).max() <= 0.9
    quiet = samples * np.float32(0.5 / np.abs(samples).max())
    assert limit(quiet, RATE, 0.9) is quiet


def test_loudness_is_that_of_the_recommendation():
    # EBU Tech 3341, case 1, for one channel: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS; mono is 3 dB less
    sine = np.sin(2 * np.pi * 1000 * np.arange(4 * RATE) / RATE).astype(np.float32) * np.float32(10 ** (-23 / 20))
    assert loudness(sine, RATE) == pytest.approx(-23 - 3.01, abs=0.1)
    # case 3: gaps and quiet passages are gated out
    gated = np.concatenate([sine * np.float32(0.02), sine, np.zeros_like(sine)])
    assert loudness(gated, RATE) == pytest.approx(loudness(sine, RATE), abs=0.4)
    for lufs in (-30.0, -16.0, -8.0):
        assert loudness(to_loudness(sine, RATE, lufs=lufs), RATE) == pytest.approx(lufs, abs=0.2)
    assert loudness(np.zeros(RATE, np.float32), RATE) == -np.inf


@pytest.mark.parametrize("kind", ["hiss", "hum", "crackle"])
def test_noise_lies_where_it_is_said_to(kind):
    samples = bursts(np.random.default_rng(0))
    config = ChannelConfig(noise=Noise(1.0, (20.0, 20.0), (kind,)))
    (drawn,) = draw_channel(Seed((2,)), config, [OTHER]).mixture
    noise = add_noise(samples, RATE, **drawn.parameters) - samples
    assert level(samples) - level(noise) == pytest.approx(20, abs=0.05)
    if kind == "hum":
        hertz = np.fft.rfftfreq(FRAMES, 1 / RATE)
        power = np.square(np.abs(np.fft.rfft(noise * np.hanning(FRAMES))))
        off = np.abs(hertz / drawn.parameters["mains_hz"] - np.rint(hertz / drawn.parameters["mains_hz"])) > 0.1
        assert power[off].sum() < 0.01 * power.sum()


@pytest.mark.parametrize("kind, hz, top", [("resample", 8000, 4400), ("telephone", 0, 7000), ("am", 0, 8000)])
def test_band_limits_end_where_they_should(kind, hz, top):
    samples = bursts(np.random.default_rng(0))
    heard = band.narrow(samples, RATE, kind=kind, hz=hz)
    assert band_db(heard, top, 16_000) < band_db(samples, top, 16_000) - 15
    assert band_db(heard, 900, 2500) == pytest.approx(band_db(samples, 900, 2500), abs=1.5)
    assert band.through_rate(samples, RATE, hz=RATE) is samples


@pytest.mark.parametrize("name", Codec().formats)
@pytest.mark.parametrize("kbps", [24.0, 128.0])
def test_codec_gives_the_sound_back_in_time(name, kbps):
    samples = bursts(np.random.default_rng(0))
    heard = codec.round_trip(samples, RATE, codec=name, kbps=kbps)
    assert heard.shape == samples.shape and abs(delay_ms(samples, heard)) < 0.1
    assert abs(level(heard) - level(samples)) < (1 if kbps > 100 else 6)  # few bits leave the highest bands out
    if kbps > 100:
        assert level(heard - samples) < level(samples) - 6


def test_codec_that_is_missing_is_one_line(monkeypatch):
    from organology.errors import AudioError

    monkeypatch.setitem(codec._CODECS, "mp3", codec._CODECS["mp3"]._replace(encoder="libnone"))
    with pytest.raises(AudioError, match="codec mp3: this FFmpeg has no libnone"):
        codec.round_trip(np.zeros(4000, np.float32), RATE, codec="mp3", kbps=64)


@pytest.mark.parametrize("kind", ["low_shelf", "high_shelf", "peak", "low_pass", "high_pass"])
def test_filters_sections_have_their_gain_where_they_should(kind):
    sections = filters.section(kind, 1000, RATE, 6.0, 0.7071)
    _, response = signal.sosfreqz(sections, worN=[1, 1000, 15_990], fs=RATE)
    low, at, high = 20 * np.log10(np.abs(response) + 1e-12)
    expected = {
        "low_shelf": (6, 3, 0), "high_shelf": (0, 3, 6), "peak": (0, 6, 0), "low_pass": (0, -3, -90),
        "high_pass": (-90, -3, 0),
    }[kind]  # fmt: skip
    for found, wanted in zip((low, at, high), expected, strict=True):
        assert found < -80 if wanted == -90 else found == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: Codec(1.5), "codec.probability must be a probability"),
        (lambda: Codec(formats=()), "codec.formats must name at least one format"),
        (lambda: Noise(snr_db=(50, 15)), "noise.snr_db must rise"),
        (lambda: Amplifier(guitar_probability=-1), "amp.guitar_probability"),
        (lambda: ChannelConfig(reverb=Codec()), "transform must be one of amp, .*, got 'reverb'"),
        (lambda: ChannelConfig(noise=Codec()), "noise must be Noise, got Codec"),
    ],
)
def test_transforms_wrong_settings_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
