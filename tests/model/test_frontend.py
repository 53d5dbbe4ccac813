from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from model_signals import music
from organology.model import EFFICIENTAT, PAPER, FrontendConfig, MelFrontend
from organology.model.export.frontend import ExportFrontend
from organology.model.frontend import analysis_window, mel_bank


def test_frontend_paper_preset_is_the_specification() -> None:
    c = PAPER
    assert (c.sample_rate, c.n_mels, c.n_fft, c.win_length, c.hop_length) == (32_000, 128, 512, 512, 256)
    assert (c.mel_scale, c.f_max, c.log) == ("htk", 16_000, "db")
    assert MelFrontend(c)(torch.zeros(2, 128_000)).shape == (2, 1, 128, 501)


def test_frontend_efficientat_preset_gives_400_frames_of_4_seconds() -> None:
    assert MelFrontend(EFFICIENTAT)(torch.zeros(1, 128_000)).shape == (1, 1, 128, 400)


def test_frontend_six_bands_of_the_paper_hold_no_bin() -> None:
    assert (mel_bank(PAPER).sum(1) == 0).sum() == 6
    assert (mel_bank(dataclasses.replace(PAPER, n_fft=1024)).sum(1) == 0).sum() == 0


@pytest.mark.parametrize("scale", ["htk", "slaney"])
def test_frontend_bank_is_that_of_librosa(scale: str) -> None:
    frozen = json.loads((Path(__file__).parent / "fixtures" / "mel_banks.json").read_text("utf-8"))
    config = FrontendConfig(n_mels=10, f_min=30, f_max=14_000, mel_scale=scale)  # type: ignore[arg-type]
    for ours, (first, values) in zip(mel_bank(config), frozen[scale], strict=True):
        expected = np.zeros(257)
        expected[first : first + len(values)] = values
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-9)


def test_frontend_kaldi_bank_is_straight_over_mel() -> None:
    bank = mel_bank(EFFICIENTAT)
    mel = 1127 * np.log1p(np.arange(513) * 31.25 / 700)
    step = 1127 * np.log1p(15_000 / 700) / 129
    for band in (0, 3, 60, 127):
        expected = np.clip(1 - np.abs(mel - (band + 1) * step) / step, 0, None)
        np.testing.assert_allclose(bank[band], expected, atol=1e-9)
    assert not mel_bank(dataclasses.replace(EFFICIENTAT, f_max=16_000))[:, -1].any()


def test_frontend_one_frame_by_hand_is_exact() -> None:
    x = music(1, 0.2)[0].astype(np.float64)
    y = x[1:] - 0.97 * x[:-1]
    frame = 5
    piece = y[frame * 320 - 400 : frame * 320 + 400]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(800) / 799)
    power = np.abs(np.fft.rfft(piece * window, 1024)) ** 2
    expected = (np.log(mel_bank(EFFICIENTAT) @ power + 1e-5) + 4.5) / 5
    ours = MelFrontend(EFFICIENTAT)(torch.from_numpy(x[None]).float())[0, 0, :, frame]
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_frontend_decibels_have_a_floor_and_no_peak() -> None:
    frontend = MelFrontend(PAPER)
    assert frontend(torch.zeros(1, 4000)).unique().tolist() == pytest.approx([-60.0])
    quiet = torch.from_numpy(music(1, 0.5)) * 1e-4
    loud = torch.cat([quiet, torch.rand(1, 16_000)], 1)
    n = 16_000 // 256 - 2
    torch.testing.assert_close(frontend(quiet)[..., :n], frontend(loud)[..., :n])


def test_frontend_windows_are_hann() -> None:
    np.testing.assert_allclose(analysis_window(PAPER), np.hanning(513)[:-1], atol=1e-12)
    window = analysis_window(EFFICIENTAT)
    np.testing.assert_allclose(window[112:912], np.hanning(800), atol=1e-12)
    assert not window[:112].any() and not window[912:].any()


