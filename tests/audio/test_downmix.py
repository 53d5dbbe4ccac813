"""Channels that cancel each other are heard; all other sound is their mean, bit by bit."""

import numpy as np
import pytest

from organology import audio
from organology.audio.downmix import BLOCK_FRAMES
from organology.corpora.conversion.convert import convert_stem
from sounds import noise, tone, write

RATE = 32_000


def mono(samples, rate=RATE, block_frames=audio.BLOCK_FRAMES):
    stream = audio.from_array(samples, rate, block_frames=block_frames)
    return audio.read_mono(stream), stream


def opposite(seconds=2.0):
    left = tone(seconds, RATE)
    return np.concatenate([left, -left], axis=1)


def test_downmix_opposite_phase_is_one_channel():
    got, stream = mono(opposite())
    np.testing.assert_array_equal(got, opposite()[:, 0])
    assert stream.cancelling_frames == len(got)
    assert stream.notes == ("the channels cancel each other: one of them alone is heard for 2.0 s",)


@pytest.mark.parametrize("kind", ["noise", "one silent", "wide", "silent", "mono", "six channels, one sounds"])
def test_downmix_other_sound_is_the_mean_bit_by_bit(kind):
    samples = {
        "noise": noise(3, RATE),
        "one silent": noise(3, RATE) * np.float32([1, 0]),
        "wide": np.stack([noise(3, RATE)[:, 0], noise(3, RATE)[:, 1] * 0.3 - noise(3, RATE)[:, 0] * 0.6], axis=1),
        "silent": opposite(3) * np.float32(1e-5),
        "mono": noise(3, RATE, 1),
        "six channels, one sounds": noise(3, RATE, 6) * np.float32([0, 0, 1, 0, 0, 0]),
    }[kind]
    got, stream = mono(samples)
    mean = samples[:, 0].copy()
    for channel in range(1, samples.shape[1]):
        mean += samples[:, channel]
    np.testing.assert_array_equal(got, mean * np.float32(1 / samples.shape[1]))
    assert stream.cancelling_frames == 0 and stream.notes == ()


def test_downmix_any_blocks_give_the_same():
    samples = np.concatenate([noise(3, RATE), opposite(5), noise(3, RATE)])
    whole, stream = mono(samples, 44_100)
    assert 0 < stream.cancelling_frames < len(samples)
    for block_frames in (1000, 50_000, 1_000_000):
        pieces, other = mono(samples, 44_100, block_frames)
        np.testing.assert_array_equal(pieces, whole)
        assert other.cancelling_frames == stream.cancelling_frames


def test_downmix_stretch_in_opposite_phase_is_one_channel():
    left = tone(3 * BLOCK_FRAMES / RATE, RATE, frequency=100)
    right = left.copy()
    right[BLOCK_FRAMES : 2 * BLOCK_FRAMES] *= -1
    got, stream = mono(np.concatenate([left, right], axis=1))
    assert stream.cancelling_frames == BLOCK_FRAMES
    np.testing.assert_array_equal(got, left[:, 0])


def test_prepare_stem_in_opposite_phase_sounds(tmp_path):
    source = write(tmp_path / "a.wav", opposite(3), rate=RATE)
    done = convert_stem(source, tmp_path / "a.flac")
    assert done.error == "" and done.frames == 3 * RATE and "cancel each other" in done.note


def test_downmix_channel_by_itself_is_left_alone(tmp_path):
    source = write(tmp_path / "a.wav", opposite(1), rate=RATE)
    with audio.decode(source) as stream:
        audio.read_mono(stream.only(2))
        assert stream.notes == ()
