"""scripts/compose_synths.py: which presets are synthesizers, what each part plays, which sounds are refused."""

import gzip
import sys
from pathlib import Path

import mido
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
hearing = pytest.importorskip("synths.hearing")
lmms = pytest.importorskip("synths.lmms")
parts = pytest.importorskip("synths.parts")
presets = pytest.importorskip("synths.presets")

from organology.audio import SAMPLE_RATE  # noqa: E402
from organology.rendering.midi import Note, Part, Score  # noqa: E402

RNG = np.random.default_rng(0)
GRID = np.arange(0, 8.5, 0.5)
CHORDS = tuple(Note(2.0 * i, 2.0 * i + 2, p, 90) for i, ps in enumerate(((48, 64, 67), (53, 69, 72))) for p in ps)
SCORE = Score((Part(0, 0, 0, CHORDS), Part(1, 1, 80, tuple(Note(i / 4, i / 4 + 0.2, 72, 90) for i in range(16)))), 4.0)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("TripleOscillator/SuperSawLead.xpf", "any"),
        ("Pads/0003-Analog Pad 1.xiz", "pad"),
        ("Bass/0002-Bass 2.xiz", "bass"),
        ("olivers-100/0079-Dirty Vibrato Lead.xiz", "any"),
        ("Collection/0109-Tunnel Piano.xiz", None),
        ("TripleOscillator/Drums_Kick.xpf", None),
        ("Brass/0001-Saw Lead.xiz", None),
        ("Cormi_Sound/0001-Foglie.xiz", None),
    ],
)
def test_choose_presets_by_folder_and_name_finds_them(tmp_path, path, kind):
    file = tmp_path / path
    file.parent.mkdir()
    file.touch()
    assert [preset.kind for preset in presets.find_presets([tmp_path])] == ([kind] if kind else [])


def test_compose_beats_follow_the_tempo(tmp_path):
    track = mido.MidiTrack(
        [mido.MetaMessage("set_tempo", tempo=500_000), mido.MetaMessage("set_tempo", tempo=1_000_000)]
    )
    track[1].time = 960
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(tmp_path / "a.mid")
    assert parts.beats(tmp_path / "a.mid", 3.5).tolist() == [0.0, 0.5, 1.0, 2.0, 3.0, 4.0]


def test_compose_roles_keep_to_their_range_and_the_harmony():
    for role, (_, _, (low, high)) in parts.ROLES.items():
        notes = parts.arrange(role, SCORE, GRID[:9], RNG)
        assert low - 12 <= np.median([note.pitch for note in notes]) <= high + 12
        assert {note.pitch % 12 for note in notes} <= {0, 4, 5, 7, 9}
        assert all(note.end > note.start >= 0 for note in notes)
    assert [tones[0] for *_, tones in parts.chords([SCORE.parts[0]], GRID[:9])] == [0, 5]


def test_project_of_a_zyn_instrument_is_written(tmp_path):
    path = tmp_path / "0001-Saw.xiz"
    path.write_bytes(gzip.compress(b"\n<ZynAddSubFX-data><INSTRUMENT><INFO/></INSTRUMENT></ZynAddSubFX-data>"))
    tree = lmms.project(presets.Preset(path, "any"), (Note(1.0, 1.5, 69, 80),), 4.0)
    assert tree.find(".//PART/INSTRUMENT/INFO") is not None
    assert {key: tree.find(".//note").get(key) for key in ("pos", "len", "key")} == {
        "pos": "120",
        "len": "60",
        "key": "57",
    }


def test_hearing_sound_that_is_not_the_notes_is_refused():
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    notes = (Note(0, 2, 69, 90), Note(2, 4, 71, 90))
    pitch = np.where(time < 2, 440.0, 440 * 2 ** (2 / 12))
    saw = (0.2 * (2 * (np.cumsum(pitch) / SAMPLE_RATE % 1) - 1)).astype(np.float32)
    assert hearing.fault(saw, notes) == ""
    assert hearing.fault(saw[:0], notes) == "not rendered"
    assert hearing.fault(1e-4 * saw, notes) == "silent"
    assert hearing.fault(RNG.normal(0, 0.1, len(saw)).astype(np.float32), notes) == "noise"
    assert hearing.fault(np.roll(saw, len(saw) // 2), notes) == "off the notes"
