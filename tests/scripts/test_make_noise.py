"""scripts/make_noise.py: noise of many kinds, prepared as stems that hold nothing, and drawn as such."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from organology import cli
from organology.labels import ABSENT
from organology.mixing import Mixer, MixingConfig, StemPool

_spec = importlib.util.spec_from_file_location("make_noise", Path(__file__).parents[2] / "scripts" / "make_noise.py")
make_noise = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_noise)


def make(folder: Path, monkeypatch) -> Path:
    monkeypatch.setattr(sys, "argv", ["make_noise.py", "--out", str(folder), "--files", "8", "--seconds", "5"])
    make_noise.main()
    return folder


@pytest.fixture
def noise(tmp_path, monkeypatch) -> Path:
    return make(tmp_path / "noise", monkeypatch)


def test_make_noise_each_kind_sounds_and_is_the_same_each_time(noise, tmp_path, monkeypatch):
    files = sorted(noise.rglob("*.flac"))
    assert {path.stem for path in files} == set(make_noise.KINDS)
    again = make(tmp_path / "again", monkeypatch)
    for path in files:
        samples, rate = soundfile.read(path)
        assert (rate, len(samples)) == (32_000, 160_000)
        assert np.isfinite(samples).all() and 0.6 < np.abs(samples).max() < 0.75
        assert path.read_bytes() == (again / path.relative_to(noise)).read_bytes()


def test_make_noise_mixtures_hold_no_label(noise, tmp_path):
    out = tmp_path / "prepared"
    told = CliRunner().invoke(
        cli.command_line(),
        ["prepare", "stems", str(noise), "--out", str(out), "--split", "song", "--fractions", "1,0,0"],
    )
    assert told.exit_code == 0, told.output
    config = MixingConfig(p_musical=0, p_single_source=0.5, sources_max=3, balance="labels", corpus_per="source")
    mixer = Mixer(StemPool.load([out], "train", config), config)
    mixtures = [mixer.mix(i) for i in range(12)]
    assert all((mixture.labels == ABSENT).all() for mixture in mixtures)
    assert {len(mixture.sources) for mixture in mixtures} >= {1, 2}
    assert len({source.song for mixture in mixtures for source in mixture.sources}) > 3
