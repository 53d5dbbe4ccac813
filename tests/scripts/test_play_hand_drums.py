"""scripts/play_hand_drums.py: strokes of patterns, played with recorded ones, prepared as percussion that is no kit."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from bradl15_labels import LABELS
from organology import cli, config
from organology.errors import OrganologyError
from organology.labels import PRESENT
from organology.mixing import Mixer, MixingConfig, StemPool

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
play_hand_drums = pytest.importorskip("play_hand_drums")

BAND = """
players:
  - name: tabla
    licence: CC0-1.0 (made for this test)
    strokes: {na: ["drums/na*.wav"], ghe: ["drums/ghe.wav"]}
    beats: [4, 3]
    patterns: ["na+ghe - na -", "ghe na na"]
  - name: djembe
    licence: CC0-1.0 (made for this test)
    strokes: {b: ["drums/ghe.wav"]}
    patterns: ["b b - b"]
  - name: absent
    licence: CC0-1.0 (made for this test)
    strokes: {x: ["drums/none*.wav"]}
    patterns: ["x"]
  - name: kit
    strokes: {o: 63}
    patterns: ["o o"]
"""


@pytest.fixture
def notes(tmp_path, monkeypatch) -> Path:
    (tmp_path / "notes/drums").mkdir(parents=True)
    time = np.arange(4410) / 44100
    for name, hertz in (("na1", 400), ("na2", 420), ("ghe", 90)):
        stroke = np.r_[np.zeros(2000), np.sin(2 * np.pi * hertz * time) * np.exp(-30 * time)]
        soundfile.write(tmp_path / f"notes/drums/{name}.wav", stroke, 44100)
    (tmp_path / "players.yaml").write_text(BAND)
    monkeypatch.setattr(play_hand_drums, "PLAYERS", tmp_path / "players.yaml")
    return tmp_path / "notes"


def run(notes: Path, out: Path, monkeypatch) -> Path:
    arguments = [str(notes), "--out", str(out), "--songs", "5", "--seconds", "6"]
    monkeypatch.setattr(sys, "argv", ["play_hand_drums.py", *arguments])
    play_hand_drums.main()
    return out


def test_manifest_players_play_strokes_that_they_have():
    band = config.parse(config.read_yaml(play_hand_drums.PLAYERS), play_hand_drums.Band, "players.yaml")
    rng = np.random.default_rng(0)
    assert len({player.name for player in band.players}) == len(band.players) > 20
    for player in band.players:
        played = play_hand_drums.strokes(player, 120, 30, 0.1, rng)
        starts = [start for start, _, _ in played]
        assert {name for _, name, _ in played} <= set(player.strokes) and len(played) > 10, player.name
        assert 0 <= min(starts) < 5 and 20 < max(starts) < 30, player.name


def test_pattern_with_an_unknown_stroke_is_refused(tmp_path):
    data = {"players": [{"name": "tabla", "strokes": {"na": 60}, "patterns": ["na tun"]}]}
    with pytest.raises(OrganologyError, match="tabla: no such stroke: tun"):
        config.parse(data, play_hand_drums.Band, "players.yaml")


def test_play_strokes_sound_where_they_are_played_in_one_tuning(notes):
    takes = {"ghe": [notes / "drums/ghe.wav"]}
    stem = play_hand_drums.play_recorded(takes, [(1.0, "ghe", 1.0), (2.0, "ghe", 0.5)], 3.0, np.random.default_rng(1))
    assert stem.shape == (96_000,)
    loud = np.abs(stem).reshape(30, -1).max(axis=1)
    assert loud[9] < 0.01 and loud[10] > 0.5 > loud[20] > 0.2 and loud[19] < 0.01


def test_play_songs_are_percussion_and_no_drum_kit(notes, tmp_path, monkeypatch, capsys):
    out = run(notes, tmp_path / "songs", monkeypatch)
    told = capsys.readouterr().out
    assert "absent: strokes are missing" in told and "5 songs" in told
    files = sorted(out.rglob("*.flac"))
    assert {path.stem for path in files} == {"tabla", "djembe"}
    again = run(notes, tmp_path / "again", monkeypatch)
    assert all(path.read_bytes() == (again / path.relative_to(out)).read_bytes() for path in files)

    prepared = tmp_path / "prepared"
    result = CliRunner().invoke(
        cli.command_line(),
        ["prepare", "stems", str(out), "--out", str(prepared), "--split", "song", "--fractions", "1,0,0"],
    )
    assert result.exit_code == 0, result.output
    settings = MixingConfig(p_musical=0, p_single_source=1, balance="labels", corpus_per="source")
    mixer = Mixer(StemPool.load([prepared], "train", settings), settings)
    for number in range(4):
        labels = mixer.mix(number).labels
        assert [label for label, value in zip(LABELS, labels, strict=True) if value == PRESENT] == ["percussion"]
