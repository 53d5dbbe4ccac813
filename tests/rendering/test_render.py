"""Rendering: MIDI read as parts, programs drawn anew, and fluidsynth where it is installed."""

from __future__ import annotations

import csv
import json
import shutil
import struct
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from organology.cli import command_line
from organology.errors import CorpusError
from organology.labels import Vocabulary
from organology.rendering import excerpts, fluidsynth, orchestration
from organology.rendering import midi as midi_module
from organology.rendering import render as render_module
from organology.rendering.midi import Control, Note, Part, Score
from organology.rendering.render import RenderConfig, find_midi, render
from organology.rendering.song import level

SOUNDFONTS = [
    path
    for path in map(
        Path,
        (
            "/usr/share/sounds/sf2/TimGM6mb.sf2",
            "/usr/share/sounds/sf2/FluidR3_GM.sf2",
            "/usr/share/sounds/sf2/default-GM.sf2",
        ),
    )
    if path.exists()
]
needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not SOUNDFONTS, reason="fluidsynth or a SoundFont is not installed"
)


def message(kind: str, time: int = 0, channel: int = 0, **values: int) -> mido.Message:
    return mido.Message(kind, time=time, channel=channel, **values)


def notes(pitches: list[int], channel: int = 0, length: int = 240) -> list[mido.Message]:
    """Notes one after the other; 480 ticks are half a second at 120 beats a minute."""
    messages = []
    for pitch in pitches:
        messages.append(message("note_on", channel=channel, note=pitch, velocity=90))
        messages.append(message("note_off", length, channel, note=pitch))
    return messages


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    """A piano that becomes a violin, drums, a seashore, a part at volume 0, a tempo change at 1 s."""
    silent = message("control_change", channel=3, control=7, value=0)
    melody = [message("program_change", program=0), *notes([60, 64, 67, 72])]
    melody += [message("program_change", program=40), *notes([76, 74, 72, 71])]
    tracks = [
        [mido.MetaMessage("set_tempo", tempo=500_000), mido.MetaMessage("set_tempo", tempo=1_000_000, time=960)],
        melody,
        [message("program_change", channel=9, program=16), *notes([36, 42, 38, 42] * 2, 9)],
        [message("program_change", channel=2, program=122), *notes([60], 2)],
        [message("program_change", channel=3, program=73), silent, *notes([72, 74], 3)],
    ]
    path = tmp_path / "in" / "a song.mid"
    path.parent.mkdir()
    mido.MidiFile(type=1, ticks_per_beat=480, tracks=[mido.MidiTrack(track) for track in tracks]).save(path)
    return path


def test_read_score_track_is_split_by_program_and_channel_10_is_drums(midi: Path) -> None:
    score = midi_module.read_score(midi)
    assert [(part.track, part.program, len(part.notes)) for part in score.parts] == [
        (1, 0, 4),
        (1, 40, 4),
        (2, 128, 8),
        (3, 122, 1),
        (4, 73, 2),
    ]
    assert [part.is_drums for part in score.parts].count(True) == 1


def test_read_score_tempo_map_gives_seconds(midi: Path) -> None:
    piano, violin = midi_module.read_score(midi).parts[:2]
    assert piano.notes[3] == Note(0.75, 1.0, 72, 90)
    assert violin.notes[0] == Note(1.0, 1.5, 76, 90)  # half as fast from 1 s on


def test_read_score_controllers_belong_to_the_channel(tmp_path: Path) -> None:
    conductor = [message("control_change", control=0, value=8), message("control_change", control=7, value=33)]
    path = tmp_path / "a.mid"
    mido.MidiFile(tracks=[mido.MidiTrack(conductor), mido.MidiTrack(notes([60]))]).save(path)
    assert midi_module.read_score(path).parts[0].controls == (Control(0.0, "control_change", 7, 33),)


