"""Times are those of the file: sound that begins late, holes, default tracks, time stamps that cannot be true."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from organology import audio
from organology.audio.containers.headers import MP3_DELAY
from organology.audio.containers.timeline import Timeline
from sounds import encode, noise, tone, write

RATE = 48_000


def decoded(source):
    with audio.decode(source) as stream:
        samples = np.concatenate(list(stream))
    return samples, stream


def mux(path, spans, codec="pcm_s16le", video_seconds=0.0, tracks=1, default=0):
    """A container whose sound has a tone at each of `spans` (start, end), in seconds, and nothing between."""
    with av.open(str(path), "w") as container:
        if video_seconds:
            video = container.add_stream("mpeg4", rate=10)
            video.width = video.height = 32
            video.pix_fmt = "yuv420p"
        streams = [container.add_stream(codec, rate=RATE, layout="mono") for _ in range(tracks)]
        if tracks > 1:
            for number, stream in enumerate(streams):
                stream.disposition = av.stream.Disposition.default if number == default else av.stream.Disposition(0)
        for number in range(round(10 * video_seconds)):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(video.encode(picture))
        for number, stream in enumerate(streams):
            for start, end in spans:
                for first in range(round(start * RATE), round(end * RATE), 960):
                    samples = np.full((1, 960), 8000 if number == default else 0, np.int16)
                    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
                    frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
                    container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def sounding(samples):
    """Where sound begins and ends in each stretch, in seconds."""
    loud = np.abs(samples[:, 0]) > 0.01
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int))) / RATE
    return [(float(a), float(b)) for a, b in edges.reshape(-1, 2)]


def test_decode_sound_that_begins_late_follows_silence(tmp_path):
    samples, stream = decoded(mux(tmp_path / "a.mkv", [(5, 7)], video_seconds=7))
    assert sounding(samples) == [pytest.approx((5, 7), abs=0.01)]
    assert not stream.truncated and stream.notes == ()


@pytest.mark.parametrize("as_bytes", [False, True])
def test_sound_that_begins_late_in_an_avi(tmp_path, as_bytes):
    """FFmpeg writes empty chunks for the time before it, behind the first one with sound."""
    path = mux(tmp_path / "a.avi", [(3, 4)], "mp2", video_seconds=4)
    samples, stream = decoded(path.read_bytes() if as_bytes else path)
    assert sounding(samples)[0][0] < 0.03 and not stream.truncated
    later = [span for span in sounding(samples) if span[0] > 1]
    assert (later[0][0], later[-1][1]) == pytest.approx((3, 4), abs=0.06)


def test_sound_that_its_header_says_to_begin_late_in_an_avi(tmp_path):
    content = bytearray(mux(tmp_path / "a.avi", [(0, 1)], "mp2", video_seconds=3).read_bytes())
    at = content.index(b"auds") + 28  # dwStart, in units of dwScale / dwRate
    scale, rate, start = struct.unpack_from("<III", content, at - 8)
    assert start == 0 and rate / scale == pytest.approx(RATE / 1152)
    struct.pack_into("<I", content, at, round(2 * rate / scale))
    samples, _ = decoded(bytes(content))
    assert sounding(samples)[0][0] == pytest.approx(2, abs=0.06)


def test_a_hole(tmp_path):
    samples, stream = decoded(mux(tmp_path / "a.mka", [(0, 1), (3, 4)]))
    assert sounding(samples) == [pytest.approx((0, 1), abs=0.01), pytest.approx((3, 4), abs=0.01)]
    assert len(samples) == pytest.approx(4 * RATE, abs=480) and not stream.truncated


def test_decode_holes_with_any_blocks_give_the_same(tmp_path):
    path = mux(tmp_path / "a.mka", [(0, 1), (3, 4)])
    with audio.decode(path, 1000) as stream:
        pieces = list(stream)
    assert {len(piece) for piece in pieces[:-1]} == {1000}
    np.testing.assert_array_equal(np.concatenate(pieces), decoded(path)[0])


def test_decode_time_stamp_that_cannot_be_true_costs_a_note(tmp_path):
    path = mux(tmp_path / "a.mka", [(0, 1), (40_000, 40_001)])
    samples, stream = decoded(path)
    assert len(samples) == pytest.approx(2 * RATE, abs=480)
    assert any("time stamps" in note for note in stream.notes)


def test_decode_several_tracks_reads_the_default_one(tmp_path):
    samples, _ = decoded(mux(tmp_path / "a.mka", [(0, 1)], tracks=2, default=1))
    assert np.abs(samples).max() > 0.2


@pytest.mark.parametrize("name", ["a.m4a", "a.mp3"])
def test_decode_length_is_without_the_encoders_delay(tmp_path, name):
    path = encode(tmp_path / name, tone(1.0)) if name == "a.m4a" else write(tmp_path / name, tone(1.0))
    samples, _ = decoded(path)
    assert len(samples) - 44_100 in range(2048)
    assert np.abs(samples[2000:3000]).max() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("writer", ["Lavf", "other", "none"])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_mp3_in_wav_is_as_long_as_the_sound(tmp_path, rate, writer):
    sound = noise(1.5, rate, 1)
    content = bytearray(encode(tmp_path / "a.wav", sound, rate, codec="libmp3lame").read_bytes())
    at = content.index(b"fact") + 8
    assert b"Lavf" in content and int.from_bytes(content[at : at + 4], "little") == len(sound) + MP3_DELAY
    if writer != "Lavf":  # who counts the sound alone, or nothing
        content = content.replace(b"Lavf", b"ACM ")
        content[at : at + 4] = (len(sound) if writer == "other" else 0).to_bytes(4, "little")
    samples, stream = decoded(bytes(content))
    assert not stream.truncated and stream.notes == ()
    assert len(samples) == len(sound) if writer != "none" else len(sound) <= len(samples) < len(sound) + 3 * 1152
    apart = np.correlate(samples[:9000, 0], sound[2000:6000, 0], "valid").argmax()
    assert apart == 2000  # each sound where it was


def test_tracks_without_times_have_no_holes(tmp_path):
    samples, stream = decoded(encode(tmp_path / "a.ts", noise(1), codec="mp2"))
    assert len(samples) / 44_100 == pytest.approx(1, abs=0.06) and stream.notes == ()


def test_timeline_time_stamps_give_silence():
    timeline = Timeline(1000, end=100.0, size=0)
    assert timeline.silence_before(5.0) == 5000
    timeline.give(1000)
    assert timeline.silence_before(6.05) == 0  # jitter
    assert timeline.silence_before(None) == 0
    assert timeline.silence_before(1.0) == 0 and not timeline.distrusted  # goes back: told from there on
    timeline.give(1000)
    assert timeline.silence_before(4.0) == 2000
    assert timeline.silence_before(1e9) == 0 and timeline.distrusted
    assert Timeline(1000, None, 0).silence_before(700.0) == 0
    assert Timeline(1000, None, 10**6).silence_before(700.0) == 700_000
