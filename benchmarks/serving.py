"""Loads `organology serve` with many clients at once and compares it with `organology recognize --jobs`.

    python benchmarks/serving.py [--clients 50] [--minutes 3] [--jobs 2] [--page docs/serving.md]

Clips of 30 s are cut from the example recordings. First `organology recognize --jobs N` does them all; then a server
with the same number of jobs gets them from clients that send the next one when the last is answered, and again after
`Retry-After` where the queue is full. Measured are seconds of sound a second, the latency of accepted requests, and the
server's memory over time. Every other answer than a result, 202 (it is fetched
then) or 429 is an error, and the exit status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import soundfile
from measuring import put, table

CLIP_SECONDS = 30
EXAMPLES = Path(__file__).parent.parent / "examples"


def make_clips(folder: Path, n: int) -> list[Path]:
    """Clips of 30 s: examples repeated, each from another place."""
    sounds = [soundfile.read(path, dtype="float32") for path in sorted(EXAMPLES.glob("*.ogg"))]
    clips = []
    for i in range(n):
        samples, rate = sounds[i % len(sounds)]
        shifted = np.resize(np.roll(samples, -i * rate // 3), CLIP_SECONDS * rate)
        path = folder / f"clip{i:03d}.ogg"
        with soundfile.SoundFile(path, "w", rate, 1, format="OGG", subtype="VORBIS") as file:
            for start in range(0, len(shifted), 8192):
                file.write(shifted[start : start + 8192])
        clips.append(path)
    return clips


def recognize_rate(folder: Path, n: int, jobs: int) -> tuple[float, float]:
    """Seconds of sound that `organology recognize` does in a second, and in a second of processor time.

    Its start is left out.
    """

    def seconds(paths: list[str]) -> np.ndarray:
        began, before = time.monotonic(), _children_seconds()
        command = [
            sys.executable,
            "-m",
            "organology.cli",
            "recognize",
            *paths,
            "--jobs",
            str(jobs),
            "--threads",
            str(jobs),
        ]
        subprocess.run([*command, "--format", "jsonl"], check=True, stdout=subprocess.DEVNULL)
        return np.array([time.monotonic() - began, _children_seconds() - before])

    short = folder / "short.wav"
    soundfile.write(short, np.full(8000, 0.1, np.float32), 8000)
    start = seconds([str(short)])
    whole = seconds([str(path) for path in sorted(folder.glob("clip*.ogg"))])
    wall, processor = n * CLIP_SECONDS / (whole - start)
    return wall, processor


def _children_seconds() -> float:
    """Processor time of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Server:
    """`organology serve` as a process."""

    def __init__(self, jobs: int) -> None:
        command = [sys.executable, "-m", "organology.cli", "serve", "--port", "0", "--jobs", str(jobs)]
        environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        assert self.process.stderr is not None
        self.url = self.process.stderr.readline().split()[-1]

    def memory(self) -> float:
        """Resident set, in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024

    def processor_seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


async def load(
    server: Server, clips: list[bytes], n_clients: int, seconds: float
) -> tuple[collections.Counter[int], list[float], list[float]]:
    """Statuses, latencies of results in seconds, and the server's memory in MB each second."""
    statuses: collections.Counter[int] = collections.Counter()
    latencies: list[float] = []
    memory: list[float] = []
    until = time.monotonic() + seconds

    async def client(number: int) -> None:
        turn = number
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as web:
            while time.monotonic() < until:
                began = time.monotonic()
                answer = await web.post("/v1/recognitions", content=clips[turn % len(clips)])
                statuses[answer.status_code] += 1
                if answer.status_code == 429:
                    await asyncio.sleep(float(answer.headers["Retry-After"]))
                    continue
                if answer.status_code == 202:  # not within the time that a request waits
                    statuses[await finished(web, answer.headers["Location"])] += 1
                latencies.append(time.monotonic() - began)
                turn += 1

    async def finished(web: httpx.AsyncClient, place: str) -> int:
        while (answer := await web.get(place)).status_code == 202:
            await asyncio.sleep(float(answer.headers["Retry-After"]))
        await web.delete(place)
        return answer.status_code

    async def watch() -> None:
        while time.monotonic() < until:
            memory.append(server.memory())
            await asyncio.sleep(1)

    await asyncio.gather(watch(), *(client(i) for i in range(n_clients)))
    return statuses, latencies, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--page", type=Path, help="put the table into this page too")
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = make_clips(folder, settings.clips)
        before = recognize_rate(folder, len(clips), settings.jobs)
        server = Server(settings.jobs)
        try:
            contents = [path.read_bytes() for path in clips]
            began, used = time.monotonic(), server.processor_seconds()
            statuses, latencies, memory = asyncio.run(load(server, contents, settings.clients, settings.minutes * 60))
            elapsed, used = time.monotonic() - began, server.processor_seconds() - used
        finally:
            server.stop()
        after = recognize_rate(folder, len(clips), settings.jobs)
    n_errors = sum(statuses.values()) - statuses[200] - statuses[202] - statuses[429]
    rate = statuses[200] * CLIP_SECONDS / elapsed
    # Other work on the machine comes and goes; processor time does not depend on it.
    reference = (before[0] + after[0]) / 2
    by_processor = statuses[200] * CLIP_SECONDS / used, (before[1] + after[1]) / 2
    warm = memory[len(memory) // 3 :]
    rows = [
        ("results", statuses[200]),
        ("429 (queue full)", statuses[429]),
        ("202 first (30 s were not enough)", statuses[202]),
        ("other answers", n_errors),
        ("sound a second, server", f"{rate:.0f} s"),
        (
            f"sound a second, `recognize --jobs {settings.jobs}` before and after",
            f"{before[0]:.0f} s, {after[0]:.0f} s",
        ),
        ("share", f"{100 * rate / reference:.0f} %"),
        ("sound a second of processor time: server, `recognize`", f"{by_processor[0]:.0f} s, {by_processor[1]:.0f} s"),
        ("share", f"{100 * by_processor[0] / by_processor[1]:.0f} %"),
        ("latency p50", f"{np.percentile(latencies, 50):.2f} s"),
        ("latency p99", f"{np.percentile(latencies, 99):.2f} s"),
        ("memory: first, after a third of the time, highest", f"{memory[0]:.0f}, {warm[0]:.0f}, {max(memory):.0f} MB"),
    ]
    text = (
        f"{settings.clients} clients, clips of {CLIP_SECONDS} s, {settings.minutes:g} minutes, "
        f"{settings.jobs} jobs on {len(os.sched_getaffinity(0))} cores:\n\n"
    ) + table(("", ""), rows)
    print(text)
    if settings.page:
        put(settings.page, "serving", text)
    sys.exit(bool(n_errors))


if __name__ == "__main__":
    main()
