"""Tags in recordings: our field and nothing else, the audio as it was, no file lost."""

import os
import shutil
import stat
import struct
import subprocess
import sys

import mutagen
import numpy as np
import pytest
import soundfile
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.flac import Picture
from mutagen.id3 import APIC, ID3, TIT2, TYER, ID3NoHeaderError
from mutagen.mp4 import MP4Cover
from typer.testing import CliRunner

from bounds import bounded
from organology import audio
from organology.cli.recordings import recognize
from organology.errors import OrganologyError
from organology.filetags import writing
from organology.filetags.fields import TaggedFile
from organology.filetags.writing import FIELD, MP4_FIELD, read_model, read_tags, remove_tags, write_tags
from organology.library.rows import FileState
from organology.library.store import Store
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
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if kind in ("mp3", "wav", "aiff"):
        file.tags.add(TIT2(encoding=3, text=["Títle"]))
        file.tags.add(APIC(encoding=0, mime="image/png", type=3, desc="front", data=b"\x89PNG" * 300))
    elif kind == "m4a":
        file.tags["\xa9nam"] = ["Títle"]
        file.tags["----:com.apple.iTunes:MOOD"] = [b"calm"]
        file.tags["covr"] = [MP4Cover(b"\x89PNG" * 300, MP4Cover.FORMAT_PNG)]
    else:
        file.tags["TITLE"], file.tags["COMMENT"] = ["Títle"], ["one", "two"]
    if kind == "flac":
        cover = Picture()
        cover.type, cover.mime, cover.data = 3, "image/png", b"\x89PNG" * 300
        file.add_picture(cover)
    file.save()
    return path


def samples(path):
    with audio.decode(path) as stream:
        return np.concatenate(list(stream))


def others(path):
    file = mutagen.File(path)
    ours = (f"TXXX:{FIELD}", MP4_FIELD, FIELD.lower())
    ours = (*ours, *(name.replace("INSTRUMENTS", "SUMMARY").replace("instruments", "summary") for name in ours))
    if hasattr(file.tags, "as_dict"):
        found = {key: value for key, value in file.tags.as_dict().items() if key.lower() not in ours}
        return {**found, "pictures": [one.data for one in getattr(file, "pictures", ())]}
    return {key: repr(file.tags[key]) for key in file.tags if key not in ours}


@pytest.mark.parametrize("kind", KINDS)
def test_write_tags_every_container_changes_our_field_alone(kind, tmp_path):
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
def test_write_tags_file_without_tags_gets_them(kind, tmp_path):
    path = write(tmp_path / f"a.{kind}", tone(0.5))
    sound = samples(path)
    write_tags(path, LABELS, dry_run=False)
    assert read_tags(path) == LABELS
    np.testing.assert_array_equal(samples(path), sound)


def test_write_tags_dry_run_writes_nothing(tmp_path):
    path = recording(tmp_path, "flac")
    content, time = path.read_bytes(), path.stat().st_mtime_ns
    change = write_tags(path, LABELS)
    assert change.describe(done=False) == f"{path}: would write {FIELD}: voice; bowed_string; singer; violin"
    assert path.read_bytes() == content and path.stat().st_mtime_ns == time
    write_tags(path, ["piano"], dry_run=False)
    assert "(was piano)" in write_tags(path, ["drums"]).describe(done=False)


def test_write_tags_old_id3_keeps_its_version(tmp_path):
    path = write(tmp_path / "a.mp3", tone(0.5))
    frames = ID3()
    frames.add(TIT2(encoding=1, text=["Títle"]))
    frames.add(TYER(encoding=0, text=["1999"]))
    frames.save(path, v2_version=3)
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


def test_write_tags_file_that_cannot_carry_them_is_one_line(tmp_path):
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
def test_write_tags_that_fails_leaves_the_file(broken, tmp_path, monkeypatch):
    path = recording(tmp_path, "flac")
    content = path.read_bytes()
    monkeypatch.setattr(broken, lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OrganologyError, match="No space left"):
        write_tags(path, LABELS, dry_run=False)
    assert path.read_bytes() == content and list(tmp_path.iterdir()) == [path]


def refused(path, reason, **kinds):
    content = path.read_bytes()
    for dry_run in (True, False):
        with pytest.raises(OrganologyError, match=reason) as caught:
            write_tags(path, LABELS, dry_run=dry_run, **kinds)
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_write_tags_link_is_refused(tmp_path):
    path = recording(tmp_path, "flac")
    (tmp_path / "link.flac").symlink_to(path)
    refused(tmp_path / "link.flac", "symbolic link")
    (tmp_path / "hard.flac").hardlink_to(path)
    refused(path, "2 names")


