"""A library with broken files in it: recognized with a store, killed in the middle, resumed, and checked.

    python benchmarks/library.py [--files 2000] [--broken 0.01] [--jobs 2] [--folder DIR]

The files are cut from `examples/`, 1.5 to 6 s long, in eight formats. Of every hundred one is broken: empty, zeros,
random bytes, text or a picture under the name of audio, a header that is cut, a link to nowhere, a named pipe, a
socket, one without permission (not as root), and one that vanishes during the run. A first run is killed with SIGKILL
half way. Checked are: the one that resumes does nothing again that is in the store; every good file is in the output
once; every broken one costs one line; the exit status is 1; a third run writes the same from the store alone; and
`--jobs 1` into another store gives the same file.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import soundfile

EXAMPLES = Path(__file__).parent.parent / "examples"
FORMATS = (
    ("wav", {"subtype": "PCM_16"}),
    ("wav", {"subtype": "PCM_24"}),
    ("wav", {"subtype": "FLOAT"}),
    ("flac", {}),
    ("ogg", {}),
    ("mp3", {}),
    ("aiff", {}),
    ("m4a", {}),
)
_POLL_SECONDS = 0.02
_LIMIT_SECONDS = 3600


@dataclass
class Library:
    """What was made.

    Attributes
    ----------
    folder : Path
    good, broken : set of str
        Names as `recognize` tells them; `vanishing` is in neither.
    vanishing : Path
        The last one in order; to be removed during a run.
    """

    folder: Path
    good: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    vanishing: Path = Path()


def make(folder: Path, n_files: int, n_broken: int, seed: int = 0) -> Library:
    """Make a library of `n_files` good and `n_broken` broken files in folders of a hundred."""
    rng = np.random.default_rng(seed)
    library = Library(folder)
    recordings = [soundfile.read(path, dtype="float32", always_2d=True) for path in sorted(EXAMPLES.glob("*.ogg"))]
    for i in range(n_files):
        samples, rate = recordings[rng.integers(len(recordings))]
        n = round(rng.uniform(1.5, 6) * rate)
        start = rng.integers(len(samples) - n)
        suffix, kinds = FORMATS[i % len(FORMATS)]
        path = _place(folder, i) / f"{i:05} good é.{suffix}"
        _write(path, samples[start : start + n], rate, kinds)
        library.good.add(path.as_posix())
    kinds_broken = [kind for kind in _BROKEN if kind is not _forbidden or os.geteuid() != 0]
    for i in range(n_broken - 1):
        path = _place(folder, int(rng.integers(n_files))) / f"{i:05} broken.{('wav', 'mp3', 'flac', 'm4a')[i % 4]}"
        kinds_broken[i % len(kinds_broken)](path, rng)
        library.broken.add(path.as_posix())
    library.vanishing = folder / "zz" / "vanishes.wav"
    samples, rate = recordings[0]
    library.vanishing.parent.mkdir()
    _write(library.vanishing, samples[: 2 * rate], rate, {})
    return library


def _place(folder: Path, i: int) -> Path:
    place = folder / f"{i // 100:03}"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _write(path: Path, samples: np.ndarray, rate: int, kinds: dict[str, str]) -> None:
    if path.suffix != ".m4a":
        with soundfile.SoundFile(path, "w", rate, samples.shape[1], **kinds) as file:
            for start in range(0, len(samples), 8192):  # one long write overflows libsndfile's stack
                file.write(samples[start : start + 8192])
        return
    with av.open(str(path), "w") as container:
        layout = "mono" if samples.shape[1] == 1 else "stereo"
        stream = container.add_stream("aac", rate=rate, layout=layout)
        for start in range(0, len(samples), 1024):
            block = np.ascontiguousarray(samples[start : start + 1024].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _empty(path: Path, rng: np.random.Generator) -> None:
    path.touch()


def _zeros(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(bytes(20_000))


def _random(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(b"\x01" + rng.bytes(20_000))


def _text(path: Path, rng: np.random.Generator) -> None:
    path.write_text("This is text, whatever its name.\n" * 100)


def _picture(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + rng.bytes(5_000))


def _cut(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(b"RIFF\xff\xff\0\0WAVEfmt \x10\0\0\0\x01\0")


def _dangling(path: Path, rng: np.random.Generator) -> None:
    path.symlink_to("nowhere.wav")


def _pipe(path: Path, rng: np.random.Generator) -> None:
    os.mkfifo(path)


def _socket(path: Path, rng: np.random.Generator) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the address of a socket has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(here)


def _forbidden(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(b"RIFF")
    path.chmod(0)


_BROKEN = (_empty, _zeros, _random, _text, _picture, _cut, _dangling, _pipe, _socket, _forbidden)


def command(library: Library, store: Path, output: Path, jobs: int, model: Path | None) -> list[str]:
    """The command that is tried."""
    chosen = [] if model is None else ["--model", str(model)]
    where = ["--store", str(store), "--format", "csv", "--output", str(output), "--jobs", str(jobs), *chosen]
    return [sys.executable, "-m", "organology.cli", "recognize", str(library.folder), *where]


def rows(store: Path) -> dict[str, int]:
    """Paths in a store, with the numbers of their rows."""
    if not store.exists():
        return {}
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=60)
    try:
        return dict(connection.execute("SELECT path, id FROM recording").fetchall())
    except sqlite3.OperationalError:  # not yet a table
        return {}
    finally:
        connection.close()


@dataclass
class Run:
    """How a command went."""

    status: int
    seconds: float
    cpu_seconds: float
    lines: list[str]


def run(arguments: list[str], store: Path, until: int | None = None, vanishing: Path | None = None) -> Run:
    """Run a command; kill it once the store has `until` rows; remove a file once it has begun to store."""
    before = len(rows(store))
    began = time.monotonic()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(arguments, stderr=errors, stdout=subprocess.DEVNULL)
        while process.poll() is None and time.monotonic() < began + _LIMIT_SECONDS:
            time.sleep(_POLL_SECONDS)
            n_rows = len(rows(store)) if until is not None or vanishing is not None else 0
            if until is not None and n_rows >= until:
                process.send_signal(signal.SIGKILL)
            if vanishing is not None and n_rows > before:
                vanishing.unlink()
                vanishing = None
        status = process.wait()
        errors.seek(0)
        lines = errors.read().splitlines()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Run(status, time.monotonic() - began, cpu_seconds, lines)


def check(library: Library, folder: Path, jobs: int, model: Path | None = None) -> dict[str, float]:
    """Kill, resume, repeat; raises AssertionError where something is lost, done twice or not told.

    Returns
    -------
    dict of str to float
        What to print.
    """
    store, output = folder / "lib.db", folder / "out.csv"
    arguments = command(library, store, output, jobs, model)
    n_known = len(library.good) + sum(_is_stored(name) for name in library.broken)
    killed = run(arguments, store, until=n_known // 2)
    assert killed.status == -signal.SIGKILL, f"ended by itself with {killed.status}: {killed.lines[-3:]}"
    at_kill = rows(store)
    assert n_known // 2 <= len(at_kill) < n_known and not output.exists(), len(at_kill)
    resumed = run(arguments, store, vanishing=library.vanishing)
    at_end = rows(store)
    assert resumed.status == 1, resumed.status
    assert at_kill.items() <= at_end.items(), "a recording that was stored was done again"
    _check_output(library, output, resumed)
    shutil.copy(output, folder / "resumed.csv")
    again = run(arguments, store)
    assert again.status == 1 and rows(store) == at_end, "nothing is new, yet something was stored"
    assert output.read_bytes() == (folder / "resumed.csv").read_bytes()
    other = run(command(library, folder / "other.db", folder / "other.csv", 1, model), folder / "other.db")
    assert other.status == 1 and (folder / "other.csv").read_bytes() == output.read_bytes(), "--jobs changes results"
    integrity = sqlite3.connect(store).execute("PRAGMA integrity_check").fetchall()
    assert integrity == [("ok",)], integrity
    return {
        "good files": len(library.good),
        "broken files": len(library.broken) + 1,
        "in the store when it was killed": len(at_kill),
        "recognized after it was resumed": len(at_end) - len(at_kill),
        "processor seconds of the resumed run": resumed.cpu_seconds,
        "of the third run, from the store alone": again.cpu_seconds,
        "of a whole run with one job": other.cpu_seconds,
        "seconds of it": other.seconds,
        "store, in MB": store.stat().st_size / 1e6,
    }


def _is_stored(name: str) -> bool:
    """Whether the failure of a file is remembered: of what is no regular file or cannot be opened it is not."""
    return Path(name).is_file() and os.access(name, os.R_OK)


def _check_output(library: Library, output: Path, resumed: Run) -> None:
    with output.open(encoding="utf-8", newline="") as file:
        written = Counter(row["file"] for row in csv.DictReader(file))
    assert set(written) == library.good, set(written) ^ library.good
    assert set(written.values()) == {1}, "a file is written twice"
    failures = Counter(line.partition(": ")[0] for line in resumed.lines if ": note: " not in line)
    broken = {*library.broken, library.vanishing.as_posix()}
    assert set(failures) == broken, set(failures) ^ broken
    assert set(failures.values()) == {1}, "a broken file costs more than one line"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--broken", type=float, default=0.01, help="share of the files")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to work  [default: a temporary folder]")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        n_broken = max(1, round(asked.files * asked.broken))
        library = make(folder / "library", asked.files - n_broken, n_broken)
        for what, figure in check(library, folder, asked.jobs).items():
            print(f"{what:50} {figure:10.1f}" if figure % 1 else f"{what:50} {figure:10.0f}")


if __name__ == "__main__":
    main()
