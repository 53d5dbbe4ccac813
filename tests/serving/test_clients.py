"""The clients in `examples/clients`, against a real server."""

import os
import shutil
import subprocess
import sys

import pytest

from serving.conftest import EXAMPLES, serving

CLIENTS = EXAMPLES / "clients"


@pytest.fixture(scope="module")
def server():
    with serving(token="secret") as port:
        yield f"http://127.0.0.1:{port}"


def run(*command, token="secret"):
    environment = {**os.environ, "ORGANOLOGY_TOKEN": token}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, timeout=120)


def test_python_client_prints_what_plays(server):
    result = run(sys.executable, CLIENTS / "recognize.py", EXAMPLES / "vocadito-14.ogg", "--server", server)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("vocadito-14.ogg: voice, singer\n")
    refused = run(sys.executable, CLIENTS / "recognize.py", EXAMPLES / "vocadito-14.ogg", "--server", server, token="x")
    assert "401" in refused.stderr


def test_javascript_client_prints_what_plays(server):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    result = run(node, CLIENTS / "recognize.mjs", EXAMPLES / "vocadito-14.ogg", f"{server}/")
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("vocadito-14.ogg: voice, singer\n")


def test_curl_client_prints_segments_progress_and_csv(server):
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    result = run("sh", CLIENTS / "recognize.sh", EXAMPLES / "vocadito-14.ogg", server)
    assert result.returncode == 0, result.stderr
    for part in ("file,label,start,end,score", "event: done", "file,duration,voice"):
        assert part in result.stdout
