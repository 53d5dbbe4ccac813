"""Signals end the program, whatever holds it up."""

import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

HELD_UP = """
import threading, time
from organology.cli.signals import end_on_signals
end_on_signals(patience=0.5)
threading.Thread(target=time.sleep, args=(60,)).start()  # Python waits for it at its end
print("ready", flush=True)
time.sleep(60)
"""
WORKER = """
import os, signal, time
from organology.cli.signals import end_on_signals
end_on_signals(patience=0.1)
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    try:
        os.write(writing, b"x")
        time.sleep(20)
    finally:
        os._exit(0)
os.read(reading, 1)
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
time.sleep(1)
print("lives")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_ends_a_program_that_is_held_up(number):
    process = subprocess.Popen([sys.executable, "-c", HELD_UP], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout.readline() == b"ready\n"
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(10) == 128 + number
    process.stdout.close()
    assert 0.4 < time.monotonic() - began < 5


def test_signal_to_a_worker_leaves_its_parent_alone():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", WORKER], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "lives\n"), done.stderr
