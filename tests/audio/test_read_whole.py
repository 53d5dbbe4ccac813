"""Whatever one decoder reads whole is read whole: a sample of what `benchmarks/decoders.py` does in full."""

import importlib.util
import io
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from organology import audio
from sounds import encode, noise, tone, write

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "decoders.py"


def decoded(source):
    with audio.decode(source) as stream:
        samples = np.concatenate(list(stream))
    return samples, stream


@pytest.fixture(scope="module")
def decoders():
    if not SCRIPT.exists():
        pytest.skip("benchmarks/ is not here")
    spec = importlib.util.spec_from_file_location("decoders", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def short(decoders):
    return (0.1 * np.random.default_rng(0).standard_normal((12_000, 2))).astype(np.float32)


def test_decode_opus_is_read_whole(decoders):
    for name, content, seconds in decoders.opus_files(12, seed=1):
        assert decoders.wrong_length(content, seconds) == "", name


def test_decode_length_that_cannot_be_true_reads_to_the_end(decoders, short):
    for name, plain, content in decoders.untrue_headers(short, 16_000):
        samples, stream = decoded(content)
        np.testing.assert_array_equal(samples, decoded(plain)[0], err_msg=name)
        assert not stream.truncated, name


def test_decode_chained_streams_are_read_whole(decoders, short):
    for name, content, seconds in decoders.chains(short):
        assert decoders.wrong_length(content, seconds) == "", name


def test_decode_every_container_through_a_pipe_is_read_whole(decoders, tmp_path):
    for suffix, content in decoders.fuzz_module().sound_files(0.2):
        path = tmp_path / f"a.{suffix}"
        path.write_bytes(content)
        np.testing.assert_array_equal(decoders.piped(content), decoded(path)[0], err_msg=suffix)


def test_decode_members_of_archives_are_read_whole(tmp_path):
    path = encode(tmp_path / "a.m4a", noise(0.5))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "a.m4a")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("a.m4a") as member:
        np.testing.assert_array_equal(decoded(member)[0], decoded(path)[0])


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.flac", "a.au", "a.caf", "a.ogg"])
def test_decode_id3_tag_before_any_container_is_passed_over(tmp_path, name):
    content = write(tmp_path / name, noise(0.3)).read_bytes()
    tag = b"ID3\3\0\0\0\0\2\0" + bytes(256)
    samples, stream = decoded(tag + content)
    np.testing.assert_array_equal(samples, decoded(content)[0])
    assert not stream.truncated


def test_decode_flac_of_unknown_length_is_read_whole(tmp_path):
    content = bytearray(write(tmp_path / "a.flac", noise(0.7)).read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    samples, stream = decoded(bytes(content))
    np.testing.assert_array_equal(samples, decoded(tmp_path / "a.flac")[0])
    assert stream.frames is None and not stream.truncated


def test_decode_chunks_behind_the_sound_are_no_sound(tmp_path):
    plain = write(tmp_path / "a.wav", noise(0.2), subtype="PCM_16").read_bytes()
    for name in (b"LIST", b"id3 ", b"Xyz1"):
        behind = name + struct.pack("<I", 200_000) + np.random.default_rng(0).bytes(200_000)
        content = plain[:4] + struct.pack("<I", len(plain) + len(behind) - 8) + plain[8:] + behind
        assert len(decoded(content)[0]) == round(0.2 * 44_100)


def test_decode_empty_file_of_chunks_stays_empty(tmp_path):
    content = write(tmp_path / "a.wav", tone(0)).read_bytes() + b"LIST" + struct.pack("<I", 400) + bytes(400)
    with pytest.raises(audio.stream.AudioError, match="no samples"):
        decoded(content)


def test_decode_length_that_wrapped_around_reaches_to_the_end(tmp_path):
    """4 GiB and some seconds: the header can only declare the seconds."""
    path = tmp_path / "long.wav"
    header = bytearray(write(path, tone(0.5), subtype="PCM_16").read_bytes()[:44])
    size = 2**32 + 4_000_000
    struct.pack_into("<I", header, 4, (size + 36) % 2**32)
    struct.pack_into("<I", header, 40, size % 2**32)
    with path.open("wb") as file:
        file.write(header)
        try:
            file.truncate(44 + size)  # a hole: no room on the disk
        except OSError:
            pytest.skip("no files of this size here")
    with audio.decode(path) as stream:
        frames = sum(len(next(stream)) for _ in range(40))
        assert frames == 40 * audio.BLOCK_FRAMES > (size % 2**32) / 2


def test_decode_mp3_in_free_format_is_read_whole(decoders, capfd):
    """At 48 kHz and 128 kbit/s all frames have 384 bytes, and need not declare their bit rate."""
    content = bytearray(decoders.encoded("mp3", "libmp3lame", tone(1.0, 48_000), 48_000, 128, {"write_xing": "0"}))
    first = content.index(b"\xff\xfb")
    for at in range(first, len(content), 384):
        assert content[at : at + 2] == b"\xff\xfb"
        content[at + 2] &= 0x0F
    samples, stream = decoded(bytes(content))
    assert len(samples) / stream.sample_rate == pytest.approx(1, abs=0.06)
    assert np.abs(samples[5000:40_000]).max() == pytest.approx(0.3, abs=0.03)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["id3v1", "ape", "lyrics", "all"])
