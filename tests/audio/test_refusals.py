"""What cannot be read costs one clear line, in bounded time: special files, odd playlists and file objects."""

import io
import os
import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds import bounded
from organology import audio
from organology.audio import playlist
from organology.audio.decoding import readers
from organology.audio.inputs import expand
from organology.errors import AudioError, UnreadableError
from sounds import noise, tone, write

SECONDS = 10.0
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="such files are of Linux")


def one_line(error):
    text = str(error.value)
    assert "\n" not in text and ": " in text
    return text


@pytest.mark.parametrize("kind", [struct.error, OverflowError, MemoryError, RuntimeError, KeyError, ZeroDivisionError])
def test_decode_any_exception_of_a_decoder_is_one_line(tmp_path, monkeypatch, kind):
    path = write(tmp_path / "a.wav", noise(0.1))

    def fail(*_, **__):
        raise kind("odd\nthings")

    monkeypatch.setattr(readers.SoundfileReader, "blocks", fail)
    with pytest.raises(AudioError) as error:
        audio.read_mono(path)
    assert one_line(error).startswith(f"{path}: cannot be decoded")
    monkeypatch.setattr(readers.SoundfileReader, "__init__", fail)
    with pytest.raises(AudioError) as error:
        audio.decode(path)
    assert one_line(error).startswith(f"{path}: ")


@pytest.mark.parametrize("kind", [OSError, ValueError, RuntimeError, UnicodeDecodeError, EOFError])
def test_decode_file_object_that_raises_is_one_line(tmp_path, kind, capfd):
    content = write(tmp_path / "a.flac", noise(0.5)).read_bytes()

    class Odd(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 30_000 or size > 10_000:
                raise kind("utf-8", b"", 0, 1, "odd") if kind is UnicodeDecodeError else kind("odd")
            return super().read(size)

    try:
        audio.read_mono(Odd(content))
    except AudioError as error:
        assert "\n" not in str(error)
    with pytest.raises(UnreadableError):
        unseekable = Odd(content)
        unseekable.seekable = lambda: False
        audio.decode(unseekable)
    assert capfd.readouterr().err == ""


@linux
def test_decode_file_that_would_wait_for_ever_is_refused(tmp_path):
    os.mkfifo(tmp_path / "x.m3u")
    os.mkfifo(tmp_path / "x.wav")
    (tmp_path / "y.m3u").symlink_to("/proc/kmsg")
    (tmp_path / "y.wav").symlink_to("/proc/kmsg")
    (tmp_path / "z.m3u").symlink_to("/dev/zero")
    for name in ("x.m3u", "y.m3u", "z.m3u"):
        with pytest.raises(AudioError) as error:
            playlist.read_playlist(tmp_path / name)
        one_line(error)
    for name in ("x.wav", "y.wav"):
        with pytest.raises(AudioError) as error:
            audio.decode(tmp_path / name)
        one_line(error)
    good = write(tmp_path / "good.wav", tone(0.1))
    inputs = expand([str(tmp_path / "x.m3u"), str(tmp_path / "y.m3u"), str(good)])
    assert len(inputs.failures) == 2 and [item.name for item in inputs.files] == [str(good)]


def test_read_playlist_of_huge_size_is_refused(tmp_path):
    path = tmp_path / "a.m3u"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(AudioError, match="at most 64 MiB, got 1024"):
        playlist.read_playlist(path)


def test_read_playlist_of_too_many_entries_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(playlist, "_MAX_ENTRIES", 10)
    path = tmp_path / "a.m3u"
    path.write_bytes(b"a\n" * 11)
    with pytest.raises(AudioError, match="at most 10 entries"):
        playlist.read_playlist(path)


def test_read_playlist_odd_entries_are_refused_and_the_rest_goes_on(tmp_path):
    good = write(tmp_path / "good.wav", tone(0.1))
    path = tmp_path / "a.m3u"
    path.write_bytes(b"file://[\nfile:///a%00b.wav\nfile://host]/x.wav\n\xff\xfe\x80.wav\na.m3u\ngood.wav\n")
    entries = playlist.read_playlist(path)
    assert [entry.reason for entry in entries] == [
        "an address, not a local file",
        "a NUL byte in a name",
        "an address, not a local file",
        "",
        "a playlist in a playlist",
        "",
    ]
    inputs = expand([str(path)])
    assert [item.name for item in inputs.files] == [str(good)] and len(inputs.failures) == 5


def test_read_playlist_pls_with_a_number_of_thousands_of_digits_is_read(tmp_path):
    path = tmp_path / "a.pls"
    path.write_bytes(b"[playlist]\nFile" + b"9" * 5000 + b"=a.wav\nFile1=b.wav\n")
    assert [entry.text for entry in playlist.read_playlist(path)] == ["b.wav"]


@linux
def test_decode_name_that_is_not_utf_8_is_read(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xfe.mp3"
    content = write(tmp_path / "a.mp3", noise(0.3)).read_bytes()
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(content)
    np.testing.assert_array_equal(audio.read_mono(os.fsdecode(path)), audio.read_mono(content))


@settings(max_examples=60, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.sampled_from(
                [b"#EXTM3U", b"[playlist]", b"File1=", b"file://", b"[", b"%00", b"\n", b"a.wav", b"\\", b"\xff", b"\0"]
            ),
            max_size=20,
        ).map(b"".join),
    ),
    suffix=st.sampled_from([".m3u", ".m3u8", ".pls"]),
)
def test_any_bytes_are_a_playlist_or_an_error(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("lists") / f"a{suffix}"
    path.write_bytes(content)
    with bounded(AudioError):
        for entry in playlist.read_playlist(path):
            assert entry.path is not None or entry.reason
            assert "\0" not in (entry.path or "")


_HEADS = [
    b"",
    b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data",
    b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0",
    b"FORM\0\0\0\0AIFFCOMM",
    b"fLaC\0\0\0\x22",
    b"OggS\0\2",
    b".snd\0\0\0\x18",
    b"caff\0\1\0\0desc",
    b"riff.\x91\xcf\x11",
    b"\xff\xfb\x90\0",
    b"\xff\xfb\x04\xc0",
    b"ID3\3\0\0\0\0\0\0",
    b"\x1aE\xdf\xa3",
    b"\0\0\0\x18ftypM4A ",
]


@settings(max_examples=60, deadline=None)
@given(head=st.sampled_from(_HEADS), rest=st.binary(max_size=400))
def test_any_bytes_are_sound_or_an_error(head, rest):
    with bounded(AudioError):
        assert np.isfinite(audio.read_mono(head + rest + bytes(100))).all()
