"""Files that failed once, where they are at hand."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bounds import bounded
from organology import audio
from organology.corpora.issues import Issue
from organology.corpora.readers.stems import manifest
from organology.errors import OrganologyError
from organology.rendering.midi import read_score

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
def test_decode_shared_case_is_read_whole_without_a_word(name, capfd):
    if not (CASES / name).exists():
        pytest.skip("not among the cases here")
    with audio.decode(CASES / name) as stream:
        samples = audio.read_mono(stream)
    assert len(samples) / audio.SAMPLE_RATE == pytest.approx(SECONDS[name], abs=0.05)
    assert not stream.truncated and np.abs(samples).max() > 0.05
    assert bool(stream.notes) == (name == "anti_phase.wav")
    np.testing.assert_array_equal(audio.read_mono((CASES / name).read_bytes()), samples)
    assert capfd.readouterr() == ("", "")


def test_decode_shared_case_sound_stands_where_it_is_in_the_file():
    late = audio.read_mono(CASES / "sound_starts_at_5s.mp4")
    assert np.abs(late[: round(4.9 * audio.SAMPLE_RATE)]).max() == 0 < np.abs(late[6 * audio.SAMPLE_RATE :]).max()
    hole = audio.read_mono(CASES / "hole_from_3_to_5.9s.webm")
    assert np.abs(hole[round(3.1 * audio.SAMPLE_RATE) : round(5.8 * audio.SAMPLE_RATE)]).max() < 1e-3


LOSSLESS = (
    "wav_never_closed.wav", "wav_sizes_0.wav", "id3_before_riff.wav", "unknown_length.flac", "placeholder_2e9.wav",
    "pipe_header.wav", "src4.wav",
)  # fmt: skip
MP3 = ("ape_cover_at_end.mp3", "mp3_in_wav.wav", "mp3_in_wav_list_behind.wav", "plain_for_stdin.mp3")
"""All the same frames; what the codec does to the sound moves scores by more than 0.02."""


def organology(*arguments, cwd, stdin=None):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "organology", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, stdin=stdin, capture_output=True, text=True, timeout=300)


def scores(path):
    """Seconds and scores of each recording of a table."""
    found = {}
    for row in csv.DictReader(path.read_text().splitlines()):
        name, seconds = Path(row.pop("file")).name, float(row.pop("duration"))
        found[name] = seconds, np.array([float(value) for value in row.values()])
    return found


@pytest.fixture(scope="module")
def recognized(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recognized")
    done = organology("recognize", *(str(CASES / name) for name in (*LOSSLESS, *MP3)), "-o", "a.csv", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return scores(folder / "a.csv")


def test_scores_are_those_of_the_plain_file(recognized):
    assert {seconds for seconds, _ in recognized.values()} == {4.0}
    for names in (LOSSLESS, MP3):
        for name in names:
            np.testing.assert_allclose(recognized[name][1], recognized[names[-1]][1], atol=0.02, err_msg=name)


@pytest.mark.parametrize("name", ["unknown_length.flac", "plain_for_stdin.mp3"])
def test_standard_input_is_heard_as_the_file_is(name, recognized, tmp_path):
    with (CASES / name).open("rb") as file:
        done = organology("recognize", "-", "-o", "a.csv", cwd=tmp_path, stdin=file)
    assert (done.returncode, done.stderr) == (0, "")
    ((seconds, given),) = scores(tmp_path / "a.csv").values()
    assert seconds == 4.0
    np.testing.assert_array_equal(given, recognized[name][1])


def test_tags_that_cannot_be_written_cost_one_line(tmp_path):
    for name in ("pipe_header.wav", "src4.wav"):
        shutil.copy(CASES / name, tmp_path)
        (tmp_path / name).chmod(0o644)
    done = organology("recognize", "pipe_header.wav", "src4.wav", "--write-tags", "--yes", "-o", "a.csv", cwd=tmp_path)
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and lines[0].startswith("pipe_header.wav: ")
    assert lines[1].startswith("src4.wav: wrote ") and len((tmp_path / "a.csv").read_text().splitlines()) == 3


def test_a_key_of_8_sharps_is_a_score_or_one_line():
    with bounded(OrganologyError):
        read_score(CASES / "key_of_8_sharps.mid")


def test_a_nul_in_a_path_of_a_table_is_one_line(tmp_path):
    shutil.copy(CASES / "nul_in_path_stems.csv", tmp_path / "stems.csv")
    found = list(manifest.read(tmp_path / "stems.csv", tmp_path))
    assert [str(item) for item in found if isinstance(item, Issue)]
    assert all(str(item).isprintable() for item in found if isinstance(item, Issue))
