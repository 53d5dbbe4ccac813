"""Decoding: every kind of file, damaged ones, and ones that are not audio."""

import io
import wave

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from organology import audio
from organology.errors import AudioError
from sounds import cut, encode, noise, tone, write


def decoded(source, block_frames=audio.BLOCK_FRAMES):
    with audio.decode(source, block_frames) as stream:
        samples = np.concatenate(list(stream))
    return samples, stream


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("a.wav", {"subtype": "PCM_16"}),
        ("a.wav", {"subtype": "PCM_24"}),
        ("a.wav", {"subtype": "FLOAT"}),
        ("a.wav", {"subtype": "DOUBLE"}),
        ("a.flac", {}),
        ("a.aiff", {}),
        ("a.ogg", {}),
        ("a.mp3", {}),
    ],
)
def test_decode_what_libsndfile_writes_comes_back(tmp_path, name, kinds):
    samples = tone(channels=2)
    got, stream = decoded(write(tmp_path / name, samples, **kinds))
    assert (stream.sample_rate, stream.channels, stream.frames_read) == (44_100, 2, 44_100)
    assert got.dtype == np.float32 and got.shape == samples.shape and not stream.truncated
    lossy = name.endswith(("ogg", "mp3"))
    assert np.abs(got - samples)[2000:-2000].max() < (0.02 if lossy else 1e-4)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.m4a", "aac"),
        ("a.m4a", "alac"),
        ("a.wma", "wmav2"),
        ("a.aac", "aac"),
        ("a.mp2", "mp2"),
        ("a.mka", "pcm_s16le"),
    ],
)
def test_decode_what_only_ffmpeg_reads_comes_back(tmp_path, name, codec):
    samples = tone(channels=2)
    got, stream = decoded(encode(tmp_path / name, samples, codec=codec))
    assert (stream.sample_rate, stream.channels) == (44_100, 2) and not stream.truncated
    assert abs(len(got) - len(samples)) <= 4096
    spectrum = np.abs(np.fft.rfft(got[4096 : 4096 + 32_768, 0]))
    assert np.argmax(spectrum) * 44_100 / 32_768 == pytest.approx(440, abs=2)
    assert np.abs(got).max() == pytest.approx(0.3, abs=0.03)


def test_decode_video_gives_its_sound(tmp_path):
    got, stream = decoded(encode(tmp_path / "a.mp4", tone(), with_picture=True))
    assert stream.channels == 1 and abs(len(got) - 44_100) < 4096 and not stream.truncated


def test_decode_path_bytes_and_file_object_give_the_same(tmp_path):
    for path in (
        write(tmp_path / "a.flac", noise()),
        write(tmp_path / "a.mp3", noise()),
        encode(tmp_path / "a.m4a", noise()),
    ):
        expected, _ = decoded(str(path))
        with path.open("rb") as file:
            file.seek(7)
            for source in (path, path.read_bytes(), memoryview(path.read_bytes()), io.BytesIO(path.read_bytes()), file):
                np.testing.assert_array_equal(decoded(source)[0], expected)
            assert not file.closed


def test_decode_file_object_that_cannot_seek_is_read(tmp_path):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError

    path = write(tmp_path / "a.wav", noise())
    np.testing.assert_array_equal(decoded(Pipe(path.read_bytes()))[0], decoded(path)[0])


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a"])
def test_decode_any_block_gives_the_same(tmp_path, name):
    path = encode(tmp_path / name, noise()) if name == "a.m4a" else write(tmp_path / name, noise())
    expected, _ = decoded(path)
    for frames in (1000, 4096, 1_000_000):
        with audio.decode(path, frames) as stream:
            blocks = list(stream)
        assert {len(block) for block in blocks[:-1]} <= {frames} and len(blocks[-1]) <= frames
        np.testing.assert_array_equal(np.concatenate(blocks), expected)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a"])
