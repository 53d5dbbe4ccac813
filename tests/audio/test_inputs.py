"""From what a user names to files: folders, patterns, playlists, lists, standard input, special files."""

import io
import os
import socket
import sys

import pytest

from organology import audio
from organology.audio.inputs import expand
from organology.audio.playlist import read_playlist
from organology.audio.sources import spooling
from organology.errors import AudioError, OrganologyError, UnreadableError
from sounds import tone, write

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="such names and files are of Linux")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x/2.WAV", "x/1.flac", "x/deep/3.mp3", "x/notes.txt", "x/.hidden.wav", "x/.git/4.wav", "y/5.Ogg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(*paths, **kinds):
    inputs = expand(paths, **kinds)
    assert inputs.failures == []
    return [item.name for item in inputs.files]


def test_expand_folders_are_searched(tree):
    assert names("x", "y") == ["x/1.flac", "x/2.WAV", "x/deep/3.mp3", "y/5.Ogg"]
    assert names("x", recursive=False) == ["x/1.flac", "x/2.WAV"]
    assert names("x", hidden=True) == ["x/.git/4.wav", "x/.hidden.wav", "x/1.flac", "x/2.WAV", "x/deep/3.mp3"]
    assert names("x/.hidden.wav", "x/notes.txt") == ["x/.hidden.wav", "x/notes.txt"]
    assert [str(item.root) for item in expand(["x", "y/5.Ogg"]).files] == ["x", "x", "x", "y"]


def test_expand_folder_linked_twice_is_searched_once(tree):
    (tree / "x" / "deep" / "loop").symlink_to(tree / "x", target_is_directory=True)
    (tree / "x" / "itself").symlink_to(tree / "x" / "itself")
    assert names("x") == ["x/1.flac", "x/2.WAV", "x/deep/3.mp3"]
    assert names("**/*") == ["x/1.flac", "x/2.WAV", "x/deep/3.mp3", "y/5.Ogg"]


def test_expand_patterns_match_files(tree):
    assert names("x/*.flac") == ["x/1.flac"]
    assert names("*/[12].*") == ["x/1.flac", "x/2.WAV"]
    assert names("**/*.mp3", "x/**/?.mp3") == ["x/deep/3.mp3"]
    assert names("*") == names("x", "y")  # folders that match are searched
    assert names("x/*.txt") == ["x/notes.txt"]  # a suffix that is said is taken
    assert names("x/.h*.wav") == ["x/.hidden.wav"]
    assert names(f"{tree}/x/*.flac") == [f"{tree}/x/1.flac"]
    (tree / "[1].flac").touch()
    assert names("[1].flac") == ["[1].flac"]
    assert expand(["x/*.wma", "z/*.wav"]).failures == [
        ("x/*.wma", "no file matches this pattern"),
        ("z/*.wav", "no such file or folder"),
    ]
    assert expand(["x**y/*.wav"]).failures[0][1].startswith(("not a pattern", "no file"))


def test_expand_missing_path_is_one_line(tree):
    (tree / "empty").mkdir()
    inputs = expand(["empty", "nowhere.wav", "x/1.flac", "x", "bad\0name"])
    assert inputs.failures == [
        ("empty", "no audio in this folder"),
        ("nowhere.wav", "no such file or folder"),
        ("bad\0name", "no such file or folder"),
    ]
    assert [item.name for item in inputs.files] == ["x/1.flac", "x/2.WAV", "x/deep/3.mp3"]


