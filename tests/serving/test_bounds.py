"""What a client cannot do: limits, access, hostile requests."""

import asyncio
import importlib.util
import io
import threading
import time
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
import soundfile

from organology.serving.upload import safe_name
from serving.conftest import is_one_error_line, serving

URL = "/v1/recognitions"


def test_too_large_by_its_declared_length_is_413(open_client):
    client = open_client({"upload_bytes": 1000})
    response = client.post(URL, content=bytes(3 * 2**20))
    assert response.status_code == 413
    assert is_one_error_line(response)


@pytest.mark.parametrize("as_form", [False, True])
def test_too_large_without_a_length_is_413(open_client, as_form):
    client = open_client({"upload_bytes": 100_000})
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' if as_form else b""

    def body():
        yield head
        for _ in range(20):
            yield bytes(10_000)

    headers = {"Content-Type": "multipart/form-data; boundary=b" if as_form else "audio/wav"}
    response = client.post(URL, content=body(), headers=headers)
    assert response.status_code == 413
    assert not list(client.service.workspace.uploads.iterdir())


def wav(seconds, rate=8000):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(round(seconds * rate), np.float32), rate, format="WAV", subtype="PCM_U8")
    return buffer.getvalue()


def test_too_long_by_its_head_is_413(open_client):
    response = open_client({"duration_seconds": 5}).post(URL, content=wav(6))
    assert response.status_code == 413


