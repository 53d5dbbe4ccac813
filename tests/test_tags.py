"""Tags in recordings: our field and nothing else, the audio as it was, no file lost."""

import stat
import sys

import mutagen
import numpy as np
import pytest
import soundfile
import typer
from mutagen.id3 import APIC, ID3, TIT2, TYER, ID3NoHeaderError
from typer.testing import CliRunner

from organology import audio
from organology.cli import recognize
from organology.errors import OrganologyError
from organology.recognition.store import Store
from organology.recognition.store_rows import FileState
from organology.recognition.tags import FIELD, MP4_FIELD, read_tags, write_tags
from sounds import encode, tone, write
from tiny_model import RATE, build, frequency

LABELS = ("voice", "bowed_string", "singer", "violin")
KINDS = ("mp3", "flac", "ogg", "opus", "m4a", "wav", "aiff")


def recording(folder, kind):
    path, sound = folder / f"a song.{kind}", tone(0.5, channels=2)
    if kind == "m4a":
        encode(path, sound)
    elif kind == "opus":
        write(path, tone(0.5, 48_000, 2), 48_000, format="OGG", subtype="OPUS")
    else:
        write(path, sound)
    tags = mutagen.File(path)
    if tags.tags is None:
        tags.add_tags()
    if kind in ("mp3", "wav", "aiff"):
        tags.tags.add(TIT2(encoding=3, text=["Títle"]))
        tags.tags.add(APIC(encoding=0, mime="image/png", type=3, desc="front", data=b"\x89PNG" * 300))
    elif kind == "m4a":
        tags.tags["\xa9nam"] = ["Títle"]
        tags.tags["----:com.apple.iTunes:MOOD"] = [b"calm"]
    else:
        tags.tags["TITLE"], tags.tags["COMMENT"] = ["Títle"], ["one", "two"]
    tags.save()
    return path


def samples(path):
    with audio.decode(path) as stream:
        return np.concatenate(list(stream))


def others(path):
    tags = mutagen.File(path).tags
    ours = (f"TXXX:{FIELD}", MP4_FIELD, FIELD.lower())
    if hasattr(tags, "as_dict"):
        return {key: value for key, value in tags.as_dict().items() if key.lower() not in ours}
    return {key: repr(tags[key]) for key in tags if key not in ours}


@pytest.mark.parametrize("kind", KINDS)
def test_our_field_and_nothing_else(kind, tmp_path):
    path = recording(tmp_path, kind)
    sound, before = samples(path), others(path)
    path.chmod(0o640)
    assert read_tags(path) == ()
    assert write_tags(path, LABELS, dry_run=False).is_change
    assert read_tags(path) == LABELS and mutagen.File(path).tags is not None
    np.testing.assert_array_equal(samples(path), sound)
    assert others(path) == before and len(before) >= 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and list(tmp_path.iterdir()) == [path]
    assert not write_tags(path, LABELS, dry_run=False).is_change
    write_tags(path, ["drums"], dry_run=False)
    assert read_tags(path) == ("drums",)
    write_tags(path, [], dry_run=False)
    assert read_tags(path) == () and others(path) == before
    np.testing.assert_array_equal(samples(path), sound)


@pytest.mark.parametrize("kind", ["mp3", "flac", "wav"])
def test_a_file_without_any_tags(kind, tmp_path):
    path = write(tmp_path / f"a.{kind}", tone(0.5))
    sound = samples(path)
    write_tags(path, LABELS, dry_run=False)
    assert read_tags(path) == LABELS
    np.testing.assert_array_equal(samples(path), sound)


def test_a_dry_run_writes_nothing(tmp_path):
    path = recording(tmp_path, "flac")
    content, time = path.read_bytes(), path.stat().st_mtime_ns
    change = write_tags(path, LABELS)
    assert change.told(done=False) == f"{path}: would write {FIELD}: voice; bowed_string; singer; violin"
    assert path.read_bytes() == content and path.stat().st_mtime_ns == time
    write_tags(path, ["piano"], dry_run=False)
    assert "(was piano)" in write_tags(path, ["drums"]).told(done=False)


