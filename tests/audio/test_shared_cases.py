"""Files that failed once, where they are at hand."""

from pathlib import Path

import numpy as np
import pytest

from organology import audio

CASES = Path(__file__).parents[3] / "shared" / "cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="needs the shared cases")

SECONDS = {
    "opus_not_read.opus": 5.0,
    "opus_cut_at_4s.opus": 5.0,
    "two_links.ogg": 7.0,
    "wav_never_closed.wav": 4.0,
    "wav_sizes_0.wav": 4.0,
    "id3_before_riff.wav": 4.0,
    "unknown_length.flac": 4.0,
    "plain_for_stdin.mp3": 4.0,
    "ape_cover_at_end.mp3": 4.0,
    "mp3_in_wav.wav": 4.0,
    "mp3_in_wav_list_behind.wav": 4.0,
    "placeholder_2e9.wav": 4.0,
    "pipe_header.wav": 4.0,
    "sound_starts_at_5s.mp4": 9.0,
    "hole_from_3_to_5.9s.webm": 10.0,
    "second_track_is_default.mka": 4.0,
    "anti_phase.wav": 2.0,
}


@pytest.mark.parametrize("name", SECONDS)
def test_read_whole_without_a_word(name, capfd):
    if not (CASES / name).exists():
        pytest.skip("not among the cases here")
    with audio.decode(CASES / name) as stream:
        samples = audio.read_mono(stream)
    assert len(samples) / audio.SAMPLE_RATE == pytest.approx(SECONDS[name], abs=0.05)
    assert not stream.truncated and np.abs(samples).max() > 0.05
    assert bool(stream.notes) == (name == "anti_phase.wav")
    np.testing.assert_array_equal(audio.read_mono((CASES / name).read_bytes()), samples)
    assert capfd.readouterr() == ("", "")


def test_sound_stands_where_it_is_in_the_file():
    late = audio.read_mono(CASES / "sound_starts_at_5s.mp4")
    assert np.abs(late[: round(4.9 * audio.SAMPLE_RATE)]).max() == 0 < np.abs(late[6 * audio.SAMPLE_RATE :]).max()
    hole = audio.read_mono(CASES / "hole_from_3_to_5.9s.webm")
    assert np.abs(hole[round(3.1 * audio.SAMPLE_RATE) : round(5.8 * audio.SAMPLE_RATE)]).max() < 1e-3