def test_expand_folder_that_cannot_be_read_is_one_line(tree, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    inputs = expand(["x"])
    assert inputs.failures == [("x/deep", "Permission denied")] and len(inputs.files) == 2


def test_read_playlist_m3u_is_a_list_of_local_files(tree):
    (tree / "lists").mkdir()
    (tree / "lists" / "a.M3U").write_bytes(
        b"#EXTM3U\r\n#EXTINF:12,Artist - Title\r\n..\\x\\1.flac\r\n\r\n"
        + os.fsencode(tree / "y" / "5.Ogg")
        + b"\nhttp://radio.example/live.mp3\n../x/none.mp3\nother.m3u8\n"
    )
    inputs = expand(["lists/a.M3U"])
    assert [item.name for item in inputs.files] == ["lists/../x/1.flac", f"{tree}/y/5.Ogg"]
    assert inputs.failures == [
        ("lists/a.M3U", "line 6: http://radio.example/live.mp3: an address, not a local file"),
        ("lists/../x/none.mp3", "no such file (line 7 of lists/a.M3U)"),
        ("lists/a.M3U", "line 8: other.m3u8: a playlist in a playlist"),
    ]


@linux
@pytest.mark.parametrize(
    ("on_disk", "written"),
    [
        ("Ångström.mp3".encode(), "Ångström.mp3".encode()),
        ("Ångström.mp3".encode(), "Ångström.mp3".encode("cp1252")),
        ("Ångström.mp3".encode("latin-1"), "Ångström.mp3".encode("latin-1")),
        ("A\u030angstro\u0308m.mp3".encode(), "Ångström.mp3".encode()),
        ("音楽.mp3".encode(), b"\xef\xbb\xbf" + "音楽.mp3".encode()),
        ("音楽.mp3".encode(), b"\xff\xfe" + "#EXTM3U\r\n音楽.mp3\r\n".encode("utf-16-le")),
        (b"a b.mp3", b"file://%(here)s/a%20b.mp3"),
    ],
)
def test_read_playlist_any_encoding_is_read(tree, on_disk, written):
    (tree / os.fsdecode(on_disk)).touch()
    (tree / "a.m3u").write_bytes(written.replace(b"%(here)s", os.fsencode(tree)))
    (entry,) = read_playlist("a.m3u")
    assert os.path.lexists(entry.path) and os.path.basename(os.fsencode(entry.path)) == on_disk  # noqa: PTH119


def test_read_playlist_pls_is_a_list_of_local_files(tree):
    (tree / "a.pls").write_text(
        "[playlist]\nNumberOfEntries=2\nfile2=y/5.Ogg\nTitle2=b\nLength2=-1\nFile1 = x/1.flac\nVersion=2\n"
    )
    assert names("a.pls") == ["x/1.flac", "y/5.Ogg"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no file in this playlist"),
        (b"#EXTM3U\n# nothing\n", "no file in this playlist"),
        (b"RIFF\0\0\0\0WAVE", "not a playlist"),
        (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.ts\n",
            "the playlist of a stream (HLS), not a list of files",
        ),
    ],
)
def test_read_playlist_other_file_is_refused(tree, content, reason):
    (tree / "a.m3u8").write_bytes(content)
    assert expand(["a.m3u8"]).failures == [("a.m3u8", reason)]


def test_expand_lists_of_paths_are_read(tree):
    (tree / "list").write_text("x/1.flac\n\n  \nx/deep\n")
    (tree / "list0").write_bytes(b"x/1.flac\0x/2.WAV\0")
    assert [item.name for item in expand([], ["list"]).files] == ["x/1.flac", "x/deep/3.mp3"]
    assert expand([], ["list"]).failures == [("  ", "no such file or folder")]
    assert names(lists=["list0"], null=True) == names("@list0", null=True) == ["x/1.flac", "x/2.WAV"]
    assert "--null" in expand([], ["list0"]).failures[0][1]
    assert expand(["@nowhere"]).failures == [("nowhere", "No such file or directory")]
    (tree / "@name.wav").touch()
    assert names("@name.wav") == ["@name.wav"]


class Stdin:
    def __init__(self, content, terminal=False):
        self.buffer, self.closed, self._terminal = io.BytesIO(content), False, terminal

    def isatty(self):
        return self._terminal


def test_expand_standard_input_is_spooled(tree, monkeypatch):
    content = write(tree / "a.wav", tone()).read_bytes()
    monkeypatch.setattr(sys, "stdin", Stdin(content))
    (item,) = expand(["-"]).files
    assert item.name == "<stdin>" and len(audio.read_mono(item.source)) == 32_000
    monkeypatch.setattr(sys, "stdin", Stdin(b"x/1.flac\n"))
    assert names(lists=["-"]) == ["x/1.flac"]
    with pytest.raises(OrganologyError, match="once"):
        expand(["-", "-"])
    monkeypatch.setattr(sys, "stdin", Stdin(b"", terminal=True))
    assert expand(["-"]).failures[0][0] == "<stdin>"


def test_spool_what_cannot_seek_goes_to_a_temporary_file(tree, monkeypatch):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    monkeypatch.setattr(spooling, "SPOOL_BYTES", 1000)
    content = write(tree / "a.wav", tone()).read_bytes()
    held = spooling.spool(Pipe(content), "pipe")
    assert held._rolled and held.name == "pipe" and held.read() == content
    assert len(audio.read_mono(Pipe(content))) == 32_000


def test_decode_object_that_is_no_file_is_refused(tree):
    with pytest.raises(AudioError, match="text"):
        audio.decode(io.StringIO("text"))
    file = (tree / "x" / "1.flac").open("rb")
    file.close()
    with pytest.raises(AudioError, match=r"1\.flac: .*closed"):
        audio.decode(file)
    with pytest.raises(TypeError, match="int"):
        audio.decode(5)


@linux
def test_decode_special_files_are_refused_at_once(tree):
    os.mkfifo("pipe.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")
        (tree / "link.wav").symlink_to("nowhere")
        for path, reason in (
            ("pipe.wav", "a named pipe"),
            ("socket.wav", "a socket"),
            ("/dev/zero", "a device"),
            ("link.wav", "no such file"),
            (".", "a folder"),
        ):
            with pytest.raises(UnreadableError, match=f"{path}: {reason}"):
                audio.decode(path)
