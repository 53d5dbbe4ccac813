"""Preparing: audio, table, report; stopping and going on; faults."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from bradl15_labels import instruments
from organology.cli import command_line
from organology.corpora.base import Corpus, SourceSong, SourceStem
from organology.corpora.conversion.convert import convert_song, convert_stem
from organology.corpora.issues import Listener
from organology.corpora.prepare import PrepareConfig, prepare
from organology.corpora.registry import find
from organology.corpora.table import read_table
from organology.errors import ConfigError, CorpusError
from organology.leftovers import PREFIX

RATE = 32_000


def tone(seconds=0.5, frequency=440.0, rate=RATE, level=0.5, channels=1):
    wave = level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave.astype(np.float32)[:, None], channels, axis=1)


def write(path, samples=None, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone() if samples is None else samples, rate, **options)


def songs(root, n=4, stems=("vox", "drums"), **options):
    for i in range(n):
        for j, stem in enumerate(stems):
            write(root / f"Artist {i} - Song {i}" / f"{stem}.wav", tone(0.3 + 0.05 * i, 200 + 100 * j, **options))


def run(root, out, config=None, **options):
    return prepare(find("stems").corpus(), root, out, config, **options)


def snapshot(out):
    files = [out / "stems.parquet", out / "report.json", *sorted((out / "audio").rglob("*"))]
    return {str(file.relative_to(out)): file.read_bytes() for file in files if file.is_file()}


class Counting(Listener):
    def __init__(self):
        self.songs, self.issues, self.size = [], [], None

    def started(self, songs, size):
        self.size = (songs, size)

    def finished(self, song, size):
        self.songs.append(song)

    def issue(self, issue):
        self.issues.append(issue)


@pytest.fixture
def prepared(monkeypatch):
    """Names of songs that are really prepared, not taken over."""
    from organology.corpora.conversion import workers as module

    done = []
    original = module.prepare_song

    def noted(song):
        done.append(song.song)
        return original(song)

    monkeypatch.setattr(module, "prepare_song", noted)
    return done


def test_prepare_songs_gives_table_report_and_audio(tmp_path):
    root, out = tmp_path / "my sóngs", tmp_path / "out"
    write(root / "Ánna - Lied Nr. 1" / "Lead Vox.flac", tone(1.0, rate=44_100, channels=2), 44_100)
    write(root / "Ánna - Lied Nr. 1" / "drums.wav", tone(1.0, rate=48_000), 48_000, subtype="PCM_24")
    write(root / "Bob - Solo" / "piano.wav")
    write(root / "Cee - Solo" / "mix.wav")
    write(root / "Cee - Solo" / "flute.ogg", tone(1.0))
    listener = Counting()
    report = run(root, out, PrepareConfig(name="mine"), listener=listener)
    table = read_table(out, check_files=True)
    rows = {(row["song"], row["stem"]): row for row in table.to_dicts()}
    assert set(rows) == {
        ("Ánna - Lied Nr. 1", "Lead Vox"),
        ("Ánna - Lied Nr. 1", "drums"),
        ("Bob - Solo", "piano"),
        ("Cee - Solo", "flute"),
    }
    vox = rows["Ánna - Lied Nr. 1", "Lead Vox"]
    assert vox["frames"] == RATE and vox["active"] == [{"start": 0, "end": RATE}]
    assert vox["artist"] == "Ánna" and vox["corpus"] == "mine" and vox["aligned"] and vox["word"] == "lead vox"
    assert not rows["Bob - Solo", "piano"]["aligned"]
    assert set(table["split"]) == {"train", "validation", "test"}
    for row in rows.values():
        info = soundfile.info(out / row["path"])
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (RATE, 1, "PCM_16", row["frames"])
        assert row["path"].isascii() and " " not in row["path"]
    assert report.complete and [r.reason for r in report.of("dropped")] == ["'mix' names no instrument"]
    assert sorted(listener.songs) == sorted({song for song, _ in rows}) and listener.size[0] == 3
    values = json.loads((out / "report.json").read_text("utf-8"))
    assert values["corpus"] == "mine" and values["summary"]["stems"] == 4 and values["failed"] == []
    assert values["dropped"][0]["place"] == "Cee - Solo/mix.wav"
    assert str(tmp_path) not in (out / "report.json").read_text("utf-8")


def test_convert_stem_samples_are_within_one_step(tmp_path):
    source = tone(0.7, level=0.9)
    write(tmp_path / "a.wav", source, subtype="FLOAT")
    done = convert_stem(tmp_path / "a.wav", tmp_path / "a.flac")
    read, _ = soundfile.read(tmp_path / "a.flac", dtype="float64")
    assert np.abs(read - source[:, 0]).max() <= 0.5 / 32768 + 1e-9
    assert done.peak == pytest.approx(0.9, abs=1e-4) and done.note == ""


def test_convert_song_beyond_full_scale_is_lowered(tmp_path):
    write(tmp_path / "loud.wav", tone(level=2.0), subtype="FLOAT")
    write(tmp_path / "soft.wav", tone(level=0.5), subtype="FLOAT")
    names = ["loud", "soft"]
    converted, gain = convert_song([(tmp_path / f"{n}.wav", tmp_path / f"{n}.flac") for n in names])
    peaks = [np.abs(soundfile.read(tmp_path / f"{n}.flac")[0]).max() for n in names]
    assert gain == pytest.approx(0.5, rel=1e-3)
    assert peaks[0] == pytest.approx(1, abs=1e-3) and peaks[0] / peaks[1] == pytest.approx(4, rel=1e-3)
    assert [c.note for c in converted] == ["", ""]


def test_convert_song_slightly_beyond_full_scale_is_clipped(tmp_path):
    write(tmp_path / "a.wav", tone(level=1.05), subtype="FLOAT")
    [done], gain = convert_song([(tmp_path / "a.wav", tmp_path / "a.flac")])
    read, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert gain == 1 and "samples clipped" in done.note
    assert read.max() == 32767 and read.min() == -32768  # not wrapped round


def test_prepare_faults_cost_a_line_each(tmp_path):
    root, out = tmp_path / "in", tmp_path / "out"
    song = root / "A - Song"
    write(song / "piano.wav")
    write(song / "flute.wav", np.zeros(RATE, np.float32))
    write(song / "oboe.wav", np.full(RATE, np.nan, np.float32), subtype="FLOAT")
    write(song / "kazoo.wav")
    (song / "harp.wav").write_text("this is no audio")
    (song / "cello.wav").touch()
    whole = tmp_path / "whole.flac"
    write(whole, np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32))
    (song / "viola.flac").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    report = run(root, out)
    assert {(r.severity, r.stem) for r in report.issues if r.severity != "note"} == {
        ("failed", "flute"),
        ("failed", "oboe"),
        ("failed", "harp"),
        ("failed", "cello"),
        ("refused", "kazoo"),
    }
    reasons = {r.stem: r.reason for r in report.issues}
    assert reasons["flute"] == "silent (peak digital silence)" and reasons["cello"] == "empty file"
    assert "broken off" in reasons["viola"]
    assert not report.complete
    table = read_table(out, check_files=True)
    assert table["stem"].to_list() == ["piano", "viola"] and not table["aligned"].any()
    assert {p.stem for p in (out / "audio").rglob("*.*")} == {"piano", "viola"}


def test_prepare_strict_stops_at_first_issue(tmp_path):
    root = tmp_path / "in"
    songs(root, 1, ("kazoo", "vox"))
    with pytest.raises(CorpusError, match=r"kazoo\.wav: no instrument word"):
        run(root, tmp_path / "out", strict=True)
    assert not (tmp_path / "out" / "stems.parquet").exists()
    (root / "Artist 0 - Song 0" / "kazoo.wav").rename(root / "Artist 0 - Song 0" / "harp.wav")
    (root / "Artist 0 - Song 0" / "harp.wav").write_text("no audio")
    with pytest.raises(CorpusError, match=r"harp\.wav"):
        run(root, tmp_path / "out", strict=True)


def test_prepare_listed_file_missing_fails_alone(tmp_path):
    root = tmp_path / "in"
    write(root / "a.wav")
    (root / "stems.csv").write_text("path,song,instrument\na.wav,A,piano\nb.wav,B,flute\n")
    report = run(root, tmp_path / "out")
    assert [(r.place, r.reason) for r in report.of("failed")] == [("b.wav", "no such file")]
    write(root / "b.wav")
    assert run(root, tmp_path / "out").complete


def test_prepare_without_a_good_stem_is_an_error(tmp_path):
    root = tmp_path / "in"
    write(root / "s" / "piano.wav", np.zeros(RATE, np.float32))
    with pytest.raises(CorpusError, match="no stem could be prepared"):
        run(root, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "report.json").read_text())["failed"]


def test_prepare_out_in_root_or_bad_fractions_is_refused(tmp_path):
    songs(tmp_path, 1)
    with pytest.raises(CorpusError, match="lies in the source"):
        run(tmp_path, tmp_path / "out")
    with pytest.raises(ConfigError, match="sum 1"):
        run(tmp_path / "x", tmp_path / "out", PrepareConfig(fractions=(1.0, 1.0, 1.0)))


def test_prepare_jobs_and_format_give_the_same_table(tmp_path):
    songs(tmp_path / "in", 4)
    run(tmp_path / "in", tmp_path / "one")
    run(tmp_path / "in", tmp_path / "two", jobs=2)
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")
    run(tmp_path / "in", tmp_path / "wav", PrepareConfig(audio_format="wav"))
    columns = ["song", "stem", "split", "frames", "active", "aligned"]
    assert read_table(tmp_path / "wav").select(columns).equals(read_table(tmp_path / "one").select(columns))
    assert {p.suffix for p in (tmp_path / "wav" / "audio").rglob("*.*")} == {".wav"}


def test_prepare_second_run_converts_only_changes(tmp_path, prepared):
    root, out = tmp_path / "in", tmp_path / "out"
    songs(root, 3)
    run(root, out)
    first = snapshot(out)
    prepared.clear()
    run(root, out)
    assert prepared == [] and snapshot(out) == first

    song = root / "Artist 1 - Song 1"
    (root / "stems.csv").write_text(
        "path,instrument\n" + "".join(f"{p.relative_to(root).as_posix()},viola\n" for p in sorted(root.rglob("*.wav")))
    )
    run(root, out)
    assert prepared == []  # other labels, same audio
    assert set(read_table(out)["word"]) == {"viola"}

    (root / "stems.csv").unlink()
    write(song / "vox.wav", tone(0.6))
    write(song / "harp.wav", tone(0.6))
    (song / "drums.wav").unlink()
    run(root, out)
    assert prepared == ["Artist 1 - Song 1"]
    assert [p.stem for p in sorted((out / "audio").glob("Artist_1*/*"))] == ["harp", "vox"]


def test_prepare_again_retries_failures_and_drops_gone_songs(tmp_path, prepared):
    root, out = tmp_path / "in", tmp_path / "out"
    songs(root, 2, ("vox", "drums"))
    good = (root / "Artist 0 - Song 0" / "vox.wav").read_bytes()
    (root / "Artist 0 - Song 0" / "vox.wav").write_bytes(b"broken")
    assert not run(root, out).complete
    prepared.clear()
    (root / "Artist 0 - Song 0" / "vox.wav").write_bytes(good)
    assert run(root, out).complete and prepared == ["Artist 0 - Song 0"]
    for file in (root / "Artist 1 - Song 1").iterdir():
        file.unlink()
    run(root, out)
    assert [p.name.split("-")[0] for p in (out / "audio").iterdir()] == ["Artist_0_"]


def test_prepare_into_another_corpus_is_refused(tmp_path):
    songs(tmp_path / "in", 1)
    write(tmp_path / "other" / "x" / "piano.wav")
    run(tmp_path / "in", tmp_path / "out")
    before = snapshot(tmp_path / "out")
    with pytest.raises(CorpusError, match="holds another prepared corpus"):
        run(tmp_path / "other", tmp_path / "out")
    assert snapshot(tmp_path / "out") == before


def test_prepare_half_written_record_is_no_other_corpus(tmp_path):
    songs(tmp_path / "in", 1)
    half = tmp_path / "out" / ".records" / ".Artist_0_-_Song_0.k1lled.json"
    half.parent.mkdir(parents=True)
    half.write_text("{")
    assert run(tmp_path / "in", tmp_path / "out").complete
    assert not half.exists()


def test_prepare_leftovers_of_killed_run_are_removed(tmp_path):
    songs(tmp_path / "in", 2)
    run(tmp_path / "in", tmp_path / "out")
    before = snapshot(tmp_path / "out")
    folder = next(path for path in (tmp_path / "out" / "audio").iterdir())
    for left in (tmp_path / "out", tmp_path / "out" / ".records", folder):
        (left / f"{PREFIX}dead").touch()
    assert run(tmp_path / "in", tmp_path / "out").complete
    assert snapshot(tmp_path / "out") == before and not list((tmp_path / "out").rglob(f"{PREFIX}*"))


def test_prepare_broken_file_leaves_other_splits(tmp_path):
    root = tmp_path / "in"
    songs(root, 6, ("vox",))
    run(root, tmp_path / "a")
    (root / "Artist 2 - Song 2" / "vox.wav").write_bytes(b"broken")
    run(root, tmp_path / "b")
    before = dict(
        zip(*read_table(tmp_path / "a").select("song", "split").to_dict(as_series=False).values(), strict=True)
    )
    after = dict(
        zip(*read_table(tmp_path / "b").select("song", "split").to_dict(as_series=False).values(), strict=True)
    )
    assert len(after) == 5 and after.items() < before.items()


def test_prepare_reader_sets_splits_and_alignment(tmp_path):
    write(tmp_path / "a.wav", tone(0.3))
    write(tmp_path / "b.wav", tone(0.9))
    stems = tuple(
        SourceStem(name, tmp_path / f"{name}.wav", instruments(["piano"]), kind="loop", licence="CC0 1.0", aligned=True)
        for name in "ab"
    )
    corpus = Corpus("tiny", "Tiny", "", "", "", "", lambda root: iter([SourceSong("S", stems, "Me", "test")]))
    prepare(corpus, tmp_path, tmp_path.parent / f"{tmp_path.name}-out")
    table = read_table(tmp_path.parent / f"{tmp_path.name}-out")
    assert set(table["split"]) == {"test"} and table["aligned"].all() and set(table["corpus"]) == {"tiny"}
    assert set(table["licence"]) == {"CC0 1.0"} and set(table["kind"]) == {"loop"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("jobs", [1, 2])
def test_prepare_killed_and_started_again_gives_the_same(tmp_path, jobs):
    root, out = tmp_path / "in", tmp_path / "out"
    noise = np.random.default_rng(0).normal(0, 0.1, 40 * RATE).astype(np.float32)
    for i in range(6):
        write(root / f"Song {i}" / "vox.wav", noise, 44_100)
        write(root / f"Song {i}" / "drums.wav", noise[::-1], 44_100)
    command = [sys.executable, "-m", "organology.cli", "prepare", "stems", str(root), "--out", str(out)]
    with subprocess.Popen(
        [*command, "--jobs", str(jobs)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while not list(out.glob(".records/[!.]*.json")) and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    done = {path.name: path.stat().st_mtime_ns for path in out.glob(".records/[!.]*.json")}
    assert 0 < len(done) < 6 and not (out / "stems.parquet").exists()
    wait_for_group_to_end(process.pid)
    run(root, out)
    assert {name: (out / ".records" / name).stat().st_mtime_ns for name in done} == done  # nothing twice
    run(root, tmp_path / "undisturbed")
    assert snapshot(out) == snapshot(tmp_path / "undisturbed")  # and no temporary file left


def wait_for_group_to_end(group):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("workers outlive their parent")


def test_prepare_verb_prints_counts_and_exit_status(tmp_path):
    app = command_line()
    songs(tmp_path / "in", 3)
    arguments = ["prepare", "stems", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--jobs", "1"]
    result = CliRunner().invoke(app, [*arguments, "--split", "song", "--fractions", "1/0/0"])
    assert result.exit_code == 0, result.output
    assert "train: stems" in result.stdout and "3 songs, 6 stems" in result.stdout
    (tmp_path / "in" / "Artist 0 - Song 0" / "vox.wav").write_text("broken")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "failed: Artist 0 - Song 0/vox.wav: not audio that can be decoded" in result.stderr
    assert "3 songs, 5 stems" in result.stdout and "1 failed" in result.stdout
    assert len(read_table(Path(tmp_path / "out"))) == 5
    assert CliRunner().invoke(app, [*arguments, "--fractions", "half"]).exit_code == 1
