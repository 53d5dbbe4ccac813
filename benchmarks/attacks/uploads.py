"""Hostile uploads against `organology serve`: each answer is a result or one line, memory is bounded, none is left.

    python benchmarks/attacks/uploads.py [--cases 400] [--seed 0] [--most-megabytes 600]

A server process with two jobs and limits of 20 MB and 10 minutes gets, from four clients at once, the damaged files of
`benchmarks/fuzz.py`, files of few bytes that hold hours of silence, bodies that are too large or cut off, names that
are paths and broken forms; meanwhile connections send a byte a second. Ends with exit status 1 if an answer was a 5xx
or no single line, the server ended, took more memory, or left a file.
"""

from __future__ import annotations

import argparse
import collections
import io
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent.parent))
import fuzz

URL = "/v1/recognitions"
CLIENTS = 4
WATCH_SECONDS = 0.2


class Server:
    """`organology serve` as a process, with a temporary folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "organology.cli", "serve", "--port", "0", "--jobs", "2"]
        limits = ["--max-upload", "20", "--max-minutes", "10", "--job-seconds", "60"]
        environment = {**os.environ, "TMPDIR": str(folder), "MALLOC_ARENA_MAX": "2"}
        self.process = subprocess.Popen([*command, *limits], stderr=subprocess.PIPE, text=True, env=environment)
        assert self.process.stderr is not None
        self.url = self.process.stderr.readline().split()[-1].rstrip("/")
        self.highest = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        status = Path(f"/proc/{self.process.pid}/status")
        while self.process.poll() is None:
            try:
                self.highest = max(self.highest, int(status.read_text().partition("VmRSS:")[2].split()[0]) / 1024)
            except (OSError, IndexError):
                return
            time.sleep(WATCH_SECONDS)

    def stop(self) -> list[str]:
        """End it; what it left."""
        self.process.terminate()
        self.process.wait(30)
        return [path.name for path in self.folder.iterdir()]


def silence(hours: float) -> bytes:
    """A FLAC file of a few bytes for each block of silence."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", 8000, 1, format="FLAC", subtype="PCM_16") as file:
        for _ in range(round(hours * 60)):
            file.write(np.zeros(60 * 8000, np.int16))
    return buffer.getvalue()


def attacks(n_cases: int, seed: int) -> list[tuple[str, dict[str, str], dict[str, str], bytes]]:
    """(what, query, headers, body)."""
    whole = fuzz.sound_files(0.5)
    found = []
    for number in range(n_cases):
        suffix, content = fuzz.case(whole, seed, number)
        found.append((f"damaged {number}", {"name": f"a.{suffix}"}, {}, content))
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    for i, name in enumerate(("../../etc/passwd", "/etc/passwd", "C:\\x.ogg", "..", "\x01", "a" * 5000)):
        part = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        found.append((f"name {i}", {}, form, part + whole[0][1] + b"\r\n--b--\r\n"))
    for i, body in enumerate((b"", b"--b", b"--b\r\n" + b"a" * 200_000, b"--b\r\na: b\r\n\r\n\r\n" * 500)):
        found.append((f"form {i}", {}, form, body))
    found += [(f"silence {i}", {}, {}, silence(3)) for i in range(4)]
    found += [(f"large {i}", {}, {}, os.urandom(21_000_000)) for i in range(4)]
    random.Random(seed).shuffle(found)
    return found


def trickle(port: int, until: threading.Event) -> None:
    """Connections that send a byte a second, and some that are cut in the middle of their body."""
    head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 1000000\r\n\r\n".encode()
    held: list[socket.socket] = []
    while not until.is_set():
        cut = socket.create_connection(("127.0.0.1", port))
        cut.sendall(head + b"RIFF")
        cut.close()
        if len(held) < 40:
            held.append(socket.create_connection(("127.0.0.1", port)))
            held[-1].sendall(head if len(held) % 2 else head[:20])
        for one in held:
            try:
                one.send(b"x")
            except OSError:
                continue  # closed by the server, as it should
        until.wait(1)
    for one in held:
        one.close()


def send(url: str, attack: tuple[str, dict[str, str], dict[str, str], bytes]) -> tuple[str, int, str]:
    """What was sent, the status and, if it is not right, why."""
    what, query, headers, body = attack
    for _ in range(60):
        try:
            answer = httpx.post(url + URL, params=query, headers=headers, content=body, timeout=120)
        except httpx.WriteError:
            return what, 0, ""  # cut off while it sent too much
        if answer.status_code != 429:
            break
        time.sleep(float(answer.headers["Retry-After"]))
    if answer.status_code < 300:
        return what, answer.status_code, ""
    try:
        (line,) = answer.json().values()
        fault = "" if line and "\n" not in line else f"not one line: {line!r}"
    except ValueError:
        fault = f"no JSON: {answer.text[:80]!r}"
    return what, answer.status_code, f"{answer.status_code}: {line}" if answer.status_code >= 500 else fault


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most-megabytes", type=float, default=600)
    settings = parser.parse_args()
    planned = attacks(settings.cases, settings.seed)
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        over = threading.Event()
        slow = threading.Thread(target=trickle, args=(int(server.url.rpartition(":")[2]), over), daemon=True)
        slow.start()
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda attack: send(server.url, attack), planned))
        over.set()
        slow.join(30)
        healthy = httpx.get(f"{server.url}/healthz", timeout=30).status_code == 200
        left = server.stop()
    problems = [f"{what}: {fault}" for what, _, fault in answers if fault]
    problems += [] if healthy else ["the server cannot work any more"]
    problems += [f"left behind: {name}" for name in left]
    if server.highest > settings.most_megabytes:
        problems.append(f"{server.highest:.0f} MB")
    statuses = collections.Counter(status for _, status, _ in answers)
    print(f"{len(answers)} uploads, answers {dict(sorted(statuses.items()))}, at most {server.highest:.0f} MB")
    print("\n".join(problems) or "nothing wrong")
    raise SystemExit(bool(problems))


if __name__ == "__main__":
    main()
