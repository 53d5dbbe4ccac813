"""How a verb is killed, and how one sees whether anything is lost; `kills` says which verbs."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forks import ORGANOLOGY, Fork, preload

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

Reader = Callable[[Path], object]
Tree = dict[str, object]


def digest(path: Path) -> object:
    """What any file is compared by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
    refuses_done : bool
        It ends with an error where all that it would write is there already.
    slow_to_import : bool
        Each run is a fork of this process, which has imported once what the undisturbed run imported.
    readers : dict of str to callable
        For files that are not the same byte by byte: a pattern, and what reads what has to be the same. It raises
        where the file is broken.
    """

    arguments: Sequence[str]
    make: Callable[[Path], None]
    growing: Sequence[str] = ()
    ignored: Sequence[str] = ()
    refuses_done: bool = False
    slow_to_import: bool = False
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


class Attack:
    """Kills of one verb."""

    def __init__(self, name: str, verb: Verb, work: Path, seed: int) -> None:
        self.name, self.verb = name, verb
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
        if self.verb.slow_to_import:
            self._preload()
        self.after: Tree = {}
        began = time.monotonic()
        self._undisturbed(whole)
        self.seconds = time.monotonic() - began
        self.before, self.after = self.verb.tree(self.inputs), self.verb.tree(whole, self.problems)
        if self.before == self.after:
            raise SystemExit(
                f"{name}: changes nothing, so there is nothing to kill: {self.said.read_text('utf-8', 'replace')}"
            )

    def _preload(self) -> None:
        place = self.folder.with_name("preloaded")
        shutil.copytree(self.inputs, place)
        preload(self.verb.arguments, place, self.environment)

    def _begin(self, folder: Path) -> subprocess.Popen[bytes] | Fork:
        if self.verb.slow_to_import:
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
        if self.verb.refuses_done and self.verb.tree(self.folder) == self.after:
            return
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
