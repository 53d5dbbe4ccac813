"""What plays now, from raw samples."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from organology import Recognizer
from organology.serving.live import PcmPipe, moments
from serving.conftest import EXAMPLES


@pytest.fixture(scope="module")
def samples():
    found, rate = soundfile.read(EXAMPLES / "rooftop-band.ogg", dtype="int16")
    assert rate == 32_000
    return found[: 6 * rate]


def test_each_second_gives_what_plays_in_the_last_window(samples):
    recognizer = Recognizer(threads=1)
    thresholds = np.array(recognizer.metadata.thresholds)
    found = list(moments(recognizer, PcmPipe(io.BytesIO(samples.tobytes()), 32_000), thresholds))
    assert [one.seconds for one in found] == [1, 2, 3, 4, 5, 6]
    last = recognizer.recognize(samples[-4 * 32_000 :], sr=32_000)
    np.testing.assert_allclose(found[-1].scores, last.file_scores, atol=1e-4)
    assert "drums" in dict(found[-1].playing)


@pytest.mark.parametrize(("form", "kind"), [("s16le", "<i2"), ("s32le", "<i4"), ("f32le", "<f4")])
def test_raw_samples_are_read_in_every_form(form, kind):
    whole = np.array([[0.5, -0.5], [0.25, 0.25], [1, 0]])
    content = whole.astype(kind) if form == "f32le" else np.round(whole * (-np.iinfo(kind).min - 1)).astype(kind)
    pipe = PcmPipe(io.BytesIO(content.tobytes() + b"x"), 8000, 2, form)
    np.testing.assert_allclose(pipe.read(2), [0, 0.25], atol=1e-3)
    np.testing.assert_allclose(pipe.read(2), [0.5], atol=1e-3)
    assert len(pipe.read(2)) == 0


def test_verb_prints_a_line_a_second(samples):
    result = subprocess.run(
        [sys.executable, "-m", "organology.cli", "listen", "-", "--rate", "32000"],
        input=samples.tobytes(),
        capture_output=True,
        check=True,
    )
    lines = result.stdout.decode().splitlines()
    assert len(lines) == 6
    assert lines[-1].split()[0] == "0:06"
    assert "drums" in lines[-1]