def test_frontend_adds_nothing_to_a_state_dict() -> None:
    assert not MelFrontend(PAPER).state_dict()
    assert not list(MelFrontend(PAPER).parameters())


def test_frontend_under_autocast_stays_in_float32() -> None:
    x = torch.from_numpy(music(1, 0.2))
    with torch.autocast("cpu", torch.bfloat16):
        y = MelFrontend(PAPER)(x)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, MelFrontend(PAPER)(x))


@pytest.mark.parametrize("shape", [(128_000,), (1, 257), (1, 1, 4000)])
def test_frontend_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="batch, samples"):
        MelFrontend(PAPER)(torch.zeros(shape))


@pytest.mark.parametrize(
    "settings_",
    [{"win_length": 600}, {"f_max": 16_001}, {"f_min": -1}, {"hop_length": 0}, {"std": 0}, {"offset": 0}],
)
def test_frontend_wrong_settings_are_refused(settings_: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        dataclasses.replace(PAPER, **settings_)  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        TypeAdapter(FrontendConfig).validate_python(settings_)


LEVELED = dataclasses.replace(EFFICIENTAT, level_db=-30)


def test_frontend_level_makes_scores_independent_of_volume() -> None:
    x = torch.from_numpy(music(2))
    x /= x.square().mean(1, keepdim=True).sqrt()
    as_wanted = MelFrontend(EFFICIENTAT)(x * 10 ** (-30 / 20))
    for rms in (0.2, 0.01, 0.0058):
        torch.testing.assert_close(MelFrontend(LEVELED)(x * rms), as_wanted, atol=1e-4, rtol=0)
    loud_and_quiet = torch.cat([x[:1] * 0.2, x[1:] * 0.006])
    torch.testing.assert_close(MelFrontend(LEVELED)(loud_and_quiet), as_wanted, atol=1e-4, rtol=0)


def test_frontend_level_leaves_silence_silent() -> None:
    x = torch.from_numpy(music(2))
    x *= 1e-5 / x.square().mean(1, keepdim=True).sqrt()
    torch.testing.assert_close(MelFrontend(LEVELED)(x), MelFrontend(EFFICIENTAT)(x * 10**0.75), atol=1e-4, rtol=0)
    silence = torch.zeros(1, 64_000)
    assert torch.equal(MelFrontend(LEVELED)(silence), MelFrontend(EFFICIENTAT)(silence))


@pytest.mark.parametrize("config", [PAPER, EFFICIENTAT, LEVELED], ids=["paper", "efficientat", "leveled"])
def test_export_front_end_equals_it_on_music(config: FrontendConfig) -> None:
    x = torch.from_numpy(music(2))
    ours, theirs = ExportFrontend(config)(x), MelFrontend(config)(x)
    torch.testing.assert_close(ours, theirs, atol=0.02 if config.log == "db" else 1e-4, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    n_fft=st.sampled_from([64, 96, 100, 127, 128, 256]),
    shorter=st.integers(0, 30),
    hop=st.integers(10, 80),
    n_samples=st.integers(300, 900),
    preemphasis=st.sampled_from([0.0, 0.97]),
    periodic=st.booleans(),
    mel_scale=st.sampled_from(["htk", "slaney", "kaldi"]),
)
def test_export_front_end_equals_it(
    n_fft: int, shorter: int, hop: int, n_samples: int, preemphasis: float, periodic: bool, mel_scale: str
) -> None:
    config = FrontendConfig(
        n_fft=n_fft, win_length=n_fft - shorter, hop_length=hop, n_mels=8, mel_scale=mel_scale, log="log",  # type: ignore[arg-type]
        offset=1e-3, preemphasis=preemphasis, periodic_window=periodic,
    )  # fmt: skip
    x = torch.from_numpy(np.random.default_rng(n_samples).uniform(-1, 1, (2, n_samples)).astype(np.float32))
    theirs = MelFrontend(config)(x)
    assert theirs.shape[-1] == config.n_frames(n_samples)
    torch.testing.assert_close(ExportFrontend(config, n_samples)(x), theirs, atol=2e-4, rtol=0)