def flac_bomb(seconds):
    """Silence: a few bytes for each block of many samples."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(seconds * 8000, np.int16), 8000, format="FLAC")
    return buffer.getvalue()


def ogg_without_length(seconds):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="adts") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, seconds * 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        fifo = av.AudioFifo()
        fifo.write(frame)
        while (piece := fifo.read(1024, partial=True)) is not None:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize("bomb", [flac_bomb, ogg_without_length])
def test_small_file_with_long_sound_is_413(open_client, bomb):
    client = open_client({"duration_seconds": 60})
    content = bomb(1800)
    assert len(content) < 1_000_000
    began = time.monotonic()
    response = client.post(URL, content=content)
    assert response.status_code == 413, response.text
    assert time.monotonic() - began < 20


def test_too_slow_job_is_504(open_client, recording):
    client = open_client({"job_seconds": 1e-6})
    response = client.post(URL, content=recording)
    assert response.status_code == 504
    assert is_one_error_line(response)


def test_stuck_decoder_costs_a_job_and_not_the_server(open_client, recording, monkeypatch):
    free = threading.Event()
    real = __import__("organology.audio", fromlist=["decode"]).decode

    def stuck(path):
        if path.suffix == ".stuck":
            free.wait(30)
        return real(path)

    monkeypatch.setattr("organology.serving.jobs.work.audio.decode", stuck)
    monkeypatch.setattr("organology.serving.jobs.runner._GRACE_SECONDS", 0.1)
    client = open_client({"job_seconds": 1.0, "jobs": 1})
    try:
        response = client.post(URL, params={"name": "a.stuck"}, content=recording)
        assert response.status_code == 504
        assert client.get("/healthz").status_code == 503  # its one thread is lost, for now
        assert client.post(URL, content=recording).status_code in (200, 504)  # another took its place
    finally:
        free.set()


def test_full_queue_is_429_with_retry_after(open_client, recording, monkeypatch):
    free = threading.Event()
    monkeypatch.setattr(
        "organology.serving.jobs.runner.recognize", lambda job, *rest: free.wait(30) and (_ for _ in ()).throw(KeyError)
    )
    client = open_client({"queue": 2, "jobs": 1})
    try:
        statuses = [client.post(URL, params={"wait": 0}, content=recording).status_code for _ in range(2)]
        time.sleep(0.2)  # the first one is running now
        statuses += [client.post(URL, params={"wait": 0}, content=recording).status_code for _ in range(2)]
        assert statuses[:3] == [202, 202, 202]
        full = client.post(URL, params={"wait": 0}, content=recording)
        assert full.status_code == 429
        assert int(full.headers["retry-after"]) >= 1
        assert is_one_error_line(full)
    finally:
        free.set()


async def asgi_post(app, messages, headers=()):
    """A request whose body comes as the messages say; what is answered."""
    sent = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": URL, "raw_path": URL.encode(), "query_string": b"", "root_path": "", "server": ("testserver", 80),
        "client": ("127.0.0.1", 1), "headers": [(b"host", b"testserver"), *headers], "state": {},
    }  # fmt: skip

    async def send(message):
        sent.append(message)

    await app(scope, messages, send)
    return sent


def test_slow_upload_is_408(open_client):
    client = open_client({"upload_idle_seconds": 0.2})

    async def receive():
        await asyncio.sleep(5)

    sent = asyncio.run(asgi_post(client.app, receive))
    assert sent[0]["status"] == 408
    assert not list(client.service.workspace.uploads.iterdir())


def test_trickle_is_408(open_client):
    client = open_client({"upload_idle_seconds": 0.5, "upload_bytes_per_second": 1e6})

    async def receive():
        await asyncio.sleep(0.1)
        return {"type": "http.request", "body": b"x", "more_body": True}

    began = time.monotonic()
    sent = asyncio.run(asgi_post(client.app, receive))
    assert sent[0]["status"] == 408
    assert time.monotonic() - began < 5


def test_cut_connection_leaves_nothing(open_client):
    client = open_client({"queue": 1})
    for _ in range(3):
        messages = iter([{"type": "http.request", "body": b"x" * 1000, "more_body": True}, {"type": "http.disconnect"}])

        async def receive(messages=messages):
            return next(messages)

        asyncio.run(asgi_post(client.app, receive))
    assert not list(client.service.workspace.uploads.iterdir())
    assert client.post(URL, content=b"x").status_code == 415  # the queue's place was given back


def test_client_that_leaves_while_it_waits_cancels_its_job(open_client, recording):
    client = open_client()
    messages = [{"type": "http.disconnect"}, {"type": "http.request", "body": recording, "more_body": False}]

    async def receive():
        return messages.pop() if len(messages) > 1 else messages[0]

    asyncio.run(asgi_post(client.app, receive))
    for _ in range(100):
        if not list(client.service.workspace.uploads.iterdir()):
            break
        time.sleep(0.05)
    assert not list(client.service.workspace.uploads.iterdir())


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--c\r\n\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx'),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n' * 2),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"a" * 100_000),
        ("multipart/form-data; boundary=b", b"--b\r\na: b\r\n\r\n\r\n" * 100),
        ("multipart/form-data; boundary=" + "b" * 5000, b"x"),
        ("audio/wav", b""),
    ],
)
def test_broken_form_is_400(client, content_type, body):
    response = client.post(URL, content=body, headers={"Content-Type": content_type})
    assert response.status_code == 400, response.text
    assert is_one_error_line(response)
    assert not list(client.service.workspace.uploads.iterdir())


@pytest.mark.parametrize(
    "name",
    ["../../../../etc/passwd", "/etc/passwd", "C:\\a\\b.ogg", "..", "", "\0\n\r", "a" * 5000 + ".ogg", "%2e%2e/x"],
)
def test_path_in_a_file_name_is_dropped(client, recording, name):
    header = b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % name.encode()
    if "\n" in name:
        header = header.replace(b'\n\r"', b'"').replace(b"\0", b"")
    body = header + recording + b"\r\n--b--\r\n"
    response = client.post(URL, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert response.status_code in (200, 400), response.text
    if response.status_code == 200:
        assert not set(response.json()["file"]) & set("/\\\n\0")
        assert len(response.json()["file"]) <= 200


def test_safe_name_keeps_what_people_write():
    assert safe_name("Für Elise (live) #1.ogg") == "Für Elise (live) #1.ogg"


def test_damaged_files_are_answered(client):
    script = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
    if not script.exists():
        pytest.skip("benchmarks/ is not here")
    spec = importlib.util.spec_from_file_location("fuzz", script)
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    files = fuzz.sound_files(0.2)
    for number in range(0, 200, 5):
        suffix, content = fuzz.case(files, 0, number)
        response = client.post(URL, params={"name": f"a.{suffix}"}, content=content)
        assert response.status_code in (200, 413, 415), (number, response.text)
        if response.status_code != 200:
            assert is_one_error_line(response)


def test_token_is_needed_where_there_is_one(open_client):
    client = open_client(token="secret")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}, {"Authorization": "é"}):
        response = client.get("/v1/model", headers={k: v.encode() for k, v in headers.items()})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert is_one_error_line(response)
    assert client.get("/metrics").status_code == 401
    assert client.get("/v1/model", headers={"Authorization": "Bearer secret"}).status_code == 200
    assert client.get("/healthz").status_code == client.get("/").status_code == 200


def test_other_hosts_and_sites_are_refused(open_client):
    client = open_client(hosts=("testserver",))
    assert client.get("/v1/model").status_code == 200
    assert client.get("/v1/model", headers={"Host": "evil.example"}).status_code == 421
    assert client.get("/v1/model", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/v1/model", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_no_cors_unless_asked(open_client):
    origin = {"Origin": "https://a.example", "Sec-Fetch-Site": "cross-site"}
    closed = open_client()
    assert "access-control-allow-origin" not in closed.get("/v1/model", headers={"Origin": "https://a.example"}).headers
    opened = open_client(origins=("https://a.example",))
    answer = opened.get("/v1/model", headers=origin)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://a.example")
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    assert opened.options(URL, headers=asked).status_code == 200


def test_head_is_answered_as_get_without_a_body(client):
    for path in ("/", "/page/app.js", "/healthz"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")


def test_every_answer_is_hardened(client):
    for path in ("/", "/v1/model", "/nothing", "/healthz"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert is_one_error_line(client.get("/nothing"))
    assert is_one_error_line(client.put("/v1/model"))


def test_root_path_stands_before_locations(open_client, recording):
    client = open_client(root_path="/music")
    response = client.post(URL, params={"wait": 0}, content=recording)
    assert response.headers["location"].startswith("/music/v1/recognitions/")
    assert client.get("/music/v1/model").status_code == client.get("/v1/model").status_code == 200


def test_metrics_count_requests_and_jobs(open_client, recording):
    client = open_client()
    client.post(URL, content=recording)
    client.post(URL, content=b"x")
    client.request("BREW", "/v1/model")
    text = client.get("/metrics").text
    assert 'organology_requests_total{method="POST",route="/v1/recognitions",status="200"} 1.0' in text
    assert 'organology_jobs_total{state="failed",status="415"} 1.0' in text
    assert "BREW" not in text
    assert "organology_jobs_queued 0.0" in text


@pytest.fixture
def listening():
    """A real server on loopback."""
    with serving({"jobs": 1, "head_seconds": 2, "connections": 5}) as port:
        yield port


def test_slow_heads_are_cut_and_too_many_connections_refused(listening, recording):
    async def attack():
        pairs = [await asyncio.open_connection("127.0.0.1", listening) for _ in range(5)]
        for _, writer in pairs:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
            await writer.drain()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening}") as web:
            refused = await web.get("/healthz")
            closed = [await asyncio.wait_for(reader.read(), 30) for reader, _ in pairs]
            served = await web.post(URL, content=recording, timeout=30)
        for _, writer in pairs:
            writer.close()
        return refused, closed, served

    refused, closed, served = asyncio.run(attack())
    assert refused.status_code == 503
    assert is_one_error_line(refused)
    assert closed == [b""] * 5
    assert served.status_code == 200


def test_wrong_lengths_do_not_hold_the_server(listening, recording):
    async def attack():
        reader, writer = await asyncio.open_connection("127.0.0.1", listening)
        writer.write(f"POST {URL} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n".encode() + b"short")
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", listening)
        writer.write(
            f"POST {URL} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n".encode()
            + b"longer than that"
        )
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", listening)
        writer.write(f"POST {URL} HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n".encode())
        negative = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening}") as web:
            return answer, negative, await web.post(URL, content=recording, timeout=30)

    answer, negative, served = asyncio.run(attack())
    assert answer.startswith(b"HTTP/1.1 415")
    assert negative.startswith(b"HTTP/1.1 400")
    assert served.status_code == 200