def test_write_tags_read_only_file_is_refused(tmp_path):
    path = recording(tmp_path, "ogg")
    path.chmod(0o444)
    refused(path, "read-only")


@pytest.mark.parametrize(("kind", "name"), [("flac", "a.mp3"), ("ogg", "a.opus"), ("wav", "a.flac"), ("m4a", "a.wav")])
def test_write_tags_other_container_than_the_suffix_is_refused(kind, name, tmp_path):
    refused(recording(tmp_path, kind).rename(tmp_path / name), "not what")


def test_write_tags_file_changed_since_is_refused(tmp_path):
    path = recording(tmp_path, "flac")
    refused(path, "changed since", unchanged_since_ns=path.stat().st_mtime_ns - 1)
    assert write_tags(path, LABELS, False, unchanged_since_ns=path.stat().st_mtime_ns).is_change


def test_write_tags_file_changed_meanwhile_is_kept(tmp_path, monkeypatch):
    path = recording(tmp_path, "flac")

    def verify(*given):
        path.write_bytes(b"something new")

    monkeypatch.setattr(writing, "_verify", verify)
    with pytest.raises(OrganologyError, match="changed meanwhile"):
        write_tags(path, LABELS, dry_run=False)
    assert path.read_bytes() == b"something new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", KINDS)
def test_write_tags_damage_to_audio_or_other_tags_is_noticed(kind, tmp_path, monkeypatch):
    path, other = recording(tmp_path, kind), tmp_path / f"other.{kind}"
    shutil.copyfile(path, other)
    before = writing.packets(path, path)
    assert writing.packets(other, other) == before
    content = bytearray(path.read_bytes())
    real = TaggedFile.write
    for damage, reason in ((_flip, "audio would not stay|cannot be read|do not read"), (_retitle, "other tags")):

        def spoilt(self, fields, damage=damage):
            real(self, fields)
            damage(self._path, kind)

        monkeypatch.setattr(TaggedFile, "write", spoilt)
        with pytest.raises(OrganologyError, match=reason):
            write_tags(path, LABELS, dry_run=False)
        assert path.read_bytes() == content and sorted(tmp_path.iterdir()) == sorted([path, other])


def _flip(path, kind):
    """Change one byte of the audio: it lies before the tags or behind them."""
    content = bytearray(path.read_bytes())
    begins = content.find(b"mdat") + 400 if kind == "m4a" else 1000 if kind in ("wav", "aiff") else len(content) - 300
    content[begins] ^= 1
    path.write_bytes(content)


def _retitle(path, kind):
    file = mutagen.File(path)
    key = "TIT2" if kind in ("mp3", "wav", "aiff") else "\xa9nam" if kind == "m4a" else "TITLE"
    del file.tags[key]
    file.save()