def test_read_score_notes_without_end_or_length_are_closed(tmp_path: Path) -> None:
    track = [message("note_on", note=60, velocity=9), message("note_on", channel=9, note=36, velocity=9)]
    track += [message("note_off", channel=9, note=36), message("control_change", 480, control=7, value=99)]
    path = tmp_path / "a.mid"
    mido.MidiFile(tracks=[mido.MidiTrack(track)]).save(path)
    held, hit = midi_module.read_score(path).parts
    assert held.notes[0].end == pytest.approx(0.5)
    assert 0 < hit.notes[0].end < 0.05


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a MIDI file"),
        (b"some text", "not a MIDI file"),
        (b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\xff\xff", "not a MIDI file"),
        (b"MThd\0\0\0\6\0\2\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0", "type 2"),
        (b"MThd\0\0\0\6\0\1\0\1\xe7\x28MTrk\0\0\0\4\0\xff\x2f\0", "SMPTE"),
        (b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0", "no notes"),
    ],
)
def test_read_score_unusable_midi_is_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.mid"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=reason) as caught:
        midi_module.read_score(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def score_of(*starts: list[float]) -> Score:
    parts = [Part(i, i, i, tuple(Note(start, start + 1.0, 60, 80) for start in each)) for i, each in enumerate(starts)]
    return Score(tuple(parts), max(max(each) for each in starts) + 1.0)


def test_excerpt_is_taken_where_most_parts_sound() -> None:
    score = score_of([0, 5, 10, 11, 12, 13, 20], [10, 11, 12, 13], [10, 11, 12, 13])
    assert excerpts.excerpt_starts(score, 4.0)[0] == 10.0
    assert excerpts.excerpt_starts(score, 60.0).tolist() == [0.0]


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 20)), min_size=1, max_size=20),
    st.floats(0, 40),
    st.floats(1, 20),
)
def test_excerpt_holds_what_sounds_in_it(spans: list[tuple[float, float]], start: float, seconds: float) -> None:
    part = Part(0, 0, 0, tuple(Note(at, at + length, 60, 80) for at, length in spans))
    excerpt = excerpts.cut(Score((part,), 80.0), start, seconds)
    inside = [at for at, length in spans if at < start + seconds and at + length > start]
    assert sum(len(each.notes) for each in excerpt.parts) == len(inside)
    for note in (note for each in excerpt.parts for note in each.notes):
        assert 0 <= note.start <= note.end <= seconds + 1e-9


def test_excerpt_starts_with_the_controllers_as_they_were() -> None:
    bend_range = [Control(0, "control_change", 101, 0), Control(0, "control_change", 100, 0)]
    controls = (*bend_range, Control(0, "control_change", 6, 12), Control(1, "control_change", 7, 20))
    controls += (Control(2, "control_change", 7, 90), Control(2, "pitchwheel", 0, 5), Control(9, "pitchwheel", 0, 0))
    part = Part(0, 0, 0, (Note(0.0, 10.0, 60, 80),), controls)
    got = excerpts.cut(Score((part,), 10.0), 5.0, 5.0).parts[0].controls
    assert [(c.time, c.number, c.value) for c in got] == [
        (0, 101, 0),
        (0, 100, 0),
        (0, 6, 12),
        (0, 7, 90),
        (0, 0, 5),
        (4, 0, 0),
    ]


@given(st.lists(st.integers(0, 127), min_size=1, max_size=30), st.integers(20, 90), st.integers(12, 40))
def test_orchestrate_parts_move_by_octaves_into_the_range(pitches: list[int], low: int, width: int) -> None:
    moved = orchestration.into_range(pitches, low, low + width)
    assert all(low <= pitch <= low + width for pitch in moved)
    assert all((a - b) % 12 == 0 for a, b in zip(pitches, moved, strict=True))


def test_orchestrate_every_program_has_a_range() -> None:
    ranges = orchestration.ranges()
    assert sorted(ranges) == list(range(128))
    assert all(high - low >= 12 for program, (low, high) in ranges.items())
    groups = orchestration.programs_by_label()
    assert len(groups) == 13
    assert groups["violin"] == (40, 110)
    assert groups["piano"] == (0, 1, 2, 3)
    assert set(groups).isdisjoint({"drums", "singer"})


def test_orchestrate_reassigned_labels_come_out_even() -> None:
    score = Score(tuple(Part(i, 0, 0, (Note(0, 1, 60, 80),)) for i in range(13)), 1.0)
    vocabulary = Vocabulary.load("general_midi")
    drawn = orchestration.reassign(score, 1.0, np.random.default_rng(1))
    assert len({orchestration.label_of(part.program) for part in drawn.parts}) == 13
    assert all(vocabulary[str(part.program)].policy == "use" for part in drawn.parts)
    again = orchestration.reassign(score, 1.0, np.random.default_rng(1))
    assert drawn == again
    assert orchestration.reassign(score, 0.0, np.random.default_rng(1)) == score


def test_orchestrate_only_programs_that_can_be_played_are_drawn() -> None:
    score = Score((Part(0, 0, 0, (Note(0, 1, 60, 80),)),), 1.0)
    for seed in range(5):
        assert orchestration.reassign(score, 1.0, np.random.default_rng(seed), {56}.__contains__).parts[0].program == 56
    assert orchestration.reassign(score, 1.0, np.random.default_rng(0), lambda _: False) == score


