"""scripts/play_recorded.py: what of an SFZ file is kept, who plays which part, and songs that can be prepared."""

import csv
import re
import shutil
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
pytest.importorskip("sfzen")
play_recorded = pytest.importorskip("play_recorded")
casting = pytest.importorskip("recorded.casting")
fonts = pytest.importorskip("recorded.fonts")
manifest = pytest.importorskip("gathering.manifest")

from bradl15_labels import decode  # noqa: E402
from organology import config  # noqa: E402
from organology.errors import CorpusError, OrganologyError  # noqa: E402
from organology.labels import Vocabulary  # noqa: E402
from organology.rendering.midi import Note, Part, Score  # noqa: E402
from organology.rendering.render import COLUMNS  # noqa: E402

RATE = 44_100
SFZ = r"""
<control> set_cc1=64
<global> ampeg_release=0.02
<group> lokey=57 hikey=68 pitch_keycenter=60
<region> sample=close\c4_f_rr1.wav lovel=64 hivel=127
<region> sample=close\c4_f_rr2.wav lovel=64 hivel=127
<region> sample=close\c4_p_rr1.wav lovel=0 hivel=63
<region> sample=far\c4_f_rr1.wav lovel=60 hivel=127 // under the first
<region> sample=close\c4_release.wav trigger=release
<region> sample=close\missing.wav
<group>
<region> sample=close\a4_f_rr1.wav key=69 ampeg_release=0.6
<region> sample=close\fret_noise.wav key=30
"""


@pytest.fixture
def notes(tmp_path):
    """A folder of one instrument, C4 and A4 as sawtooths, beside which other microphones and noises lie."""
    root = tmp_path / "notes" / "harmonium"
    time = np.arange(2 * RATE) / RATE
    for name in ("c4_f_rr1", "c4_f_rr2", "c4_p_rr1", "c4_release", "a4_f_rr1", "fret_noise"):
        frequency = 440.0 if name.startswith("a4") else 261.63
        for folder in ("close", "far"):
            (root / folder).mkdir(parents=True, exist_ok=True)
            saw = 0.2 * (2 * (frequency * time % 1) - 1)
            soundfile.write(root / folder / f"{name}.wav", np.stack([saw, saw], axis=1), RATE, "PCM_24")
    (root / "harmonium.sfz").write_text(SFZ)
    return tmp_path / "notes"


def instrument(**changes):
    values = {"name": "harmonium", "sfz": "harmonium/harmonium.sfz", "program": 20, "roles": ("lead", "chords")}
    return fonts.Instrument(**{**values, "licence": "CC0-1.0", **changes})


def regions(notes, only=""):
    return list(fonts._regions(notes / "harmonium" / "harmonium.sfz", notes / "harmonium", re.compile(only)))


def test_instrument_keeps_notes_and_leaves_noises_and_releases(notes):
    kept = regions(notes)
    names = [region["sample"].relative_to(notes / "harmonium").as_posix() for region in kept]
    assert names == [
        "close/c4_f_rr1.wav",
        "close/c4_f_rr2.wav",
        "close/c4_p_rr1.wav",
        "far/c4_f_rr1.wav",
        "close/a4_f_rr1.wav",
    ]
    assert [region["ampeg_release"] for region in kept] == [0.15, 0.15, 0.15, 0.15, 0.6]
    assert (kept[-1]["lokey"], kept[-1]["hikey"], kept[-1]["pitch_keycenter"]) == (69, 69, 69)
    assert len(regions(notes, only="_p_")) == 1


def test_instrument_of_several_takes_draws_one(notes):
    drawn = {
        tuple(region["sample"].name for region in fonts.one_take(regions(notes), np.random.default_rng(seed)))
        for seed in range(12)
    }
    assert drawn == {
        ("c4_f_rr1.wav", "c4_p_rr1.wav", "a4_f_rr1.wav"),
        ("c4_f_rr2.wav", "c4_p_rr1.wav", "a4_f_rr1.wav"),
    }


def test_instrument_that_is_missing_costs_one_line(notes, tmp_path):
    with pytest.raises(CorpusError, match=r"none\.sfz: no such file \(instrument harmonium\)"):
        fonts.make_font(instrument(sfz="harmonium/none.sfz"), notes, tmp_path, 0)
    with pytest.raises(CorpusError, match="none of its recordings is there"):
        fonts.make_font(instrument(only="trumpet"), notes, tmp_path, 0)
    with pytest.raises(ValueError, match="roles are lead, chords, bass, not solo"):
        instrument(roles=("solo",))


def part(pitches, together=1, track=0, program=0, step=0.25):
    found = [
        Note(i * step, (i + 1) * step, pitch + 4 * voice, 90)
        for i, pitch in enumerate(pitches)
        for voice in range(together)
    ]
    return Part(track, track, program, tuple(found))


