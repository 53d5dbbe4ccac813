"""Verbs that are killed at any moment: nothing is lost, nothing half done counts, nothing is left behind.

    python benchmarks/attacks/kills.py                              # 40 kills of each verb
    python benchmarks/attacks/kills.py --verbs prepare,train --kills 10 --seed 1

A verb runs once undisturbed; the files in its folder before and after are what counts. Then it is killed again and
again, half the time as soon as it writes, by SIGKILL mostly, the process alone or with all that it began. After each
kill every file has to be as it was or as it will be, but for those that grow with the work, which have to be readable.
Whenever it comes to its end, the folder has to hold what the undisturbed run left, byte by byte, and no file more; then
all begins anew. Ends with exit status 1, and says what was wrong, if anything was.
"""

from __future__ import annotations

import argparse
import atexit
import fnmatch
import hashlib
import importlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import yaml

RATE = 32_000
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
ORGANOLOGY = (sys.executable, "-m", "organology")
PREPARE = ("prepare", "stems", "songs", "--out", "prepared", "--jobs", "2", "--fractions", "0.4,0.3,0.3")

Reader = Callable[[Path], object]
Tree = dict[str, object]


def digest(path: Path) -> object:
    """What any file is compared by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def store_rows(path: Path) -> object:
    """Recordings and scores of a store, without the times of writing; None where it is only begun."""
    with tempfile.TemporaryDirectory() as folder:  # a copy: to open a store changes the files beside it
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy2(part, folder)
        with closing(sqlite3.connect(Path(folder, path.name))) as connection:
            return _rows(connection)


def _rows(connection: sqlite3.Connection) -> object:
    if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        raise ValueError("not intact")
    if not connection.execute("SELECT name FROM sqlite_master WHERE name = 'recording'").fetchall():
        return None
    rows = connection.execute(
        "SELECT path, channel, content, scores FROM recording JOIN window_scores ON recording = recording.id"
    )
    in_work = connection.execute("SELECT path FROM in_work")
    return digest_of(sorted((os.path.basename(path), *rest) for path, *rest in rows)), sorted(in_work)  # noqa: PTH119


def digest_of(values: object) -> str:
    """Of anything that prints the same where it is the same."""
    return hashlib.sha256(repr(values).encode()).hexdigest()


def without_time(path: Path) -> object:
    """JSON without how long it took."""
    values = json.loads(path.read_text("utf-8"))
    values.pop("seconds_since_start_or_resume", None)
    return values


def history(path: Path) -> object:
    """Rows of a run's metrics, without how fast it was."""
    return [re.sub(r"[\d.]+$", "", line) for line in path.read_text("utf-8").splitlines()]


def training_state(path: Path) -> object:
    """Weights to resume from; the file holds times, too."""
    if zipfile.ZipFile(path).testzip() is not None:
        raise ValueError("damaged")
    return None


def weights_and_description(path: Path) -> object:
    """A description; what it says of the weights beside it has to be so."""
    values = json.loads(path.read_text("utf-8"))
    if values["weights_sha256"] != digest(path.with_name("model.safetensors")):
        raise ValueError("describes other weights than those beside it")
    return values