def test_orchestrate_pedals_go_with_instruments_that_have_none() -> None:
    pedal, volume = Control(0, "control_change", 64, 127), Control(0, "control_change", 7, 90)
    part = Part(0, 0, 0, (Note(0, 1, 60, 80),), (pedal, volume))
    assert orchestration.with_program(part, 56).controls == (volume,)
    assert orchestration.with_program(part, 4).controls == (pedal, volume)


def test_humanize_notes_keep_their_length_and_number() -> None:
    score = score_of([0.0, 1.0, 2.0])
    human = orchestration.humanize(score, 1.0, np.random.default_rng(0))
    assert orchestration.humanize(score, 0.0, np.random.default_rng(0)) == score
    for a, b in zip(score.parts[0].notes, human.parts[0].notes, strict=True):
        assert b.end - b.start == pytest.approx(a.end - a.start)
        assert abs(b.start - a.start) < 0.05
        assert b.start >= 0


def test_level_of_stems_keeps_or_evens_the_balance() -> None:
    tone = np.sin(np.arange(32_000) / 10).astype(np.float32)
    audio = {"loud": tone, "quiet": tone / 100, "silent": tone * 0}
    left_out: list[str] = []
    kept = level(audio, left_out, 0.0)
    assert left_out == ["silent: never sounds"]
    assert np.abs(kept["loud"]).max() == pytest.approx(10 ** (-1 / 20), abs=1e-4)
    assert np.abs(kept["loud"]).max() / np.abs(kept["quiet"]).max() == pytest.approx(100, rel=1e-4)
    even = level(audio, [], 1.0)
    assert np.abs(even["loud"]).max() == pytest.approx(np.abs(even["quiet"]).max(), rel=1e-4)


@pytest.mark.parametrize("padded", [True, False])
def test_soundfont_presets_are_listed(tmp_path: Path, padded: bool) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2 * padded)

    records = [(40, 0), (8, 128), (0, 0)]  # program and bank; the last record ends the list
    phdr = b"".join(struct.pack("<20sHH14x", b"x", program, bank) for program, bank in records)
    info, sdta = chunk(b"LIST", b"INFO" + chunk(b"ifil", bytes(4))), chunk(b"LIST", b"sdtasmplodd")
    body = b"sfbk" + info + sdta + chunk(b"LIST", b"pdta" + chunk(b"phdr", phdr))
    path = tmp_path / "a.sf2"
    path.write_bytes(chunk(b"RIFF", body))
    font = fluidsynth.SoundFont.open(path)
    assert font.presets == {(0, 40), (128, 8)}
    assert font.plays(40)
    assert font.plays(128)
    assert not font.plays(0)


@pytest.mark.parametrize(("content", "reason"), [(b"RIFF\0\0\0\0WAVE", "not a SoundFont"), (None, "No such file")])
def test_soundfont_other_file_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "a.sf2"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=reason):
        fluidsynth.SoundFont.open(path)


def test_fluidsynth_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CorpusError, match="apt install fluidsynth"):
        fluidsynth.find_fluidsynth()