def test_decode_cut_file_gives_what_it_holds_and_says_so(tmp_path, name, capfd):
    samples = noise(5)
    if name == "a.m4a":
        path = encode(tmp_path / name, samples, movflags="faststart")
    else:
        path = write(tmp_path / name, samples)
    whole, _ = decoded(path)
    for source in (cut(path), path.read_bytes()):
        got, stream = decoded(source)
        assert stream.truncated
        assert 0.5 < len(got) / len(whole) < 0.7
        np.testing.assert_allclose(got[:100_000], whole[:100_000], atol=1e-6)
    assert capfd.readouterr().err == ""  # no decoder writes there by itself


def test_decode_cut_ogg_gives_what_it_holds(tmp_path):
    got, _ = decoded(cut(write(tmp_path / "a.ogg", noise(5))))
    assert 0.4 < len(got) / (5 * 44_100) < 0.7


def test_decode_wav_whose_writer_could_not_go_back_is_not_cut(tmp_path):
    path = write(tmp_path / "a.wav", noise(), subtype="PCM_16")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = b"\xff\xff\xff\xff"
    got, stream = decoded(bytes(content))
    assert len(got) == 44_100 and not stream.truncated


def test_decode_mp3_without_a_count_of_frames_is_not_cut(tmp_path):
    content = write(tmp_path / "a.mp3", noise(3), bitrate_mode="VARIABLE").read_bytes()
    assert b"Xing" in content[:4096] or b"Info" in content[:4096]
    got, stream = decoded(content.replace(b"Xing", b"\0" * 4).replace(b"Info", b"\0" * 4))
    assert len(got) > 2.9 * 44_100 and stream.frames is None and not stream.truncated


def test_decode_damage_in_the_middle_is_passed_over(tmp_path):
    path = write(tmp_path / "a.mp3", noise(5))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    got, _ = decoded(bytes(content))
    assert len(got) > 4 * 44_100


def test_decode_mp3_behind_a_tag_with_a_picture_is_read(tmp_path):
    content = write(tmp_path / "a.mp3", tone(2)).read_bytes()
    size = 20_000
    tag = b"ID3\x04\x00\x00" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + bytes(size)
    np.testing.assert_array_equal(decoded(tag + content)[0], decoded(content)[0])
    assert decoded((tag + content)[:-4000])[1].truncated


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "empty.wav", "empty file"),
        (b"", "empty.mp3", "empty file"),
        (b"Dear reader, this is text.\n" * 40, "text.wav", "not audio"),
        (b"Dear reader, this is text.\n" * 40, "text.mp3", "not audio"),
        (
            b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
            "a.m3u8",
            "not audio",
        ),
        (b"ffconcat version 1.0\nfile other.wav\n", "list.wav", "not audio"),
        (b"RIFF", "short.wav", "not audio"),
        (bytes(5000), "zeros.flac", "not audio"),
    ],
)
def test_decode_other_file_costs_one_line(tmp_path, capfd, content, name, reason):
    path = tmp_path / name
    path.write_bytes(content)
    for source, named in ((path, str(path)), (content, "<bytes>")):
        with pytest.raises(AudioError) as error:
            decoded(source)
        assert str(error.value).startswith(f"{named}: {reason}") and "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


def test_decode_missing_file_folder_or_name_costs_one_line(tmp_path):
    with pytest.raises(AudioError, match=r"nowhere\.wav: no such file"):
        audio.decode(tmp_path / "nowhere.wav")
    with pytest.raises(AudioError, match="a folder, not a file"):
        audio.decode(tmp_path)
    with pytest.raises(AudioError, match="null"):
        audio.decode("a\0b.wav")


