"""What the tests of serving share: servers in this process, with the shipped model."""

import contextlib
import tempfile
import threading
import warnings
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("prometheus_client")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

from organology.serving.app import create_app
from organology.serving.settings import Limits, Settings

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def recording():
    return (EXAMPLES / "vocadito-14.ogg").read_bytes()


@pytest.fixture
def open_client(tmp_path, monkeypatch):
    """Opens clients of servers with given limits and settings; all are closed in the end."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened = []

    def open_one(limits=None, **settings):
        app = create_app(Settings(limits=Limits(**{"jobs": 2, **(limits or {})}), **settings))
        client = TestClient(app, raise_server_exceptions=False).__enter__()
        client.service = app.state.service
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A server with ordinary settings, for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("temporary")))
        app = create_app(Settings(limits=Limits(jobs=2)))
        with TestClient(app, raise_server_exceptions=False) as client:
            client.service = app.state.service
            yield client


@contextlib.contextmanager
def serving(limits=None, **settings):
    """A real server on loopback, in a thread; its port."""
    from organology.serving import server

    ready = threading.Event()
    config = server.configure(Settings(limits=Limits(**{"jobs": 2, **(limits or {})}), **settings), "127.0.0.1", 0)
    running = server.Server(config, lambda port: ready.set())
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", folder)
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            assert ready.wait(60)
            yield running.servers[0].sockets[0].getsockname()[1]
        finally:
            running.should_exit = True
            thread.join(30)


def is_one_error_line(response):
    body = response.json()
    return list(body) == ["error"] and bool(body["error"]) and "\n" not in body["error"]
