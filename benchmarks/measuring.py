"""For the benchmark scripts: long files to measure on, what a process takes, and tables in a page of the docs."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr

RATE = 44_100
EXAMPLES = Path(__file__).parent.parent / "examples"


# Between the script and what it measures: a new process begins with the peak memory of the one that started it.
_LAUNCHER = """
import json, os, subprocess, sys, time
began = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss,
    time.monotonic() - began]))
"""


@dataclass(frozen=True)
class Taken:
    """What a process took: user and system time in seconds, peak resident memory in MB, wall time in seconds."""

    cpu: float
    megabytes: float
    wall: float


def taken(command: Sequence[str | os.PathLike[str]], repeats: int = 1) -> Taken:
    """Run a command `repeats` times; the least of each figure, as other work on the machine only adds to them."""
    runs = []
    for _ in range(repeats):
        launched = [sys.executable, "-S", "-c", _LAUNCHER, *map(os.fspath, command)]
        status, cpu, kilobytes, wall = json.loads(
            subprocess.run(launched, capture_output=True, text=True, check=True).stdout
        )
        if status:
            raise SystemExit(f"{' '.join(map(str, command))}: exit status {status}")
        runs.append(Taken(cpu, kilobytes / 1024, wall))
    return Taken(*(min(getattr(run, name) for run in runs) for name in ("cpu", "megabytes", "wall")))


def python(code: str, *arguments: object, repeats: int = 1) -> Taken:
    """What a piece of Python takes in a process of its own."""
    return taken([sys.executable, "-c", code, *map(str, arguments)], repeats)


def music(folder: Path = EXAMPLES) -> np.ndarray:
    """The recordings of a folder one after the other, 44.1 kHz stereo; the channels differ, as those of records do."""
    parts = []
    for path in sorted(folder.glob("*.ogg")):
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        parts.append(soxr.resample(samples.mean(axis=1), rate, RATE))
    mono = np.concatenate(parts)
    return np.stack([0.7 * mono + 0.3 * np.roll(mono, seconds * RATE) for seconds in (9, 31)], axis=1)


def blocks(loop: np.ndarray, seconds: float, rate: int, sparse: bool) -> Iterator[np.ndarray]:
    """The loop over and over, in blocks of a second; sparse: 4 s of each minute, and silence."""
    for second in range(round(seconds)):
        start = second * rate % (len(loop) - rate)
        yield loop[start : start + rate] * (not sparse or second % 60 < 4)


def write(path: Path, loop: np.ndarray, seconds: float, rate: int = RATE, sparse: bool = False) -> Path:
    """A long file: what libsndfile writes (flac, wav, mp3), or m4a; of the loop's channels."""
    if path.suffix == ".m4a":
        return _write_m4a(path, loop, seconds, rate, sparse)
    kinds: dict[str, Any] = {"subtype": "PCM_16"} if path.suffix in (".flac", ".wav") else {}
    if path.suffix == ".mp3":
        kinds = {"bitrate_mode": "CONSTANT", "compression_level": 0.42}
    kinds["format"] = "RF64" if path.suffix == ".wav" else None
    with soundfile.SoundFile(path, "w", rate, loop.shape[1], **kinds) as file:
        for block in blocks(loop, seconds, rate, sparse):
            for start in range(0, len(block), 8192):  # libsndfile overflows its stack on one long write to mp3
                file.write(block[start : start + 8192])
    return path


def _write_m4a(path: Path, loop: np.ndarray, seconds: float, rate: int, sparse: bool) -> Path:
    layout = "stereo" if loop.shape[1] == 2 else "mono"
    with av.open(str(path), "w", format="ipod") as container:
        stream: Any = container.add_stream("aac", rate=rate, layout=layout)
        stream.bit_rate = 96_000 * loop.shape[1]
        fifo = av.AudioFifo()
        for block in blocks(loop, seconds, rate, sparse):
            planes = np.ascontiguousarray(block.T, dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate = rate
            fifo.write(frame)
            while (piece := fifo.read(1024)) is not None:
                container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def repeated(short: Path, path: Path, times: int) -> Path:
    """An mp3 or m4a as long as `times` short ones, without encoding anew."""
    if short.suffix == ".mp3":
        content = short.read_bytes()
        with path.open("wb") as file:
            for _ in range(times):
                file.write(content)
        return path
    with av.open(str(path), "w", format="ipod") as container:
        stream: Any = None
        offset = 0
        for _ in range(times):
            with av.open(str(short)) as given:
                stream = stream or container.add_stream_from_template(given.streams.audio[0])
                last = 0
                for packet in given.demux(audio=0):
                    if packet.dts is None:
                        continue
                    last = max(last, packet.dts + packet.duration)
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    packet.stream = stream
                    container.mux(packet)
                offset += last
    return path


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def put(page: Path, name: str, text: str) -> None:
    """Replace the part of a page between `<!-- name -->` and `<!-- end name -->`."""
    content = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(content):
        raise SystemExit(f"{page}: no part {begin}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text.strip()}\n{end}", content), encoding="utf-8")


def machine() -> str:
    """Processor, system and versions, in a line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = re.findall(r"model name\s*: (.*)", cpuinfo.read_text())
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