def test_find_midi_files_give_names_of_songs(tmp_path: Path) -> None:
    for name in ("set/a b.mid", "set/sub/c.MIDI", "set/notes.txt", "a b.mid"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [piece.name for piece in find_midi([tmp_path / "set"])] == ["set.a_b", "set.sub.c"]
    assert [piece.name for piece in find_midi([tmp_path / "a b.mid"])] == ["a_b"]
    with pytest.raises(CorpusError, match="rename one"):
        find_midi([tmp_path / "a b.mid", tmp_path / "set" / "a b.mid"])
    with pytest.raises(CorpusError, match="no such file"):
        find_midi([tmp_path / "gone.mid"])


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@needs_fluidsynth
def test_render_midi_gives_songs_of_stems(midi: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (outcome,) = render(find_midi([midi]), SOUNDFONTS[:1], out, RenderConfig(licence="CC0"))
    assert (outcome.song, outcome.n_stems, outcome.error) == ("a_song.s0r0", 3, "")
    assert sorted(outcome.left_out) == ["03-seashore: no instrument", "04-flute: never sounds"]
    with (out / "stems.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["stem"], row["instrument"]) for row in rows] == [
        ("00-acoustic-grand-piano", "0"),
        ("01-violin", "40"),
        ("02-drums", "128"),
    ]
    for row in rows:
        assert (row["song"], row["artist"], row["vocabulary"]) == ("a_song.s0r0", "a_song", "general_midi")
        assert (row["kind"], row["aligned"]) == ("rendered", "true")
        assert row["licence"].startswith("CC0; SoundFont")
    audio = [soundfile.read(out / row["path"], dtype="float32") for row in rows]
    assert {rate for _, rate in audio} == {32_000}
    assert len({samples.shape for samples, _ in audio}) == 1
    assert audio[0][0].ndim == 1
    assert max(np.abs(samples).max() for samples, _ in audio) == pytest.approx(10 ** (-1 / 20), abs=1e-3)


@needs_fluidsynth
def test_render_stems_sound_when_their_notes_do(midi: Path, tmp_path: Path) -> None:
    config = RenderConfig(reverb=False, chorus=False)
    list(render(find_midi([midi]), SOUNDFONTS[:1], tmp_path / "out", config))
    folder = tmp_path / "out" / "a_song.s0r0"
    violin, _ = soundfile.read(folder / "01-violin.flac")
    assert np.abs(violin[: round(0.98 * 32_000)]).max() < 1e-3  # its first note is at 1 s
    assert np.abs(violin[32_000 : round(1.2 * 32_000)]).max() > 1e-2
    piano, _ = soundfile.read(folder / "00-acoustic-grand-piano.flac")
    assert np.abs(piano[:3200]).max() > 1e-2


@needs_fluidsynth
def test_render_same_seed_gives_the_same_files(midi: Path, tmp_path: Path) -> None:
    config = RenderConfig(seed=5, renditions=2, reassign=0.7, humanize=1.0, max_seconds=2.0, vary_room=True)
    for jobs in (1, 2):
        list(render(find_midi([midi]), SOUNDFONTS[:2], tmp_path / str(jobs), config, jobs=jobs))
    one, two = files_of(tmp_path / "1"), files_of(tmp_path / "2")
    assert one == two
    assert {name.split("/")[0] for name in one} == {"a_song.s5r0", "a_song.s5r1", "stems.csv"}
    lengths = {soundfile.info(tmp_path / "1" / name).frames for name in one if name.endswith(".flac")}
    assert lengths == {64_000}


@needs_fluidsynth
def test_render_again_goes_on_and_other_settings_render_anew(midi: Path, tmp_path: Path) -> None:
    out, pieces = tmp_path / "out", find_midi([midi])
    list(render(pieces, SOUNDFONTS[:1], out, RenderConfig(max_seconds=1.0)))
    (again,) = render(pieces, SOUNDFONTS[:1], out, RenderConfig(max_seconds=1.0))
    assert again.kept
    stem = out / json.loads((out / "a_song.s0r0" / "song.json").read_text())["stems"][0]["path"]
    stem.unlink()
    (mended,) = render(pieces, SOUNDFONTS[:1], out, RenderConfig(max_seconds=1.0))
    assert not mended.kept
    assert stem.exists()
    (other,) = render(pieces, SOUNDFONTS[:1], out, RenderConfig(max_seconds=1.0, reassign=1.0))
    assert not other.kept
    listed = {row["path"] for row in csv.DictReader((out / "stems.csv").open(newline=""))}
    assert {name for name in files_of(out) if name.endswith(".flac")} == listed


KEY_OF_8_SHARPS = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\0\0\0\x0a\0\xff\x59\x02\x08\0\0\xff\x2f\0"


def test_render_any_exception_of_a_piece_costs_one_line(midi: Path, tmp_path: Path, monkeypatch) -> None:
    def broken(*_):
        raise RuntimeError("a reader\nthat broke")

    monkeypatch.setattr(render_module, "find_fluidsynth", lambda: "fluidsynth")
    monkeypatch.setattr(render_module, "render_song", broken)
    monkeypatch.setattr(render_module.SoundFont, "open", staticmethod(lambda path: path))
    (done,) = render(find_midi([midi]), [Path("a.sf2")], tmp_path / "out", RenderConfig())
    assert done.error == f"{midi}: RuntimeError: a reader that broke"


@needs_fluidsynth
def test_render_bad_file_costs_one_line_and_the_rest_goes_on(midi: Path, tmp_path: Path) -> None:
    (midi.parent / "bad.mid").write_bytes(b"no midi")
    (midi.parent / "a key of 8 sharps.mid").write_bytes(KEY_OF_8_SHARPS)
    arguments = ["render", str(midi.parent), "--soundfont", str(SOUNDFONTS[0]), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(command_line(), [*arguments, "--max-seconds", "1"])
    assert result.exit_code == 1
    assert "bad.mid: not a MIDI file" in result.output
    assert "a key of 8 sharps.mid: not a MIDI file that can be read (Could not decode key" in result.output
    assert "1 song, 2 stems, 2 failed" in result.output and "Traceback" not in result.output
    assert (tmp_path / "out" / "in.a_song.s0r0" / "song.json").exists()