@pytest.mark.parametrize("kind", KINDS)
def test_write_tags_names_the_model(kind, tmp_path):
    path = recording(tmp_path, kind)
    assert write_tags(path, LABELS, False, "tiny é 1").describe(True).endswith("singer; violin")
    assert (read_tags(path), read_model(path)) == (LABELS, "tiny é 1")
    assert not write_tags(path, LABELS, False, "tiny é 1").is_change
    assert "was so by tiny é 1" in write_tags(path, LABELS, False, "tiny 2").describe(True)
    write_tags(path, (), False, "tiny 2")  # it listened, and nothing plays
    assert (read_tags(path), read_model(path)) == ((), "tiny 2")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    "moment", ["writing._verify", "writing._take_after", "writing.sync", "fields.TaggedFile.write"]
)
def test_write_tags_killed_at_any_moment_leaves_the_file_whole(moment, tmp_path):
    path = recording(tmp_path, "flac")
    content, sound = path.read_bytes(), samples(path)
    program = (
        "import os, sys; from unittest.mock import patch; from organology.filetags import writing\n"
        f"with patch('organology.filetags.{moment}', lambda *_: os._exit(9)):\n"
        "    writing.write_tags(sys.argv[1], ['violin'], dry_run=False)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    if moment == "writing.sync":
        assert read_tags(path) in ((), ("violin",))
    else:
        assert path.read_bytes() == content
    np.testing.assert_array_equal(samples(path), sound)


def test_write_tags_keeps_permissions_and_sets_the_time(tmp_path):
    path = recording(tmp_path, "wav")
    path.chmod(0o604)
    os.utime(path, ns=(10**18, 10**18))
    write_tags(path, LABELS, dry_run=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604 and path.stat().st_mtime_ns > 10**18


def test_write_tags_new_tag_in_wav_is_version_2_3(tmp_path):
    path = write(tmp_path / "a.wav", tone(0.1))
    with pytest.raises(ID3NoHeaderError):
        ID3(path)
    write_tags(path, LABELS, dry_run=False)
    assert mutagen.File(path).tags.version[:2] == (2, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_write_tags_several_labels_also_stand_in_one_value(kind, tmp_path):
    path = recording(tmp_path, kind)
    write_tags(path, LABELS, dry_run=False)
    tags = mutagen.File(path).tags
    if kind == "m4a":
        found = [bytes(one).decode() for one in tags["----:com.organology:SUMMARY"]]
    else:
        found = tags["TXXX:ORGANOLOGY_SUMMARY"].text if kind in ("mp3", "wav", "aiff") else tags["ORGANOLOGY_SUMMARY"]
    assert list(found) == ["voice; bowed_string; singer; violin"]


@pytest.mark.parametrize("kind", KINDS)
def test_remove_tags_leaves_all_else(kind, tmp_path):
    path = recording(tmp_path, kind)
    sound, before = samples(path), others(path)
    assert not remove_tags(path, dry_run=False).is_change
    write_tags(path, LABELS, False, "tiny 1")
    change = remove_tags(path)
    assert change.describe(False) == f"{path}: would remove {FIELD}: {'; '.join(LABELS)}" and read_tags(path) == LABELS
    remove_tags(path, dry_run=False)
    assert (read_tags(path), read_model(path), others(path)) == ((), "", before)
    assert not any("ORGANOLOGY" in str(key).upper() for key in mutagen.File(path).tags)
    np.testing.assert_array_equal(samples(path), sound)


@pytest.mark.parametrize("size", [b"\xff\xff\xff\xff", b"\x00\x10\x00\x7f"])
def test_write_tags_wav_of_unknown_length_is_refused(size, tmp_path):
    path = recording(tmp_path, "wav")
    content = path.read_bytes()
    path.write_bytes(content[:4] + size + content[8:])
    refused(path, "another length")


def test_write_tags_any_error_of_mutagen_is_one_line(tmp_path, monkeypatch):
    path = recording(tmp_path, "flac")
    monkeypatch.setattr("mutagen.flac.FLAC.save", lambda *_, **__: struct.unpack("<I", b""))
    with pytest.raises(OrganologyError, match="unpack requires") as caught:
        write_tags(path, LABELS, dry_run=False)
    assert str(caught.value).startswith(f"{path}: ") and list(tmp_path.iterdir()) == [path]


HEADS = (
    b"",
    b"ID3\x03\0\0\0\0\0\x7f",
    b"RIFF\x20\0\0\0WAVE",
    b"fLaC",
    b"OggS",
    b"FORM\0\0\0\x20AIFF",
    b"\0\0\0\x20ftypM4A ",
)


@given(content=st.binary(max_size=300), head=st.sampled_from(HEADS))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_read_tags_any_bytes_give_labels_or_one_line(content, head, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(head + content)
    for act in (read_tags, lambda path: write_tags(path, LABELS, dry_run=False)):
        with bounded(OrganologyError):
            act(path)
    assert list(tmp_path.iterdir()) == [path]


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


def test_tags_verb_lists_first_and_writes_with_yes(run, tmp_path):
    path = play(tmp_path / "a.flac")
    play(tmp_path / "b.au")
    content = path.read_bytes()
    told = run("a.flac", "b.au", "--write-tags", "--format", "csv")
    lines = [
        "a.flac: would write ORGANOLOGY_INSTRUMENTS: bowed_string; violin",
        "b.au: this kind of file cannot carry the tag",
    ]
    lines.append("nothing was written; with --yes the tags of 1 file are")
    assert (told.exit_code, told.stderr.splitlines()) == (1, lines) and path.read_bytes() == content
    done = run("a.flac", "--write-tags", "--yes", "--store", "lib.db")
    assert done.exit_code == 0 and "a.flac: wrote ORGANOLOGY_INSTRUMENTS" in done.stderr
    assert read_tags(path) == ("bowed_string", "violin")
    again = run("a.flac", "--write-tags", "--yes", "--store", "lib.db")
    assert again.exit_code == 0 and "a.flac: tag is already so" in again.stderr
    assert read_model(path).startswith("tiny ")
    with Store(tmp_path / "lib.db") as store:
        assert store.get(store.runs()[0], FileState.of("a.flac"), "a.flac")  # the file as it now is
    assert run("a.flac", "--yes").exit_code == 2
    assert run("a.flac", "--write-tags", "--channels", "split").exit_code == 2


def test_tags_verb_without_mutagen_is_one_line_before_the_work(run, tmp_path, monkeypatch):
    play(tmp_path / "a.flac")
    monkeypatch.setattr("organology.batch.tag_writer.find_spec", lambda name: None)
    result = run("a.flac", "--write-tags")
    assert isinstance(result.exception, OrganologyError) and "pip install mutagen" in str(result.exception)
