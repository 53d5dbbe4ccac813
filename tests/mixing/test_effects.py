"""Effects do what their parameters say, and no global generator is asked."""

from __future__ import annotations

import random

import audiomentations
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from organology import config as recipes
from organology.errors import ConfigError
from organology.mixing import EFFECTS, Applied, EffectsConfig, MixingConfig
from organology.mixing.effects.chain import apply_effects, draw_effects, input_frames
from organology.mixing.effects.time_stretch import TimeStretch
from organology.mixing.seeds import Seed

RATE = 32_000
CERTAIN = {
    name: {"probability": 1} for name in ("gain", "low_shelf", "high_shelf", "peaking", "pitch_shift", "time_stretch")
}


def tone(hertz, frames=RATE):
    return (0.1 * np.sin(2 * np.pi * hertz * np.arange(frames) / RATE)).astype(np.float32)


def level_db(after, before):
    middle = slice(len(after) // 4, -len(after) // 4)
    return 10 * np.log10(np.mean(after[middle] ** 2) / np.mean(before[len(before) // 4 : -len(before) // 4] ** 2))


def peak_hertz(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * RATE / len(samples)


def effect(name, **parameters):
    return (Applied(name, parameters),)


def test_gain_multiplies_by_its_factor():
    assert level_db(apply_effects(tone(440), effect("gain", amplitude_ratio=0.5), RATE), tone(440)) == pytest.approx(
        -6.0206, abs=1e-3
    )


@pytest.mark.parametrize(
    ("name", "changed", "unchanged"), [("low_shelf", 60, 9000), ("high_shelf", 12_000, 60), ("peaking", 1000, 60)]
)
def test_filters_act_where_they_say(name, changed, unchanged):
    filters = effect(name, center_freq=1000.0, gain_db=-12.0, q_factor=0.9)
    assert level_db(apply_effects(tone(changed), filters, RATE), tone(changed)) == pytest.approx(-12, abs=0.6)
    assert level_db(apply_effects(tone(unchanged), filters, RATE), tone(unchanged)) == pytest.approx(0, abs=0.6)


def test_pitch_shift_and_time_stretch_do_what_they_say():
    shifted = apply_effects(tone(440), effect("pitch_shift", num_semitones=3.0), RATE)
    assert len(shifted) == RATE
    assert peak_hertz(shifted) == pytest.approx(440 * 2 ** (3 / 12), rel=0.01)
    stretched = apply_effects(tone(440), effect("time_stretch", rate=0.8), RATE)
    assert len(stretched) == pytest.approx(RATE / 0.8, abs=1)
    assert peak_hertz(stretched) == pytest.approx(440, rel=0.01)


def test_stretcher_in_one_pass_does_what_both_effects_do():
    together = Applied("time_stretch", {"rate": 1.2}), Applied("gain", {"amplitude_ratio": 0.5}), Applied(
        "pitch_shift", {"num_semitones": -3.0})  # fmt: skip
    samples = tone(440, 2 * RATE)
    samples[: RATE // 2] = 0
    once = apply_effects(samples, together, RATE)
    twice = samples
    for one in together:
        twice = apply_effects(twice, (one,), RATE)
    assert len(once) == pytest.approx(len(twice), abs=1)
    assert peak_hertz(once) == pytest.approx(peak_hertz(twice), rel=0.01)
    assert level_db(once, twice) == pytest.approx(0, abs=0.5)
    onset = [np.argmax(np.abs(x) > 0.02) for x in (once, twice)]
    assert onset == pytest.approx([RATE / 2 / 1.2] * 2, abs=0.04 * RATE)


def test_effects_leave_their_argument_as_it_is():
    effects = draw_effects(Seed((0,)), TypeAdapter(EffectsConfig).validate_python(CERTAIN), keep_time=False)
    samples = tone(440)
    apply_effects(samples, effects, RATE)
    assert np.array_equal(samples, tone(440))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32), st.integers(2000, 40_000))
def test_effects_input_frames_fill_the_chunk(seed, frames):
    effects = draw_effects(Seed((seed,)), TypeAdapter(EffectsConfig).validate_python(CERTAIN), keep_time=False)
    out = apply_effects(tone(440, input_frames(effects, frames)), effects, RATE)
    assert frames <= len(out) <= frames + 4
    assert out.dtype == np.float32 and np.isfinite(out).all()


def test_effects_drawn_keep_probabilities_ranges_and_order():
    config = EffectsConfig()
    drawn = [draw_effects(Seed((i,)), config, keep_time=False) for i in range(3000)]
    for name in EFFECTS:
        share = getattr(config, name).probability
        count = sum(any(e.name == name for e in effects) for effects in drawn)
        assert abs(count - 3000 * share) < 4.5 * np.sqrt(3000 * share * (1 - share))
    pairs = [tuple(e.name for e in effects if e.name in ("gain", "peaking")) for effects in drawn]
    first = [pair[0] for pair in pairs if len(pair) == 2]
    assert abs(first.count("gain") - len(first) / 2) < 4.5 * np.sqrt(len(first) / 4)
    values = {
        name: np.array([list(e.parameters.values()) for effects in drawn for e in effects if e.name == name])
        for name in EFFECTS
    }
    assert 20 * np.log10(values["gain"]).min() >= -12 and 20 * np.log10(values["gain"]).max() <= 12
    assert values["pitch_shift"].min() >= -4 and values["pitch_shift"].max() <= 4
    assert values["time_stretch"].min() >= 0.8 and values["time_stretch"].max() <= 1.25
    assert values["peaking"][:, 0].min() >= 50 and values["peaking"][:, 0].max() <= 7500
    # As audiomentations draws it: half of the center frequencies lie below the middle of the range in mel.
    middle = 700 * (10 ** (np.mean([np.log10(1 + 50 / 700), np.log10(1 + 7500 / 700)])) - 1)
    assert np.mean(values["peaking"][:, 0] < middle) == pytest.approx(0.5, abs=0.08)


def test_effects_defaults_are_the_ranges_of_audiomentations():
    config = EffectsConfig()
    gain, low, high = audiomentations.Gain(), audiomentations.LowShelfFilter(), audiomentations.HighShelfFilter()
    peaking, pitch, stretch = (
        audiomentations.PeakingFilter(), audiomentations.PitchShift(), audiomentations.TimeStretch(),
    )  # fmt: skip
    assert config.gain.gain_db == (gain.min_gain_db, gain.max_gain_db)
    for ours, theirs in ((config.low_shelf, low), (config.high_shelf, high), (config.peaking, peaking)):
        assert ours.center_hz == (theirs.min_center_freq, theirs.max_center_freq)
        assert ours.gain_db == (theirs.min_gain_db, theirs.max_gain_db)
        assert ours.q == (theirs.min_q, theirs.max_q)
    assert config.pitch_shift.semitones == (pitch.min_semitones, pitch.max_semitones)
    assert config.time_stretch.rate == (stretch.min_rate, stretch.max_rate)


def test_effects_neither_use_nor_change_global_generators():
    config = TypeAdapter(EffectsConfig).validate_python(CERTAIN)
    outcomes = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
        effects = draw_effects(Seed((5,)), config, keep_time=False)
        outcomes.append(apply_effects(tone(440), effects, RATE))
        assert random.getstate() == before[0]
        assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert np.array_equal(*outcomes)


def test_effects_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"effect must be one of gain, .*, got 'reverb'"):
        apply_effects(tone(440), effect("reverb"), RATE)


def test_effects_none_draws_nothing():
    assert draw_effects(Seed((0,)), EffectsConfig.none(), keep_time=False) == ()


def test_evaluation_mixer_is_musical_and_without_effects():
    config = MixingConfig(p_musical=0.3, level="rms").for_evaluation()
    assert (config.p_musical, config.effects, config.level) == (1.0, EffectsConfig.none(), "as_is")
    assert config.p_single_source == 0.15


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"p_musical": 1.5}, "p_musical must be a probability within 0 … 1, got 1.5"),
        ({"p_musicl": 0.5}, "p_musicl.*unknown key"),
        ({"effects": {"gain": {"probabilty": 0.5}}}, r"effects\.gain\.probabilty.*unknown key"),
        ({"effects": {"gain": {"gain_db": [3, -3]}}}, "must rise"),
        ({"effects": {"time_stretch": {"rate": [0.4, 1]}}}, r"within 0\.5"),
        ({"effects": {"peaking": {"center_hz": [50, 20_000]}}}, "within 1 … 16000"),
        ({"sources_min": 5, "sources_max": 3}, "sources_min"),
        ({"kind_weights": {"note": 1}}, r"kind_weights must name kinds \(performance, phrases.*got 'note'"),
        ({"corpus_weights": {"a": -1}}, "corpus_weights.a must be 0 or more"),
        ({"level": "loud"}, "level"),
        ({"chunk_seconds": 0}, "chunk_seconds"),
        ({"peak": 0}, "peak"),
        ({"effects": {"reverb": {}}}, r"effects\.reverb.*unknown key"),
        ({"position_candidates": 8}, "position_candidates.*unknown key"),
        ({"draws": 1}, "draws must be 2, got 1: .*version 1 need organology 0.1"),
        ({"audibility": {"clear_db": 50}}, "clear_db must not be above"),
    ],
)
def test_effects_bad_settings_cost_one_line(settings, reason):
    with pytest.raises(ConfigError, match=reason) as caught:
        recipes.parse(settings, MixingConfig, "recipe.yaml")
    assert str(caught.value).startswith("recipe.yaml: ") and "\n" not in str(caught.value)


def test_effects_part_of_one_in_a_recipe_keeps_its_other_settings():
    config = recipes.parse({"effects": {"peaking": {"probability": 0.1}}}, MixingConfig, "recipe.yaml")
    assert config.effects.peaking.gain_db == (-24.0, 24.0)
    assert recipes.parse(recipes.to_plain(config), MixingConfig, "again") == config


def test_time_stretch_slow_rates_are_refused():
    with pytest.raises(ValueError, match="rate"):
        TimeStretch(rate=(0.45, 1.0))
    slowest = effect("time_stretch", rate=0.5)
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    assert np.array_equal(apply_effects(noise, slowest, RATE), apply_effects(noise, slowest, RATE))