@dataclass(frozen=True)
class Verb:
    """What is killed.

    Attributes
    ----------
    arguments : sequence of str
        Of `organology`, in the folder of the work.
    make : callable
        Makes the inputs in a folder.
    growing : sequence of str
        Patterns of files that a run which is not at its end may have otherwise.
    ignored : sequence of str
        Patterns of files that each run writes under a name of its own.
    preloaded : sequence of str
        Modules that take long to import: they are imported once, and each run is a fork that has them.
    readers : dict of str to callable
        For files that are not the same byte by byte: a pattern, and what reads what has to be the same. It raises
        where the file is broken.
    """

    arguments: Sequence[str]
    make: Callable[[Path], None]
    growing: Sequence[str] = ()
    ignored: Sequence[str] = ()
    preloaded: Sequence[str] = ()
    readers: dict[str, Reader] = field(default_factory=dict)

    def tree(self, folder: Path, problems: list[str] | None = None) -> Tree:
        """What is in a folder, by relative path."""
        found: Tree = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_dir() or matches(name, self.ignored):
                continue
            reader = next((read for pattern, read in self.readers.items() if matches(name, [pattern])), digest)
            try:
                found[name] = reader(path)
            except Exception as error:  # whatever a reader says of a broken file
                found[name] = f"broken: {type(error).__name__}: {error}"
                if problems is not None:
                    problems.append(f"{name}: {found[name]}")
        return found


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a path fits one of the patterns."""
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def make_music(folder: Path, kinds: Sequence[str] = ("wav", "flac", "ogg", "mp3")) -> None:
    """Sixteen short recordings of several kinds."""
    rng = np.random.default_rng(0)
    (folder / "music").mkdir()
    for number in range(16):
        samples = 0.1 * rng.standard_normal(RATE * int(rng.integers(1, 5)))
        soundfile.write(folder / "music" / f"{number:02}.{kinds[number % len(kinds)]}", samples, RATE)


def make_stems(folder: Path) -> None:
    """Nine songs of three stems each."""
    t = np.arange(5 * RATE) / RATE
    for song in range(9):
        place = folder / "songs" / f"song {song}"
        place.mkdir(parents=True)
        for stem, pitch in (("piano", 440), ("violin", 660), ("drums", 0)):
            noise = np.random.default_rng([song, pitch]).standard_normal(len(t))
            tone = np.sin(2 * np.pi * pitch * 2 ** (song / 12) * t) if pitch else noise
            soundfile.write(place / f"{stem}.wav", 0.2 * tone * np.exp(-3 * (t % 0.5)), RATE)


def make_training(folder: Path) -> None:
    """A prepared corpus of those songs, and a recipe of seconds."""
    make_stems(folder)
    subprocess.run([*ORGANOLOGY, *PREPARE], cwd=folder, check=True, capture_output=True)
    shutil.rmtree(folder / "songs")
    effects = {"pitch_shift": {"probability": 0}, "time_stretch": {"probability": 0}}
    recipe = {
        "name": "killed",
        "corpora": ["prepared"],
        "mixing": {"chunk_seconds": 1.1, "effects": effects},
        "model": {"channels": [4, 6, 8, 8, 8, 8, 8]},
        "training": {
            "transfer": "scratch", "epochs": 6, "batches_per_epoch": 2, "batch_size": 4, "validation_mixtures": 8,
            "workers": 1, "threads": 1, "device": "cpu",
        },
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")


def make_checkpoint(folder: Path) -> None:
    """The shipped model as a checkpoint, and a model that stands where another one is exported to."""
    subprocess.run([*ORGANOLOGY, "import", "--out", "checkpoint"], cwd=folder, check=True, capture_output=True)
    (folder / "mine.onnx").write_bytes(b"a model of before")


def make_nothing(folder: Path) -> None:
    """An empty folder."""


RUN = "run"
VERBS = {
    "recognize": Verb(
        ("recognize", "music", "--store", "lib.db", "--format", "csv", "-o", "out.csv", "-j", "2", "-q"),
        make_music,
        growing=["lib.db*"],
        readers={"lib.db": store_rows},
    ),
    "annotations": Verb(
        ("recognize", "music", "--format", "segments", "-o", "annotations", "--plot", "pictures", "-j", "2", "-q"),
        make_music,
    ),
    "tags": Verb(
        ("recognize", "music", "--store", "lib.db", "--format", "csv", "-o", "out.csv", "--write-tags", "--yes", "-q"),
        make_music,
        growing=["lib.db*"],
        readers={"lib.db": store_rows},
    ),
    "prepare": Verb(
        PREPARE,
        make_stems,
    ),
    "train": Verb(
        ("train", "recipe.yaml", "--out", RUN, "--resume"),
        make_training,
        growing=[f"{RUN}/*"],
        ignored=[f"{RUN}/logs/events.out.tfevents.*"],
        preloaded=["organology.training.run"],
        readers={
            f"{RUN}/summary.json": without_time,
            f"{RUN}/last.ckpt": training_state,
            f"{RUN}/logs/metrics.csv": history,
            f"{RUN}/best/model.json": weights_and_description,
        },
    ),
    "export": Verb(("export", "checkpoint", "mine.onnx"), make_checkpoint, preloaded=["organology.model"]),
    "import": Verb(
        ("import", "--out", "checkpoint"),
        make_nothing,
        preloaded=["organology.model"],
        readers={"checkpoint/model.json": weights_and_description},
    ),
    "mix": Verb(
        ("mix", "--recipe", "recipe.yaml", "--out", "heard", "-n", "20"), make_training, growing=["heard/*.csv"]
    ),
}
"""What is tried. A row more is a verb more."""


class Fork:
    """A run as a fork of this process, to be used like `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], folder: Path, environment: dict[str, str], said: Path) -> None:
        sys.stdout.flush()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._run(arguments, folder, environment, said)
            except SystemExit as error:
                os._exit(error.code if isinstance(error.code, int) else 1)
            finally:
                os._exit(1)

    @staticmethod
    def _run(arguments: Sequence[str], folder: Path, environment: dict[str, str], said: Path) -> None:
        atexit._clear()  # what this script does at its end is not the run's to do
        os.setsid()
        os.chdir(folder)
        os.environ.update(environment)
        tempfile.tempdir = None
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(handle, number)
        sys.argv = ["organology", *arguments]
        try:
            importlib.import_module("organology.cli").main()
        finally:
            atexit._run_exitfuncs()

    def poll(self) -> int | None:
        """The exit status if it has ended, negative if a signal ended it."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        """The exit status, once it has ended."""
        while (status := self.poll()) is None:
            time.sleep(0.002)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Attack:
    """Kills of one verb."""

    def __init__(self, name: str, work: Path, seed: int) -> None:
        self.name, self.verb = name, VERBS[name]
        self.rng = random.Random(f"{seed} {name}")
        self.problems: list[str] = []
        self.folder = work / "killed"
        self.temporary = work / "temporary"
        self.temporary.mkdir(parents=True)
        self.said = work / "said.txt"
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.inputs = work / "inputs"
        self.inputs.mkdir(parents=True)
        self.verb.make(self.inputs)
        whole = work / "whole"
        shutil.copytree(self.inputs, whole)
        for module in self.verb.preloaded:
            importlib.import_module(module)
        began = time.monotonic()
        self._undisturbed(whole)
        self.seconds = time.monotonic() - began
        self.before, self.after = self.verb.tree(self.inputs), self.verb.tree(whole, self.problems)
        if self.before == self.after:
            raise SystemExit(
                f"{name}: changes nothing, so there is nothing to kill: {self.said.read_text('utf-8', 'replace')}"
            )

    def _begin(self, folder: Path) -> subprocess.Popen[bytes] | Fork:
        if self.verb.preloaded:
            return Fork(self.verb.arguments, folder, self.environment, self.said)
        command = [*ORGANOLOGY, *self.verb.arguments]
        with self.said.open("wb") as said:
            return subprocess.Popen(
                command, cwd=folder, env=self.environment, stdout=said, stderr=said, start_new_session=True
            )

    def _undisturbed(self, folder: Path) -> None:
        if status := self._begin(folder).wait():
            self._fail(status)

    def _fail(self, status: int) -> None:
        text = self.said.read_text(errors="replace").strip()
        self.problems.append(f"a run that nobody killed: exit status {status}: {text[-500:]}")

    def _anew(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.inputs, self.folder)

    def run(self, n_kills: int) -> None:
        """Kill it so often, then let it end."""
        n_ended = n_killed = 0
        self._anew()
        while n_killed < n_kills:
            process = self._begin(self.folder)
            if self._kill(process):
                n_killed += 1
                self._check(f"after kill {n_killed}", at_end=False)
            else:
                n_ended += 1
                self._check(f"ended after kill {n_killed}", at_end=True)
                self._anew()
        self._undisturbed(self.folder)
        self._check("after the last run", at_end=True)
        self.problems += [f"left in the folder for temporary files: {path.name}" for path in self.temporary.iterdir()]
        print(f"{self.name}: {n_killed} kills of a run of {self.seconds:.1f} s; {n_ended + 1} runs ended", flush=True)

    def _kill(self, process: subprocess.Popen[bytes] | Fork) -> bool:
        """Kill a run at some moment; False if it had ended, with exit status 0."""
        deadline = time.monotonic() + self.rng.uniform(0.0, 1.1 * self.seconds)
        if self.rng.random() < 0.5:
            self._wait_for_writing(process)
            deadline = time.monotonic() + self.rng.choice([0.0, 0.01, 0.1, 0.5]) * self.rng.random() * self.seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        number = self.rng.choice(SIGNALS)
        running = process.poll() is None
        try:
            if self.rng.random() < 0.3:
                os.killpg(process.pid, number)
            elif running:
                process.send_signal(number)
        except ProcessLookupError:
            pass
        status = process.wait()
        if not running and status:
            self._fail(status)
        self._end_others(process.pid)
        return running and status != 0

    def _wait_for_writing(self, process: subprocess.Popen[bytes] | Fork) -> None:
        """Wait until something in the folder changes."""
        before = self._names()
        while process.poll() is None and self._names() == before:
            time.sleep(0.002)

    def _names(self) -> list[tuple[str, int]]:
        found = []
        for parent, _, names in os.walk(self.folder):
            for name in names:
                try:
                    found.append((name, os.stat(os.path.join(parent, name)).st_size))  # noqa: PTH116, PTH118
                except FileNotFoundError:
                    continue
        return found

    def _end_others(self, group: int) -> None:
        """Wait for what a killed process has begun: it has to end by itself."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.01)
        self.problems.append("processes that it began live on after 20 s")
        os.killpg(group, signal.SIGKILL)

    def _check(self, when: str, at_end: bool) -> None:
        problems: list[str] = []
        found = self.verb.tree(self.folder, problems)
        for name, value in found.items():
            if at_end or not (Path(name).name.startswith(".organology-") or "/.organology-" in f"/{name}"):
                known = [tree[name] for tree in (self.before, self.after) if name in tree]
                growing = not at_end and matches(name, self.verb.growing)
                if not growing and (name not in self.after if at_end else not known):
                    problems.append(f"{name}: should not be there")
                elif not growing and value not in ([self.after[name]] if at_end else known):
                    problems.append(f"{name}: neither as before nor as it should be")
        must = self.after if at_end else {name: 0 for name in self.before if name in self.after}
        problems += [f"{name}: is lost" for name in must if name not in found]
        self.problems += [f"{when}: {problem}" for problem in problems]


def main() -> int:
    """Try it; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verbs", default=",".join(VERBS), help="separated by commas")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    n_problems = 0
    for name in given.verbs.split(","):
        with tempfile.TemporaryDirectory() as folder:
            attack = Attack(name, Path(folder), given.seed)
            attack.run(given.kills)
        for problem in attack.problems:
            print(f"{name}: {problem}", flush=True)
        n_problems += len(attack.problems)
    print(f"{n_problems} things were wrong" if n_problems else "nothing was wrong")
    return bool(n_problems)


if __name__ == "__main__":
    sys.exit(main())
