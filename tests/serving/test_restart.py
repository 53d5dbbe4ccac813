"""Jobs of a server that is killed: every one ends, none twice, and nothing is left behind."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from organology.errors import OrganologyError
from organology.serving.jobs.workspace import Workspace, remove_abandoned
from serving.conftest import EXAMPLES

N_JOBS = 20


def left_in(folder):
    """What a server has put into a folder."""
    return sorted(path.name for path in folder.iterdir())


class Server:
    """`organology serve` as a process, on a port of its own."""

    def __init__(self, folder, store=None):
        more = [] if store is None else ["--store", str(store)]
        environment = {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "organology.cli", "serve", "--port", "0", "--jobs", "1", *more],
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        line = self.process.stderr.readline()
        assert "organology serves" in line, line
        port = int(line.strip().rstrip("/").rpartition(":")[2])
        self.web = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def kill(self):
        self.process.kill()
        self.end()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.end()

    def end(self):
        self.process.wait(30)
        self.process.stderr.close()
        self.web.close()


@pytest.fixture
def start():
    """Starts servers; none outlives the test."""
    servers = []

    def one(*arguments):
        servers.append(Server(*arguments))
        return servers[-1]

    yield one
    for server in servers:
        if server.process.poll() is None:
            server.kill()


def test_killed_server_ends_every_job_once_after_a_restart(tmp_path, start):
    store = tmp_path / "lib.db"
    recording = (EXAMPLES / "rooftop-band.ogg").read_bytes()
    server = start(tmp_path, store)
    places = []
    for i in range(N_JOBS):
        answer = server.web.post("/v1/recognitions", params={"wait": 0, "name": f"{i}.ogg"}, content=recording)
        assert answer.status_code == 202
        places.append(answer.headers["location"])
    while sum(server.web.get(place).status_code == 200 for place in places) < 3:
        time.sleep(0.02)
    server.kill()
    database = tmp_path / "lib.db.jobs" / "jobs.db"
    with sqlite3.connect(database) as connection:
        before = dict(connection.execute("SELECT id, ended FROM job WHERE state = 'done'"))
    assert 3 <= len(before) < N_JOBS

    server = start(tmp_path, store)
    try:
        deadline = time.monotonic() + 120
        answers = {}
        while len(answers) < N_JOBS and time.monotonic() < deadline:
            for place in places:
                if place not in answers and (answer := server.web.get(place)).status_code != 202:
                    answers[place] = answer
            time.sleep(0.05)
        assert [answers[place].status_code for place in places] == [200] * N_JOBS
        assert [answers[place].json()["file"] for place in places] == [f"{i}.ogg" for i in range(N_JOBS)]
        with sqlite3.connect(database) as connection:
            rows = connection.execute("SELECT id, ended, attempts FROM job").fetchall()
        assert len(rows) == N_JOBS
        assert all(ended == before[job_id] for job_id, ended, _ in rows if job_id in before)  # not done again
        assert sum(attempts for _, _, attempts in rows) <= N_JOBS + 1  # only what was running began twice
    finally:
        server.stop()
    assert not list((tmp_path / "lib.db.jobs" / "uploads").iterdir())
    assert left_in(tmp_path) == ["lib.db", "lib.db.jobs"]


def test_killed_server_without_a_store_leaves_what_the_next_one_removes(tmp_path, start):
    server = start(tmp_path)
    recording = (EXAMPLES / "rooftop-band.ogg").read_bytes()
    for _ in range(5):
        server.web.post("/v1/recognitions", params={"wait": 0}, content=recording)
    server.kill()
    (name,) = left_in(tmp_path)
    left = tmp_path / name
    assert list((left / "uploads").iterdir())
    server = start(tmp_path)
    assert not left.exists()
    server.stop()
    assert left_in(tmp_path) == []


def test_job_that_was_running_at_three_kills_is_not_begun_again(open_client, tmp_path):
    store = tmp_path / "lib.db"
    client = open_client(store=store)
    client.__exit__(None, None, None)
    client.__exit__ = lambda *_: None
    uploads = tmp_path / "lib.db.jobs" / "uploads"
    (uploads / "abc").write_bytes(b"x")
    (uploads / "orphan").write_bytes(b"x")
    with sqlite3.connect(tmp_path / "lib.db.jobs" / "jobs.db") as connection:
        row = ("one", "a.ogg", 1.0, "abc", json.dumps({}), time.time(), "running", 3, None, None, None, None)
        connection.execute(f"INSERT INTO job VALUES ({', '.join('?' * len(row))})", row)
    again = open_client(store=store)
    answer = again.get("/v1/recognitions/one")
    assert answer.status_code == 500
    assert "3 times" in answer.json()["error"]
    assert not list(uploads.iterdir())


def test_two_servers_cannot_share_a_store(tmp_path):
    store = tmp_path / "lib.db"
    first = Workspace(store)
    with pytest.raises(OrganologyError, match="another server"):
        Workspace(store)
    first.close()
    Workspace(store).close()


def test_folder_of_a_living_server_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    workspace = Workspace()
    assert remove_abandoned() == []
    assert Path(workspace.folder).is_dir()
    workspace.close()
    assert not list(tmp_path.iterdir())
