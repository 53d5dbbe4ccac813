"""What the tests of the cluster share: an S3 on this machine, and recordings."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest

from sounds import write

RATE = 32_000


def tone(path, frequency=400.0, seconds=2.0):
    t = np.arange(round(seconds * RATE)) / RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, (0.3 * np.sin(2 * np.pi * frequency * t))[:, None].astype(np.float32), RATE)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Eleven recordings and one file that is none."""
    folder = tmp_path_factory.mktemp("archive")
    for i in range(11):
        tone(folder / f"{i:02}.wav", 400.0 * (i + 1), seconds=1 + i / 4)
    (folder / "broken.wav").write_text("no recording")
    return folder


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    """The address of a bucket of an S3 on this machine."""
    pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    settings = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        _wait(port)
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("archive")
        yield "s3://archive"
    finally:
        server.terminate()
        server.wait()
        os.environ.clear()
        os.environ.update(before)


def _wait(port):
    for _ in range(600):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the S3 of this machine does not start")