def test_decode_tags_behind_an_mp3_are_neither_sound_nor_missing(tmp_path, capfd, kind):
    content = write(tmp_path / "a.mp3", noise(2)).read_bytes()
    junk = np.random.default_rng(0).bytes(30_000)
    ape = junk + b"APETAGEX" + struct.pack("<IIII8x", 2000, len(junk) + 32, 1, 0)
    lyrics = b"LYRICSBEGIN" + b"x" * 5000
    lyrics += b"%06dLYRICS200" % len(lyrics)
    id3v1 = b"TAG" + bytes(125)
    tags = {"id3v1": id3v1, "ape": ape, "lyrics": lyrics + id3v1, "all": ape + lyrics + id3v1}[kind]
    for plain in (content, content.replace(b"Xing", bytes(4)).replace(b"Info", bytes(4))):
        samples, stream = decoded(plain + tags)
        np.testing.assert_array_equal(samples, decoded(plain)[0])
        assert not stream.truncated
    assert capfd.readouterr() == ("", "")


def test_decode_mp3_files_joined_end_to_end_are_not_cut(tmp_path):
    content = encode(tmp_path / "a.mp3", noise(2), codec="libmp3lame").read_bytes()
    assert content.startswith(b"ID3")
    samples, stream = decoded(content * 2)
    assert len(samples) / 44_100 == pytest.approx(4, abs=0.1) and not stream.truncated


def test_decode_spooled_file_is_read_whole(tmp_path):
    path = encode(tmp_path / "a.m4a", noise(0.5))
    with tempfile.SpooledTemporaryFile() as file:
        file.write(path.read_bytes())
        np.testing.assert_array_equal(decoded(file)[0], decoded(path)[0])


def test_decode_mp3_in_wav_prints_nothing(tmp_path, capfd):
    mp3 = encode(tmp_path / "a.wav", noise(1), codec="libmp3lame").read_bytes()
    samples, stream = decoded(mp3 + b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + bytes(18))
    assert abs(len(samples) / 44_100 - 1) < 0.1 and not stream.truncated
    assert capfd.readouterr() == ("", "")


def test_decode_opus_page_with_a_wrong_position_is_read(decoders):
    """As some writers leave it: a page before the last one tells the position of the end."""
    content = decoders.encoded("ogg", "libopus", tone(2.0, 48_000), 48_000, options={"page_duration": "500000"})
    pages, at = [], 0
    while at < len(content):
        n = content[at + 26]
        pages.append(at)
        at += 27 + n + sum(content[at + 27 : at + 27 + n])
    damaged = bytearray(content)
    before, last = pages[-2], pages[-1]
    damaged[before + 6 : before + 14] = struct.pack("<q", struct.unpack_from("<q", content, last + 6)[0] - 360)
    damaged[before + 22 : before + 26] = bytes(4)
    struct.pack_into("<I", damaged, before + 22, _ogg_crc(damaged[before:last]))
    samples, stream = decoded(bytes(damaged))
    assert len(samples) / stream.sample_rate == pytest.approx(2.0, abs=0.03)
    assert np.abs(samples[24_000:90_240]).reshape(-1, 480).max(axis=1).min() > 0.2  # sound all through


def _ogg_crc(page):
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def test_decode_cut_file_is_still_truncated(tmp_path):
    for name in ("a.wav", "a.aiff", "a.au", "a.w64", "a.caf", "a.flac"):
        content = write(tmp_path / name, noise(1)).read_bytes()
        samples, stream = decoded(content[: len(content) * 2 // 3])
        assert stream.truncated and 0.5 < len(samples) / 44_100 < 0.7, name


def test_decode_file_object_gives_the_same_as_its_path(tmp_path):
    path = encode(tmp_path / "a.webm", noise(0.5, 48_000), 48_000, codec="libopus")
    np.testing.assert_array_equal(decoded(io.BytesIO(path.read_bytes()))[0], decoded(path)[0])