def test_casting_parts_are_bass_chords_or_one_voice():
    assert casting.role_of(part([40] * 10)) == "bass"
    assert casting.role_of(part([60] * 10, together=3)) == "chords"
    assert casting.role_of(part([70] * 10)) == "lead"
    score = Score((part([60] * 9), part([40] * 20), part([60] * 5), part([60] * 30, program=120)), 10.0)
    assert [(voice.role, len(voice.notes)) for voice in casting.voices(score)] == [("bass", 20), ("lead", 9)]


def test_casting_each_part_goes_to_another_instrument():
    one = fonts.Font(instrument(), Path("one.sf2"), 60, 84)
    two = fonts.Font(instrument(name="tuba", roles=("bass",)), Path("two.sf2"), 28, 55)
    found = casting.voices(Score((part([72, 90] * 8), part([40] * 10), part([65] * 9)), 10.0))
    cast = casting.cast(found, [one, two], 3, np.random.default_rng(0))
    assert [font.instrument.name for font, _ in cast] == ["harmonium", "tuba"]
    assert {note.pitch for note in cast[0][1]} == {60, 78}
    assert {note.pitch for note in cast[1][1]} == {40}


@pytest.mark.parametrize(
    ("pitches", "low", "high", "expected"), [([30, 32], 60, 84, [66, 68]), ([100, 62], 60, 84, [76, 62])]
)
def test_casting_notes_move_by_octaves_into_the_range(pitches, low, high, expected):
    notes = tuple(Note(i, i + 1.0, pitch, 80) for i, pitch in enumerate(pitches))
    moved = [note.pitch for note in casting.within(notes, low, high)]
    assert moved == expected
    assert all((a - b) % 12 == 0 for a, b in zip(moved, pitches, strict=True))


def test_load_instruments_of_the_project_are_sound():
    band = config.parse(config.read_yaml(play_recorded.INSTRUMENTS), play_recorded.Band, "instruments.yaml")
    names = [instrument.name for instrument in band.instruments]
    assert len(set(names)) == len(names) > 30
    vocabulary = Vocabulary.load("general_midi")
    labels = {label for instrument in band.instruments for label in decode(vocabulary[str(instrument.program)])[0]}
    assert {"key", "plucked_string", "bowed_string", "brass", "woodwind"} <= labels
    sources = {source.name for source in manifest.load(SCRIPTS / "gathering" / "sources.yaml")}
    assert {Path(instrument.sfz).parts[0] for instrument in band.instruments} <= sources
    re.compile("|".join(instrument.only for instrument in band.instruments))


@pytest.mark.skipif(
    not (shutil.which("polyphone") and shutil.which("fluidsynth")), reason="polyphone or fluidsynth missing"
)
def test_play_song_can_be_prepared(notes, tmp_path, monkeypatch, capsys):
    track = mido.MidiTrack()
    for i in range(24):
        track += [
            mido.Message("note_on", note=60 + 9 * (i % 2), time=0),
            mido.Message("note_off", note=60 + 9 * (i % 2), time=240),
        ]
    (tmp_path / "midi").mkdir()
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(tmp_path / "midi" / "Tune.mid")
    (tmp_path / "band.yaml").write_text(
        "instruments:\n"
        "- {name: harmonium, sfz: harmonium/harmonium.sfz, program: 20, roles: [lead], licence: CC0-1.0}\n"
        "- {name: flute, sfz: flute.sfz, program: 73, roles: [lead], licence: CC0-1.0}\n"
    )
    monkeypatch.setattr(play_recorded, "INSTRUMENTS", tmp_path / "band.yaml")
    font = fonts.make_font(instrument(), notes, tmp_path / "font", 0)
    arguments = [str(notes), "--out", str(tmp_path / "out"), "--songs", "1", "--seconds", "6", "-s", str(font.path)]
    monkeypatch.setattr(sys, "argv", ["play_recorded.py", *arguments, "--midi", str(tmp_path / "midi"), "CC0-1.0"])
    (tmp_path / "out").mkdir()
    header = ",".join(COLUMNS)
    (tmp_path / "out" / "stems.csv").write_text(
        f"{header}\na.7.0/x.flac,a.7.0,a,x,general_midi,0,phrases,CC0-1.0,true\n"
    )
    play_recorded.main()
    assert "flute.sfz: no such file (instrument flute); goes on without it" in capsys.readouterr().out
    kept, row = csv.DictReader((tmp_path / "out" / "stems.csv").open())
    assert (row["song"], row["instrument"], row["kind"]) == ("tune.0.0", "20", "phrases")
    assert kept["song"] == "a.7.0"  # of a run with another seed
    samples, rate = soundfile.read(tmp_path / "out" / row["path"])
    spectrum = np.abs(np.fft.rfft(samples[: 2 * rate]))
    assert rate == 32_000
    assert min(abs(np.argmax(spectrum) / 2 - pitch) for pitch in (261.63, 440.0)) < 2


def test_load_instruments_at_fault_is_refused(tmp_path):
    (tmp_path / "band.yaml").write_text("instruments:\n- {name: a, sfz: b, program: 1, roles: [solo], licence: c}\n")
    with pytest.raises(OrganologyError, match="roles are lead"):
        config.parse(config.read_yaml(tmp_path / "band.yaml"), play_recorded.Band, "band.yaml")
