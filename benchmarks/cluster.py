"""Whether `organology recognize --engine ray` does each file once, whatever dies, and what it costs beyond `--jobs`.

    python benchmarks/cluster.py [--files 2000] [--seconds 5] [--without-kills]

Puts made-up recordings, 1 % of them broken, into an S3 of this machine (`pip install 'moto[server]'`). They are
recognized from a folder with `--jobs 2`, from a folder with Ray and 2 workers, and from S3 with Ray while a worker and
the driver are killed with SIGKILL; all results are compared. Rates are those beyond start-up: of `--jobs 2` without the
time that two files take, of Ray from the first file of the dataset on. `--without-kills` leaves out the part with S3.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq
import s3fs
import soundfile
from measuring import EXAMPLES

from organology.cluster.dataset import Dataset
from organology.cluster.schema import recognition_of
from organology.library.store import Store
from organology.recognition import Recognition

RATE = 44_100
BUCKET = "archive"


def make(folder: Path, n: int, seconds: float) -> set[str]:
    """Clips of the examples, cut at random; names of the broken ones."""
    rng = random.Random(0)
    music = [soundfile.read(path, dtype="float32", always_2d=True) for path in sorted(EXAMPLES.glob("*.ogg"))]
    broken = set(rng.sample(range(n), max(1, n // 100)))
    names = set()
    for i in range(n):
        path = folder / f"{i:05}.flac"
        samples, rate = rng.choice(music)
        start = rng.randrange(max(1, len(samples) - round(seconds * rate)))
        if i in broken:
            path.write_bytes(b"not a recording" * 50)
            names.add(path.name)
        else:
            soundfile.write(path, samples[start : start + round(seconds * rate)], rate)
    return names


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "organology", "recognize", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def timed(*arguments: object) -> tuple[float, str]:
    """Wall seconds of a command, and what it said."""
    began = time.monotonic()
    process = start(*arguments)
    _, said = process.communicate()
    return time.monotonic() - began, said


def workers(driver: int) -> list[psutil.Process]:
    """Processes of the pool of a driver."""
    try:
        below = psutil.Process(driver).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [one for one in below if "MapWorker" in " ".join(one.cmdline())]


def n_parts(dataset: Dataset) -> int:
    return sum(map(len, dataset.parts().values()))


def beyond_start(dataset: Dataset) -> float:
    """Seconds a file from the first file of a local dataset on."""
    (names,) = dataset.parts().values()
    written = sorted((Path(name).stat().st_mtime, pq.read_metadata(name).num_rows) for name in names)
    return (written[-1][0] - written[0][0]) / sum(rows for _, rows in written[1:])


def wait_for(process: subprocess.Popen[str], dataset: Dataset, parts: int) -> None:
    while n_parts(dataset) < parts:
        if process.poll() is not None:
            raise SystemExit(f"it ended too early: {process.stderr.read() if process.stderr else ''}")
        time.sleep(0.2)


def rows_of(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """File name -> its rows."""
    found: dict[str, list[dict[str, Any]]] = {}
    for names in dataset.parts().values():
        for table in dataset.tables(names):
            for row in table.to_pylist():
                found.setdefault(row["path"].rpartition("/")[2], []).append(row)
    return found


def differences(dataset: Dataset, expected: dict[str, Recognition | None]) -> tuple[float, Counter[str]]:
    """The largest difference of a score, and how many files are missing, double or otherwise wrong."""
    (run,) = dataset.runs().values()
    found, wrong, largest = rows_of(dataset), Counter[str](), 0.0
    for name, recognition in expected.items():
        rows = found.pop(name, [])
        if len(rows) != 1:
            wrong["missing" if not rows else "double"] += 1
            continue
        if (rows[0]["failure"] is not None) != (recognition is None):
            wrong["failure"] += 1
        elif recognition is not None:
            one = recognition_of(rows[0], run, name)
            largest = max(
                largest,
                float(np.abs(one.scores - recognition.scores).max()),
                float(np.abs(one.file_scores - recognition.file_scores).max()),
            )
            wrong["segments"] += one.segments != recognition.segments
    wrong["unexpected"] = len(found)
    return largest, +wrong


def expected_of(store: Path, folder: Path) -> dict[str, Recognition | None]:
    from organology.library.rows import FileState

    found: dict[str, Recognition | None] = {}
    with Store(store, create=False) as opened:
        (run,) = opened.runs()
        for path in sorted(folder.iterdir()):
            state = FileState.of(path)
            assert state is not None
            got = opened.get(run, state, path.name)
            found[path.name] = got[0] if isinstance(got, list) else None
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--port", type=int, default=5055)
    parser.add_argument("--without-kills", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "in")
        folder.mkdir()
        broken = make(folder, asked.files, asked.seconds)
        print(f"{asked.files} files of {asked.seconds:g} s, {len(broken)} of them broken", flush=True)
        expected = measure(folder, broken)
        if not asked.without_kills:
            with storage(asked.port):
                kill(folder, expected)


@contextmanager
def storage(port: int) -> Iterator[None]:
    """An S3 of this machine, and the environment that leads to it."""
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.terminate()


def measure(folder: Path, broken: set[str]) -> dict[str, Recognition | None]:
    """Compare Ray with `--jobs`; what the latter found in each file."""
    base, n = folder.parent, len(list(folder.iterdir()))
    few = base / "few"
    few.mkdir()
    for path in sorted(folder.iterdir())[:2]:
        shutil.copy(path, few)
    started, _ = timed(few, "--jobs", 2, "--threads", 2, "--store", base / "few.db", "--format", "csv", "-q")
    plain, _ = timed(folder, "--jobs", 2, "--threads", 2, "--store", base / "lib.db", "--format", "csv", "-q")
    print(f"recognize --jobs 2: {plain:.1f} s, two files {started:.1f} s", flush=True)
    expected = expected_of(base / "lib.db", folder)
    assert {name for name, one in expected.items() if one is None} == broken

    whole, said = timed(folder, "--jobs", 2, "--threads", 2, "--engine", "ray", "--store", base / "results")
    match = re.search(r"files in (\d+) s", said)
    work = float(match[1]) if match else float("nan")
    print(f"--engine ray, 2 workers, same folder: {whole:.1f} s, {work:.0f} s of them after Ray's start", flush=True)
    again, _ = timed(folder, "--jobs", 2, "--threads", 2, "--store", base / "lib2.db", "--format", "csv", "-q")
    print(f"recognize --jobs 2 again: {again:.1f} s", flush=True)
    each = ((plain + again) / 2 - started) / (n - 2)
    of_ray = beyond_start(Dataset(base / "results"))
    print(f"beyond start-up, a file: {each:.3f} s, with Ray {of_ray:.3f} s: {of_ray / each - 1:+.0%}", flush=True)
    print("largest difference and faults:", *differences(Dataset(base / "results"), expected), flush=True)

    return expected


def kill(folder: Path, expected: dict[str, Recognition | None]) -> None:
    """Kill a worker and the driver of a job on S3, start it again, and compare."""
    remote = s3fs.S3FileSystem()
    remote.mkdir(BUCKET)
    remote.put(str(folder) + "/", f"{BUCKET}/in/", recursive=True)
    dataset = Dataset(f"s3://{BUCKET}/results")
    arguments = (f"s3://{BUCKET}/in", "--jobs", 2, "--threads", 2, "--engine", "ray", "--store", dataset.address)
    driver = start(*arguments)
    wait_for(driver, dataset, 2)
    victim = workers(driver.pid)[0]
    victim.kill()
    print(f"worker {victim.pid} killed at {n_parts(dataset)} parts", flush=True)
    wait_for(driver, dataset, 7)
    orphans = psutil.Process(driver.pid).children(recursive=True)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    print(f"driver killed at {n_parts(dataset)} parts", flush=True)
    _, alive = psutil.wait_procs(orphans, timeout=30)
    print(f"{len(alive)} of its {len(orphans)} processes are left 30 s later", flush=True)
    _, said = timed(*arguments)
    print(said.strip().splitlines()[0] if said else "", "/", said.strip().splitlines()[-1] if said else "")
    print("S3, largest difference and faults:", *differences(dataset, expected))
    print("files of how many jobs:", len(dataset.jobs()))


if __name__ == "__main__":
    main()