def test_decode_without_samples_or_stream_costs_one_line(tmp_path):
    write(tmp_path / "none.wav", tone(0))
    with pytest.raises(AudioError, match=r"none\.wav: no samples in it"):
        audio.read_mono(tmp_path / "none.wav")
    with av.open(str(tmp_path / "mute.mp4"), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        container.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(video.encode(None))
    with pytest.raises(AudioError, match=r"mute\.mp4: no audio stream in it"):
        audio.decode(tmp_path / "mute.mp4")


def test_decode_unusable_samples_become_silence_and_are_counted(tmp_path):
    samples = tone(channels=2)
    samples[100:110, 0] = np.nan
    samples[200, 1] = np.inf
    samples[300, :] = -1e30
    got, stream = decoded(write(tmp_path / "a.wav", samples, subtype="FLOAT"))
    assert stream.nonfinite == 13 and np.isfinite(got).all()
    assert (got[100:110, 0] == 0).all() and got[200, 1] == 0 and (got[300] == 0).all()
    np.testing.assert_array_equal(got[400:], samples[400:])


def test_decode_only_unusable_samples_is_an_error(tmp_path):
    write(tmp_path / "a.wav", np.full((100, 1), np.nan, np.float32), subtype="FLOAT")
    with pytest.raises(AudioError, match=r"a\.wav: no usable sample"):
        audio.read_mono(tmp_path / "a.wav")


def test_decode_sample_rate_of_nothing_is_refused(tmp_path):
    write(tmp_path / "a.wav", tone(), rate=10)
    with pytest.raises(AudioError, match="10 Hz"):
        audio.decode(tmp_path / "a.wav")


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (11_025, 2), (32_000, 2), (44_100, 6), (192_000, 8)])
def test_read_mono_of_any_rate_and_channels_gives_the_tone(tmp_path, rate, channels):
    path = write(tmp_path / "ä b.wav", tone(1.0, rate, channels, 1000), rate=rate, subtype="PCM_16")
    got = audio.read_mono(path)
    assert got.shape == (32_000,) and got.dtype == np.float32
    np.testing.assert_allclose(got[200:-200], tone(1.0, 32_000, 1, 1000)[200:-200, 0], atol=2e-3)


def test_read_mono_is_the_mean_of_the_channels():
    samples = np.stack([np.full(100, 0.6), np.full(100, 0.3), np.zeros(100)], axis=1)
    np.testing.assert_allclose(audio.read_mono(audio.from_array(samples, 32_000)), np.full(100, 0.3), rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    frames=st.integers(1, 30_000),
    rate=st.sampled_from([8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]),
    block=st.integers(50, 9_000),
)
def test_read_mono_any_blocks_give_the_same_and_keep_the_length(frames, rate, block):
    samples = np.random.default_rng(frames).standard_normal((frames, 2)).astype(np.float32) / 8
    whole = audio.read_mono(audio.from_array(samples, rate))
    pieces = audio.read_mono(audio.from_array(samples, rate, block_frames=block))
    assert abs(len(whole) - frames * 32_000 / rate) <= 1
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_from_array_of_the_wrong_form_is_refused():
    for wrong in (np.zeros((2, 2, 2)), np.zeros(10, np.int64), np.zeros(9, complex), np.zeros((10, 0))):
        with pytest.raises(AudioError, match="float"):
            audio.from_array(wrong, 32_000, name="x")
    with pytest.raises(AudioError, match="no samples"):
        audio.read_mono(audio.from_array(np.zeros(0), 32_000))


def test_decode_long_file_holds_little_at_once(tmp_path):
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 44_100, 0, "NONE", ""))
        for _ in range(120):
            file.writeframes(bytes(2 * 44_100))
    largest = total = 0
    for block in audio.mono_blocks(path):
        largest, total = max(largest, len(block)), total + len(block)
    assert total == 120 * 32_000 and largest < 3 * 32_000


def test_find_files_in_folders_are_sorted_and_named_once(tmp_path):
    for name in ("b/2.WAV", "b/1.flac", "a c/ü.mp3", "b/notes.txt", "b/.hidden.wav", ".git/x.wav", "z.m4a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = [path.relative_to(tmp_path).as_posix() for path in audio.find(tmp_path)]
    assert found == ["a c/ü.mp3", "b/1.flac", "b/2.WAV", "z.m4a"]
    assert audio.find([tmp_path / "z.m4a", tmp_path])[0] == tmp_path / "z.m4a"
    assert len(audio.find([tmp_path / "z.m4a", tmp_path])) == 4
    assert audio.find(tmp_path / "b" / "notes.txt") == [tmp_path / "b" / "notes.txt"]


def test_find_nothing_is_an_error(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(AudioError, match="no audio in this folder"):
        audio.find(tmp_path)
    with pytest.raises(AudioError, match="no such file or folder"):
        audio.find([tmp_path / "x"])
