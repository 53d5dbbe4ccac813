"""Files that end the program, and programs that others end: which of them blames a file."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from organology.audio.inputs import Input
from organology.batch.executor import Batch
from organology.batch.trial import run_trial
from organology.library import in_work
from organology.library.rows import FileState
from organology.library.store import Store
from organology.recognition import Recognizer
from sounds import write
from tiny_model import RATE, build, frequency

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

FATAL = """
import os, signal, sys
if "organology.batch.trial_process" in sys.orig_argv:
    os.kill(os.getpid(), signal.SIGSEGV)
"""
"""In `sitecustomize.py`, ends a trial as a file does that a decoder cannot bear."""


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory):
    return Recognizer(build(tmp_path_factory.mktemp("model") / "tiny.onnx"), threads=1)


@pytest.fixture
def opened(recognizer, tmp_path):
    with Store(tmp_path / "lib.db") as store:
        yield store, store.run(recognizer.digest, recognizer.model, recognizer.metadata, 1.0)


@pytest.fixture
def sound(tmp_path):
    t = np.arange(5 * RATE) / RATE
    return write(tmp_path / "a.wav", (0.3 * np.sin(2 * np.pi * frequency("violin") * t))[:, None], RATE)


def leave_in_work(store, path):
    """As a process does that will be killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    time.sleep(0.05)
    owner = f"{process.pid}.{in_work._began(process.pid)}"
    with store.transaction() as connection:
        connection.execute("INSERT INTO in_work VALUES (?, ?)", (str(path.absolute()), owner))
    return process, owner


def kill(process):
    process.kill()
    process.wait()


def test_lives_owner_is_known_until_it_dies(opened, sound):
    store, _ = opened
    process, owner = leave_in_work(store, sound)
    state = FileState.of(sound)
    assert in_work.lives(owner) and in_work.lives(in_work.this_process()) and not in_work.begin(store, state)
    kill(process)
    assert not in_work.lives(owner) and in_work.begin(store, state)
    in_work.release(store, state)
    assert store.select("SELECT owner FROM in_work") == [(owner,)]
    for wrong in ("", "x", f"{os.getpid()}.1", "99999999999999999999.5"):
        assert not in_work.lives(wrong)


def test_begin_files_of_living_processes_are_not_suspect(opened, sound):
    store, _ = opened
    processes = [leave_in_work(store, sound)[0] for _ in range(4)]
    try:
        assert not in_work.begin(store, FileState.of(sound))
    finally:
        for process in processes:
            kill(process)


def test_batch_file_left_by_killed_processes_is_tried_alone_and_recognized(recognizer, opened, sound):
    store, run = opened
    for _ in range(5):  # however often a program was killed with it in work
        kill(leave_in_work(store, sound)[0])
    (result,) = Batch(recognizer, store=store, run=run).results([Input(str(sound), sound.parent)])
    assert result.error is None and not result.stored and "violin" in result.recognitions[0].instruments
    assert store.select("SELECT * FROM in_work") == [] and store.count(run) == (1, 0)


def test_batch_file_that_ends_every_process_is_the_one_to_blame(recognizer, opened, sound, tmp_path, monkeypatch):
    store, run = opened
    (tmp_path / "sitecustomize.py").write_text(FATAL)
    monkeypatch.syspath_prepend(str(tmp_path))
    kill(leave_in_work(store, sound)[0])
    (result,) = Batch(recognizer, store=store, run=run).results([Input(str(sound), sound.parent)])
    assert str(result.error) == f"{sound}: it ends the program that reads it (SIGSEGV)"
    assert store.count(run) == (0, 1) and store.select("SELECT * FROM in_work") == []
    (again,) = Batch(recognizer, store=store, run=run).results([Input(str(sound), sound.parent)])
    assert again.stored and again.reason == result.reason


def test_run_trial_of_a_stopped_run_ends_with_it(recognizer, opened, sound):
    def watch(share):
        raise KeyboardInterrupt

    store, run = opened
    with pytest.raises(KeyboardInterrupt):
        run_trial(recognizer, store, run, str(sound), False, watch)


def test_run_trial_that_cannot_be_made_blames_nothing(opened, sound):
    store, run = opened
    run_trial(lambda: None, store, run, str(sound), False, lambda share: None)  # cannot be pickled
    assert store.count(run) == (0, 0)