def test_old_id3_stays_what_it_is(tmp_path):
    path = write(tmp_path / "a.mp3", tone(0.5))
    tags = ID3()
    tags.add(TIT2(encoding=1, text=["Títle"]))
    tags.add(TYER(encoding=0, text=["1999"]))
    tags.save(path, v2_version=3)
    old = b"TAG" + b"Another title".ljust(30, b"\0") + b"x".ljust(94, b" ") + b"\x0c"
    with path.open("ab") as file:
        file.write(old)
    sound = samples(path)
    write_tags(path, LABELS, dry_run=False)
    found = ID3(path, translate=False)
    assert found.version == (2, 3, 0) and str(found["TYER"].text[0]) == "1999" and "TDRC" not in found
    assert found[f"TXXX:{FIELD}"].text == ["; ".join(LABELS)]
    assert path.read_bytes()[-128:] == old and read_tags(path) == LABELS
    np.testing.assert_array_equal(samples(path), sound)


def test_what_cannot_carry_tags_is_one_line(tmp_path):
    text, empty, au = tmp_path / "text.mp3", tmp_path / "empty.flac", tmp_path / "a.au"
    text.write_text("text, whatever its name")
    empty.touch()
    soundfile.write(au, tone(0.1), 44_100)
    for path in (text, empty, au, tmp_path / "missing.mp3"):
        with pytest.raises(OrganologyError) as caught:
            write_tags(path, LABELS, dry_run=False)
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    assert text.read_text() == "text, whatever its name" and empty.stat().st_size == 0


@pytest.mark.parametrize("broken", ["mutagen.flac.FLAC.save", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_file(broken, tmp_path, monkeypatch):
    path = recording(tmp_path, "flac")
    content = path.read_bytes()
    monkeypatch.setattr(broken, lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OrganologyError, match="No space left"):
        write_tags(path, LABELS, dry_run=False)
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "store").mkdir()
    path = recording(tmp_path / "store", "flac")
    link = tmp_path / "link.flac"
    link.symlink_to(path)
    write_tags(link, LABELS, dry_run=False)
    assert link.is_symlink() and read_tags(path) == LABELS


def test_a_new_tag_in_wav_is_2_3(tmp_path):
    path = write(tmp_path / "a.wav", tone(0.1))
    with pytest.raises(ID3NoHeaderError):
        ID3(path)
    write_tags(path, LABELS, dry_run=False)
    assert mutagen.File(path).tags.version[:2] == (2, 3)


@pytest.fixture
def run(tmp_path, monkeypatch):
    model = build(tmp_path / "tiny.onnx")
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    recognize.register(app)
    return lambda *given: CliRunner().invoke(app, ["recognize", *given, "--model", str(model), "--threads", "1"])


def play(path):
    t = np.arange(RATE) / RATE
    return write(path, (0.3 * np.sin(2 * np.pi * frequency("violin") * t)).astype(np.float32)[:, None], RATE)


def test_the_command_tells_first_and_writes_when_told_so(run, tmp_path):
    path = play(tmp_path / "a.flac")
    play(tmp_path / "b.au")
    content = path.read_bytes()
    told = run("a.flac", "b.au", "--write-tags", "--format", "csv")
    lines = [
        "a.flac: would write ORGANOLOGY_INSTRUMENTS: bowed_string; violin",
        "b.au: this kind of file cannot carry the tag",
    ]
    assert (told.exit_code, told.stderr.splitlines()) == (1, lines) and path.read_bytes() == content
    done = run("a.flac", "--write-tags", "--yes", "--store", "lib.db")
    assert done.exit_code == 0 and "a.flac: wrote ORGANOLOGY_INSTRUMENTS" in done.stderr
    assert read_tags(path) == ("bowed_string", "violin")
    again = run("a.flac", "--write-tags", "--yes", "--store", "lib.db")
    assert again.exit_code == 0 and "a.flac: tag is already so" in again.stderr
    with Store(tmp_path / "lib.db") as store:
        assert store.get(store.runs()[0], FileState.of("a.flac"), "a.flac")  # the file as it now is
    assert run("a.flac", "--yes").exit_code == 2
    assert run("a.flac", "--write-tags", "--channels", "split").exit_code == 2
